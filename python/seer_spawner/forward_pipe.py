"""Carries bytes between two sockets, on both sides of the wall: of each direction one piece at a time in memory."""

from __future__ import annotations

import asyncio
import socket

PIECE_BYTES = 64 * 1024


async def _more(source: socket.socket, piece: memoryview) -> int:
    try:
        return await asyncio.get_running_loop().sock_recv_into(source, piece)
    except OSError:
        return 0  # it has gone: the other may still have something to read


async def _copy(source: socket.socket, target: socket.socket, moved: list[float]) -> None:
    loop = asyncio.get_running_loop()
    piece = memoryview(bytearray(PIECE_BYTES))
    try:
        while count := await _more(source, piece):
            moved[0] = loop.time()
            await loop.sock_sendall(target, piece[:count])
            moved[0] = loop.time()
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it takes no more; what it has said is still carried


async def pipe(client: socket.socket, server: socket.socket, idle_seconds: float, after_end_seconds: float) -> None:
    """Until both have said all, or nothing has moved for a while; a shorter one after the server's end.

    The sockets do not block, and are the caller's to close.
    """
    loop = asyncio.get_running_loop()
    moved = [loop.time()]
    up = loop.create_task(_copy(client, server, moved))
    down = loop.create_task(_copy(server, client, moved))
    left = {up, down}
    try:
        while left:
            bound = after_end_seconds if down.done() else idle_seconds
            wait = moved[0] + bound - loop.time()
            if wait <= 0:
                return
            _, left = await asyncio.wait(left, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
