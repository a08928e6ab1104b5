"""Looks names up and connects to addresses, on the proxy's own thread and in bounded time."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .network_address import Address
from .network_request import Target
from .network_rules import address_in

RESOLVERS = 8

#: A name and a port to the addresses, as text.
Resolve = Callable[[str, int], "list[str]"]


class Failed(Exception):
    """It was allowed, and could not be done."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]


class Resolver:
    """The system's resolver keeps whoever asks it waiting, so threads ask it: a few, for the names are the agent's."""

    def __init__(self, resolve: Resolve) -> None:
        self.resolve = resolve
        self.threads = ThreadPoolExecutor(RESOLVERS, "resolve")

    async def addresses(self, host: str, port: int, within_seconds: float) -> list[Address]:
        """None for a name that is not known, or not in time."""
        looking = asyncio.get_running_loop().run_in_executor(self.threads, self.resolve, host, port)
        try:
            texts = await asyncio.wait_for(looking, within_seconds)
        except (OSError, UnicodeError, asyncio.TimeoutError):
            return []
        return [address for text in dict.fromkeys(texts) if (address := address_in(text)) is not None]

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)


async def connect(target: Target, addresses: Sequence[Address], each_seconds: float) -> tuple[socket.socket, Address]:
    """The first that answers."""
    why = "does not answer"
    for address in addresses:
        server = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        try:
            server.setblocking(False)
            connecting = asyncio.get_running_loop().sock_connect(server, (str(address), target.port))
            await asyncio.wait_for(connecting, each_seconds)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return server, address
        except (OSError, asyncio.TimeoutError) as error:
            server.close()
            if isinstance(error, OSError) and error.errno:
                why = f"cannot be reached: {os.strerror(error.errno)}"
        except BaseException:
            server.close()
            raise
    raise Failed(502, f"{target.host}:{target.port} {why}")
