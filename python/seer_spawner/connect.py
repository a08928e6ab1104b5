"""`boot.py connect PORT`: between the stream that is its stdin and a port of the sandbox's own loopback.

For a server that runs in one sandbox and is used in another. It runs as the agent's code does, and has no more rights.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from .forward_pipe import pipe

IDLE_SECONDS = 3600.0
AFTER_END_SECONDS = 30.0


async def _carry(stream: socket.socket, server: socket.socket) -> None:
    await pipe(stream, server, IDLE_SECONDS, AFTER_END_SECONDS)


def main(argv: list[str]) -> int:
    with socket.socket(fileno=os.dup(0)) as stream:
        try:
            server = socket.create_connection(("127.0.0.1", int(argv[0])), timeout=10)
        except OSError as error:
            print(f"nothing answers at port {argv[0]}: {error.strerror or error}", file=sys.stderr)
            return 1
        with server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for sock in (stream, server):
                sock.setblocking(False)
            asyncio.run(_carry(stream, server))
    return 0
