"""One kernel: a thread that owns its sockets, sends what is asked of it, and spools what it says."""

from __future__ import annotations

import os
import threading
import time
from collections import deque

import zmq

from .cells import Cell
from .errors import named
from .launch import Launch
from .log import log
from .spool import Spool
from .wire import BadMessage, Wire

# Few messages wait on our side; the rest waits in the kernel's own queue, which drops nothing (its mark is 0).
RECEIVE_HIGH_WATER_MARK = 8
MAX_FRAME_BYTES = 64 * 1024 * 1024
DRAIN_SILENCE_MS = 200
DRAIN_SECONDS = 20.0
HANDSHAKE_SECONDS = 0.25
BATCH = 64


class Kernel:
    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], launch: Launch, wire: Wire, spool: Spool) -> None:
        self.context = context
        self.launch = launch
        self.wire = wire
        self.spool = spool
        self.lock = threading.Lock()
        self.outbox: deque[list[bytes]] = deque()
        self.wake_out, self.wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        self.pid = 0
        self.ready = threading.Event()
        self.finished = threading.Event()
        self.asked_to_end = False
        self.exit: tuple[int | None, str | None] | None = None
        self.closed = False
        self.thread = threading.Thread(target=self._run, name=launch.id, daemon=True)

    @property
    def alive(self) -> bool:
        return self.exit is None and not self.closed

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

    def _socket(self, kind: int, port: str) -> zmq.Socket[bytes]:
        sock = self.context.socket(kind)
        sock.linger = 0
        sock.setsockopt(zmq.RECONNECT_IVL, 20)
        sock.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        if kind == zmq.SUB:
            sock.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER_MARK)
            sock.setsockopt(zmq.SUBSCRIBE, b"")
        sock.connect(self.launch.address(port))
        return sock

    def _run(self) -> None:
        shell = self._socket(zmq.DEALER, "shell_port")
        iopub = self._socket(zmq.SUB, "iopub_port")
        try:
            self._handshake(shell, iopub)
            if self.exit is None:
                self.spool.tell("kernel-ready", pid=self.pid)
                self.ready.set()
                self._serve(shell, iopub)
                self._drain(shell, iopub)
        except Exception as error:  # noqa: BLE001 - whatever happens, the end must be told
            log(f"kernel {self.launch.id}: {error!r}")
        finally:
            self._finish(shell, iopub)

    def _handshake(self, shell: zmq.Socket[bytes], iopub: zmq.Socket[bytes]) -> None:
        """Asks for its info until both the answer and the idle status came: then nothing after can be missed."""
        poller = zmq.Poller()
        for sock in (shell, iopub):
            poller.register(sock, zmq.POLLIN)
        poller.register(self.wake_out, zmq.POLLIN)
        asked: set[str] = set()
        replied = subscribed = False
        next_ask = 0.0
        while self.exit is None and not (replied and subscribed):
            if time.monotonic() >= next_ask:
                request, parts = self.wire.request("kernel_info_request", {})
                asked.add(request)
                shell.send_multipart(parts)
                next_ask = time.monotonic() + HANDSHAKE_SECONDS
            poller.poll(20)
            self._drain_wake()
            for frames in self._received(shell):
                try:
                    replied = replied or self.wire.parse(frames).parent in asked
                except BadMessage:
                    pass
            for frames in self._received(iopub):
                message = self.spool.parse(frames)
                if message is not None and message.kind == "status" and message.parent in asked:
                    subscribed = True

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

    def _serve(self, shell: zmq.Socket[bytes], iopub: zmq.Socket[bytes]) -> None:
        poller = zmq.Poller()
        for sock in (shell, iopub):
            poller.register(sock, zmq.POLLIN)
        poller.register(self.wake_out, zmq.POLLIN)
        next_tick = time.monotonic() + 1.0
        while self.exit is None:
            again = self.spool.settle()
            events = dict(poller.poll(1000 if again is None else int(again * 1000)))
            if self.wake_out in events:
                self._drain_wake()
                while self.outbox:
                    shell.send_multipart(self.outbox.popleft())
            self._read_iopub(iopub)
            if shell in events:
                self._read_shell(shell)
            if time.monotonic() >= next_tick:
                self.spool.tick()
                next_tick = time.monotonic() + 1.0

    def _read_iopub(self, iopub: zmq.Socket[bytes]) -> bool:
        """One at a time: a batch of large messages in memory would not be bounded."""
        for number in range(BATCH):
            try:
                frames = iopub.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return number > 0
            message = self.spool.parse(frames)
            if message is not None:
                self.spool.iopub(message)
        return True

    def _read_shell(self, shell: zmq.Socket[bytes]) -> None:
        for frames in self._received(shell):
            try:
                self.spool.reply(self.wire.parse(frames))
            except BadMessage:
                log(f"kernel {self.launch.id}: a reply that is not of this kernel")

    def _drain(self, shell: zmq.Socket[bytes], iopub: zmq.Socket[bytes]) -> None:
        """The kernel has ended; what it had sent is still in the pipe."""
        deadline = time.monotonic() + DRAIN_SECONDS
        self._read_shell(shell)
        while time.monotonic() < deadline:
            if not self._read_iopub(iopub) and not iopub.poll(DRAIN_SILENCE_MS):
                break
        self._read_shell(shell)

    def _finish(self, shell: zmq.Socket[bytes], iopub: zmq.Socket[bytes]) -> None:
        with self.lock:
            self.closed = True
            os.close(self.wake_in)
            os.close(self.wake_out)
        shell.close()
        iopub.close()
        if self.ready.is_set():
            exit_code, signal = self.exit or (None, None)
            self.spool.kernel_died(exit_code, signal, "asked" if self.asked_to_end else "died")
        for path in self.launch.files():
            if path != self.launch.log_file or self.ready.is_set():
                path.unlink(missing_ok=True)
        self.finished.set()
