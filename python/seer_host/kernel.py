"""One kernel: a thread that owns its sockets, sends what is asked of it, and spools what it says."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque

import zmq

from .cells import Cell
from .errors import named
from .iopub_stream import IopubStream
from .launch import Launch
from .log import log
from .peek import Peeks
from .shared_folder import HeldSocket, hold
from .spool import Spool
from .wire import BadMessage, Message, Wire

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 20.0
DRAIN_SILENCE_MS = 200
RECONNECT_MS = 20
HANDSHAKE_SECONDS = 0.25
BECAUSE_SECONDS = 10.0
BATCH = 64


class Kernel:
    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], launch: Launch, wire: Wire, spool: Spool) -> None:
        self.context = context
        self.launch = launch
        self.wire = wire
        self.spool = spool
        self.lock = threading.Lock()
        self.outbox: deque[list[bytes]] = deque()
        self.iopub: IopubStream | None = None
        self.shell_held: HeldSocket | None = None
        self.wake_out, self.wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        self.pid = 0
        self.ready = threading.Event()
        self.finished = threading.Event()
        self.asked_to_end = False
        #: Why it may be about to die, and when that was known.
        self.because: tuple[str, float] | None = None
        self.exit: tuple[int | None, str | None] | None = None
        self.closed = False
        self.peeks = Peeks(context, self)
        self.thread = threading.Thread(target=self._run, name=launch.id, daemon=True)

    @property
    def alive(self) -> bool:
        return self.exit is None and not self.closed

    @property
    def end_reason(self) -> str:
        return "asked" if self.asked_to_end else "died"

    def on_exit(self, exit_code: int | None, signal: str | None) -> None:
        self.exit = (exit_code, signal)
        self._wake()

    def execute(self, cell: Cell, code: str) -> None:
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        with self.lock:
            if not self.alive:
                raise named("kernel-gone", "the kernel has ended, and its variables with it")
            request, parts = self.wire.request(
                "execute_request", {**content, "allow_stdin": False, "stop_on_error": True}
            )
            self.spool.accept(request, cell)
            self.outbox.append(parts)
        self._wake()

    def _wake(self) -> None:
        with self.lock:
            if not self.closed:
                try:
                    os.write(self.wake_in, b"\0")
                except BlockingIOError:
                    pass  # it has been woken often enough

    def _make_shell(self) -> zmq.Socket[bytes]:
        shell = self.context.socket(zmq.DEALER)
        shell.linger = 0
        shell.setsockopt(zmq.RECONNECT_IVL, 20)
        shell.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        return shell

    def _connect_shell(self, shell: zmq.Socket[bytes]) -> bool:
        """Once the kernel has made it. It is held to the end: libzmq connects again by itself."""
        if self.shell_held is None:
            self.shell_held = hold(self.launch.socket("shell_port"))
            if self.shell_held is not None:
                shell.connect(f"ipc://{self.shell_held.path}")
        return self.shell_held is not None

    def _connect_iopub(self) -> bool:
        """Also again, should the kernel close the connection: what is missing then shows in its numbers."""
        if self.iopub is not None and self.iopub.ended:
            self.iopub.close()
            self.iopub = None
        if self.iopub is None:
            held = hold(self.launch.socket("iopub_port"))
            if held is None:
                return False
            try:
                self.iopub = IopubStream(held.path, MAX_MESSAGE_BYTES)
            except OSError:
                return False
            finally:
                held.close()
        return True

    def _poll(self, shell: zmq.Socket[bytes], timeout_ms: float) -> set[object]:
        if not self._connect_iopub():
            timeout_ms = min(timeout_ms, RECONNECT_MS)
        sockets: list[object] = [shell, self.wake_out, *([] if self.iopub is None else [self.iopub.fileno()])]
        poller = zmq.Poller()
        for sock in sockets:
            poller.register(sock, zmq.POLLIN)
        return {sock for sock, _ in poller.poll(int(timeout_ms))}

    def _run(self) -> None:
        shell = self._make_shell()
        try:
            self._handshake(shell)
            if self.exit is None:
                self.spool.tell("kernel-ready", pid=self.pid)
                self.ready.set()
                self._serve(shell)
                self._drain(shell)
        except Exception as error:  # noqa: BLE001 - whatever happens, the end must be told
            log(f"kernel {self.launch.id}: {error!r}")
        finally:
            self._finish(shell)

    def _handshake(self, shell: zmq.Socket[bytes]) -> None:
        """Asks for its info until both the answer and the idle status came: then nothing after can be missed."""
        asked: set[str] = set()
        replied = subscribed = False
        next_ask = 0.0
        while self.exit is None and not (replied and subscribed):
            if time.monotonic() >= next_ask and self._connect_shell(shell):
                request, parts = self.wire.request("kernel_info_request", {})
                asked.add(request)
                shell.send_multipart(parts)
                next_ask = time.monotonic() + HANDSHAKE_SECONDS
            self._poll(shell, RECONNECT_MS)
            self._drain_wake()
            for frames in self._received(shell):
                try:
                    replied = replied or self.wire.parse(frames).parent in asked
                except BadMessage:
                    pass
            while (message := self._next_message()) is not None:
                subscribed = subscribed or (message.kind == "status" and message.parent in asked)

    def _next_message(self) -> Message | None:
        """The next good one; what is no message of this kernel is counted."""
        while self.iopub is not None:
            received = self.iopub.next()
            if received is None:
                break
            if isinstance(received, int):
                self.spool.too_large(received)
            elif (message := self.spool.parse(received)) is not None:
                return message
        return None

    def _received(self, sock: zmq.Socket[bytes]) -> list[list[bytes]]:
        got: list[list[bytes]] = []
        try:
            while len(got) < BATCH:
                got.append(sock.recv_multipart(zmq.NOBLOCK))
        except zmq.Again:
            pass
        return got

    def _drain_wake(self) -> None:
        try:
            os.read(self.wake_out, 4096)
        except BlockingIOError:
            pass

    def _serve(self, shell: zmq.Socket[bytes]) -> None:
        next_tick = time.monotonic() + 1.0
        more = False
        while self.exit is None:
            again = self.spool.settle()
            ready = self._poll(shell, 0 if more else 1000 if again is None else again * 1000)
            if self.wake_out in ready:
                self._drain_wake()
                while self.outbox:
                    shell.send_multipart(self.outbox.popleft())
            more = self._read_iopub()
            if shell in ready:
                self._read_shell(shell)
            if time.monotonic() >= next_tick:
                self.spool.tick()
                next_tick = time.monotonic() + 1.0

    def _read_iopub(self) -> bool:
        """Some, so that a flood does not keep requests waiting. True when more may have been read already."""
        for _ in range(BATCH):
            message = self._next_message()
            if message is None:
                return False
            self.spool.iopub(message)
        return True

    def _read_shell(self, shell: zmq.Socket[bytes]) -> None:
        for frames in self._received(shell):
            try:
                self.spool.reply(self.wire.parse(frames))
            except BadMessage:
                log(f"kernel {self.launch.id}: a reply that is not of this kernel")

    def _drain(self, shell: zmq.Socket[bytes]) -> None:
        """The kernel has ended; what it had sent is still in the socket. A child of it may hold the socket open."""
        deadline = time.monotonic() + DRAIN_SECONDS
        self._read_shell(shell)
        while self.iopub is not None and not self.iopub.ended and time.monotonic() < deadline:
            message = self._next_message()
            if message is not None:
                self.spool.iopub(message)
            elif not self.iopub.ended and not self._readable(self.iopub):
                break
        self._read_shell(shell)

    def _readable(self, iopub: IopubStream) -> bool:
        poller = select.poll()
        poller.register(iopub, select.POLLIN)
        return bool(poller.poll(DRAIN_SILENCE_MS))

    def _finish(self, shell: zmq.Socket[bytes]) -> None:
        with self.lock:
            self.closed = True
            os.close(self.wake_in)
            os.close(self.wake_out)
        shell.close()
        for held in (self.iopub, self.shell_held):
            if held is not None:
                held.close()
        if self.ready.is_set():
            exit_code, signal = self.exit or (None, None)
            because = self.because[0] if self.because and time.monotonic() - self.because[1] < BECAUSE_SECONDS else None
            self.spool.kernel_died(exit_code, signal, self.end_reason, because)
        for path in self.launch.files():
            if path != self.launch.log_file or self.ready.is_set():
                path.unlink(missing_ok=True)
        self.finished.set()
