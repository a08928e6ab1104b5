"""`boot.py forward PORT SOCKET`: from a port of the sandbox's own loopback to the proxy's socket outside.

It runs as the agent's code does, and has no more rights: whoever is inside may speak to the socket directly.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time

from .forward_pipe import pipe

MAX_CONNECTIONS = 256
#: Said once connections are taken.
LISTENING = "listening"
#: Longer than the proxy's own bounds, which decide.
IDLE_SECONDS = 3600.0
AFTER_END_SECONDS = 30.0
CONNECT_SECONDS = 10.0
RETRY_SECONDS = 0.02
LAST_WORDS_SECONDS = 2.0
_GONE = b"HTTP/1.1 502 Seer: the socket of the sandbox's proxy is gone\r\nConnection: close\r\n\r\n"


async def _connect(path: str) -> socket.socket:
    """A unix socket whose queue is full says that it would block, and cannot be waited for."""
    deadline = time.monotonic() + CONNECT_SECONDS
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.setblocking(False)
    try:
        while True:
            try:
                server.connect(path)
                return server
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
    except BaseException:
        server.close()
        raise


async def _refuse(client: socket.socket) -> None:
    """What it sends is read: closed before that, the connection would take its answer back."""
    client.send(_GONE)
    client.shutdown(socket.SHUT_WR)
    try:
        await asyncio.wait_for(_read_on(client), LAST_WORDS_SECONDS)
    except asyncio.TimeoutError:
        pass


async def _read_on(client: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(client, 65536):
        pass


async def _carry(client: socket.socket, path: str) -> None:
    with client:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                server = await _connect(path)
            except OSError:
                await _refuse(client)
                return
            with server:
                await pipe(client, server, IDLE_SECONDS, AFTER_END_SECONDS)
        except OSError:
            pass  # the client has gone


async def forward(listener: socket.socket, path: str) -> None:
    loop = asyncio.get_running_loop()
    room = asyncio.Semaphore(MAX_CONNECTIONS)
    carried: set[asyncio.Task[None]] = set()

    def done(task: asyncio.Task[None]) -> None:
        carried.discard(task)
        room.release()

    while True:
        await room.acquire()
        try:
            client, _ = await loop.sock_accept(listener)
        except OSError:
            room.release()
            await asyncio.sleep(RETRY_SECONDS)  # out of file descriptors, for one
            continue
        task = loop.create_task(_carry(client, path))
        carried.add(task)
        task.add_done_callback(done)


def main(argv: list[str]) -> int:
    try:
        listener = socket.create_server(("127.0.0.1", int(argv[0])), backlog=128)
    except OSError as error:
        print(error.strerror or error, file=sys.stderr)
        return 1
    listener.setblocking(False)
    print(LISTENING, flush=True)
    asyncio.run(forward(listener, argv[1]))
    return 0
