"""The proxy: one thread that takes `CONNECT host:port` on a unix socket, decides, resolves, connects, carries bytes.

What it is asked is the agent's. A name is resolved once, here, and the connection goes to the address that was looked
at: an answer that changes meanwhile changes nothing.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass

from seer_spawner.forward_pipe import pipe

from .log import log
from .network_address import Address, is_own, kind_of
from .network_dial import Failed, Resolve, Resolver, connect, resolve
from .network_request import CONNECTED, NO_REQUEST, Refused, Target, answer, parse_request
from .network_rules import Rules, address_in
from .network_told import Told, plain

MAX_ADDRESSES = 8
ANSWER_SECONDS = 5.0
NO_ADDRESS = "has no address that this sandbox may connect to, or is not known by this name"
NOT_PUBLIC = "is no address that this sandbox may connect to"


@dataclass(frozen=True)
class Bounds:
    connections: int = 128
    head_bytes: int = 16 * 1024
    head_seconds: float = 10.0
    resolve_seconds: float = 10.0
    #: For each address.
    connect_seconds: float = 10.0
    idle_seconds: float = 900.0
    #: Once the server has said all.
    after_end_seconds: float = 15.0
    #: Between two that are let in, so that code that connects in a loop leaves the processor to the journal.
    pause_seconds: float = 0.005


class Proxy:
    """`listener` is its own from now on. Other threads call `set_rules` and `close`."""

    def __init__(
        self,
        listener: socket.socket,
        rules: Rules,
        told: Told,
        resolve: Resolve = resolve,
        bounds: Bounds = Bounds(),
    ) -> None:
        listener.setblocking(False)
        self.listener = listener
        self.rules = rules
        self.told = told
        self.resolver = Resolver(resolve)
        self.bounds = bounds
        #: Until the wall has been tried, nobody but Seer asks, and the journal need not say so.
        self.telling = False
        self.serving: set[asyncio.Task[None]] = set()
        self.tunnels: dict[asyncio.Task[None], tuple[Target, Address]] = {}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="network", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.accepting = self.loop.create_task(self._accept())
        [fault] = self.loop.run_until_complete(asyncio.gather(self.accepting, return_exceptions=True))
        if isinstance(fault, Exception):
            log(f"network: {fault!r}")
        self.loop.run_until_complete(self._end_all(set(self.serving)))
        self.listener.close()
        self.resolver.close()
        self.loop.close()

    def close(self) -> None:
        """Nothing is let in any more, and what was is cut."""
        try:
            self.loop.call_soon_threadsafe(lambda: self.accepting.cancel())
        except RuntimeError:
            return  # it is closed
        self.thread.join(timeout=2)

    def set_rules(self, rules: Rules) -> None:
        """Connections that they do not allow any more are cut before this returns."""
        asyncio.run_coroutine_threadsafe(self._take_rules(rules), self.loop).result(timeout=ANSWER_SECONDS)

    async def _take_rules(self, rules: Rules) -> None:
        self.rules = rules
        cut = {task: target for task, (target, address) in self.tunnels.items() if not self._may(target, address)}
        for target in cut.values():
            self._tell(target.said, target.port, False, "was cut: the rules of the network have changed")
        await self._end_all(set(cut))

    async def _end_all(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tell(self, host: str | None, port: int, allowed: bool, because: str | None = None) -> bool:
        return not self.telling or self.told.tell(host, port, allowed, because)

    def _may(self, target: Target, address: Address) -> bool:
        reach = self.rules.reach(target.host, target.port)
        kind = kind_of(address)
        return reach is not None and (kind == "public" or kind == reach) and not is_own(address)

    async def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                await self._asked_for()
                continue
            except OSError as error:
                log(f"network: accept: {error.strerror}")
                await asyncio.sleep(0.2)  # out of file descriptors, for one
                continue
            client.setblocking(False)
            if len(self.serving) >= self.bounds.connections:
                _say(client, answer(503, f"there are {self.bounds.connections} connections already"))
                client.close()
            else:
                task = self.loop.create_task(self._serve(client))
                self.serving.add(task)
                task.add_done_callback(self._done)
            await asyncio.sleep(self.bounds.pause_seconds)

    async def _asked_for(self) -> None:
        """Not asyncio's `sock_accept`, which loses a connection that comes while it is cancelled."""
        asked = asyncio.Event()
        self.loop.add_reader(self.listener, asked.set)
        try:
            await asked.wait()
        finally:
            self.loop.remove_reader(self.listener)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.serving.discard(task)
        self.tunnels.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log(f"network: {error!r}")

    async def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                await self._way_out(client)
            except Refused as refused:
                self._tell(refused.host, refused.port, False, refused.because)
                place = "" if refused.host is None else f"{plain(refused.host)}:{refused.port} "
                _say(client, answer(refused.status, place + refused.because))
            except Failed as failed:
                _say(client, answer(failed.status, str(failed)))
            except OSError:
                pass  # who asked has gone

    async def _way_out(self, client: socket.socket) -> None:
        try:
            head, first = await asyncio.wait_for(self._head(client), self.bounds.head_seconds)
        except asyncio.TimeoutError:
            raise Refused(408, "no whole request came in time") from None
        target = parse_request(head)
        if (why := self.rules.why_not(target.host, target.port)) is not None:
            raise Refused(403, why, target.said, target.port)
        addresses = await self._addresses(target)
        if not self._tell(target.said, target.port, True):
            raise Failed(503, "the disk of the sandbox's machine is full, so a connection cannot be written down")
        server, address = await connect(target, addresses, self.bounds.connect_seconds)
        with server:
            if not self._may(target, address):
                raise Refused(403, "is not allowed any more: the rules of the network have changed", *_place(target))
            task = asyncio.current_task()
            assert task is not None
            self.tunnels[task] = (target, address)
            await self.loop.sock_sendall(client, CONNECTED)
            await self.loop.sock_sendall(server, first)
            await pipe(client, server, self.bounds.idle_seconds, self.bounds.after_end_seconds)

    async def _head(self, client: socket.socket) -> tuple[bytes, bytes]:
        """All before the empty line, and what came after it already."""
        head = b""
        while b"\r\n\r\n" not in head:
            if len(head) >= self.bounds.head_bytes:
                raise Refused(431, f"the request has more than {self.bounds.head_bytes} bytes")
            chunk = await self.loop.sock_recv(client, self.bounds.head_bytes - len(head))
            if not chunk:
                raise Refused(400, NO_REQUEST) if head else ConnectionResetError
            head += chunk
        request, _, first = head.partition(b"\r\n\r\n")
        return request, first

    async def _addresses(self, target: Target) -> list[Address]:
        literal = address_in(target.host)
        if literal is not None:
            found = [literal]
        else:
            found = await self.resolver.addresses(target.host, target.port, self.bounds.resolve_seconds)
        allowed = [address for address in found if self._may(target, address)]
        if not allowed:
            raise Refused(403, NOT_PUBLIC if literal is not None else NO_ADDRESS, *_place(target))
        return allowed[:MAX_ADDRESSES]


def _place(target: Target) -> tuple[str, int]:
    return target.said, target.port


def _say(client: socket.socket, data: bytes) -> None:
    """As much as goes at once, which is all unless it does not read."""
    try:
        client.send(data)
    except OSError:
        pass
