"""`fastmcp` at the server of a session. Prints what it saw as JSON. Its argument is `session.mcpConfig`, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version
from typing import Any

from fastmcp import Client

SLOW = """import time
for n in range(4):
    print(f"step {n}", flush=True)
    time.sleep(0.6)"""


async def main(config: dict[str, Any]) -> None:
    told: list[str] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async with Client(config) as client:
        report: dict[str, Any] = {"version": version("fastmcp"), "told": told}
        report["tools"] = [tool.name for tool in await client.list_tools()]
        printed = await client.call_tool("execute_code", {"code": "print('from fastmcp', 6 * 7)"})
        report["printed"] = {"text": printed.content[1].text, "structured": printed.structured_content}
        wrong = await client.call_tool("execute_code", {"cod": "1"}, raise_on_error=False)
        report["wrong"] = {"isError": wrong.is_error, "text": wrong.content[0].text}
        await client.call_tool("execute_code", {"code": SLOW}, progress_handler=on_progress)
        resources = await client.list_resources()
        report["resources"] = [str(resource.uri) for resource in resources]
        notebook = await client.read_resource(resources[0].uri)
        report["notebook"] = len(json.loads(notebook[0].text)["cells"])
    print(json.dumps(report))


asyncio.run(main(json.loads(sys.argv[1])))
