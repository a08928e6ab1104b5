"""Python's `mcp`, version 1 or 2, at the server of a session: a client that is not ours. Prints what it saw as JSON.

Its arguments are `http URL TOKEN`, or `stdio COMMAND ARGUMENT...`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

IS_TWO = version("mcp").startswith("2.")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
FIGURE = f"""import base64
from IPython.display import Image, display
display(Image(data=base64.b64decode("{PIXEL}")))"""
SLOW = """import time
for n in range(4):
    print(f"step {n}", flush=True)
    time.sleep(0.6)"""
ENDLESS = "import time\nfor n in range(600): time.sleep(0.1)"


async def connect(stack: AsyncExitStack, how: str, where: list[str]) -> Any:
    if how == "stdio":
        # Without this it would be started with a few variables only, and not find what lies in an unusual place.
        server = StdioServerParameters(command=where[0], args=where[1:], env=dict(os.environ))
        if IS_TWO:
            from mcp import Client

            return await stack.enter_async_context(Client(server))
        return await session_of(stack, await stack.enter_async_context(stdio_client(server)))
    url, token = where
    headers = {"Authorization": f"Bearer {token}"}
    if IS_TWO:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
        return await stack.enter_async_context(Client(streamable_http_client(url, http_client=http)))
    from mcp.client.streamable_http import streamablehttp_client

    return await session_of(stack, await stack.enter_async_context(streamablehttp_client(url, headers=headers)))


async def session_of(stack: AsyncExitStack, streams: Any) -> ClientSession:
    session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
    await session.initialize()
    return session


def seen(result: Any) -> dict[str, Any]:
    plain = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: plain.get(key) for key in ("content", "structuredContent", "isError")}


async def cancelled(client: Any) -> None:
    call = {"code": ENDLESS}
    if IS_TWO:
        with anyio.move_on_after(2):
            await client.call_tool("execute_code", call)
        return
    # Version 1 says nothing to the server when a call is cancelled: it must be told.
    from mcp import types

    params = types.CancelledNotificationParams(requestId=client._request_id, reason="enough")
    with anyio.move_on_after(2):
        await client.call_tool("execute_code", call)
    notification = types.CancelledNotification(method="notifications/cancelled", params=params)
    await client.send_notification(types.ClientNotification(notification))


async def main(how: str, where: list[str]) -> None:
    told: list[str] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async with AsyncExitStack() as stack:
        client = await connect(stack, how, where)
        tools = (await client.list_tools()).tools
        report: dict[str, Any] = {"version": version("mcp"), "tools": [tool.name for tool in tools]}
        report["printed"] = seen(await client.call_tool("execute_code", {"code": "print('hello')"}))
        report["figure"] = seen(await client.call_tool("execute_code", {"code": FIGURE}))
        report["wrong"] = seen(await client.call_tool("execute_code", {"cod": "1"}))
        await client.call_tool("execute_code", {"code": SLOW}, progress_callback=on_progress)
        report["told"] = told
        resources = (await client.list_resources()).resources
        report["resources"] = [str(resource.uri) for resource in resources]
        notebook = await client.read_resource(resources[0].uri)
        report["notebook"] = len(json.loads(notebook.contents[0].text)["cells"])
        await client.call_tool("execute_code", {"code": "kept = 7"})
        await cancelled(client)
        await anyio.sleep(1)
        report["after"] = seen(await client.call_tool("execute_code", {"code": "print(kept)"}))
    print(json.dumps(report))


anyio.run(main, sys.argv[1], sys.argv[2:])
