"""Code that looks into a kernel while a cell of it runs: in a subshell, a second thread of the kernel's own.

It is no cell: nothing of it is written to the journal. A thread cannot be stopped, so a peek that does not end in time
is given up and goes on by itself. There are only so many of those.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import zmq

from .errors import named
from .shared_folder import hold
from .text import encode_text
from .wire import BadMessage, Message, Wire

if TYPE_CHECKING:
    from .kernel import Kernel

MAX_CHARS = 32 * 1024
MAX_UNFINISHED = 4
MAX_KNOWN = 64
CONTROL_SECONDS = 5.0
OUTPUT_SECONDS = 2.0
STEP_MS = 50


class Peek:
    """What one peek prints, as one bounded text. The kernel's thread feeds it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.chars = 0
        self.omitted = 0
        self.idle = threading.Event()

    def take(self, message: Message) -> None:
        kind, content = message.kind, message.content
        if kind == "status" and content.get("execution_state") == "idle":
            self.idle.set()
        elif kind == "stream":
            self._add(content.get("text"))
        elif kind in ("execute_result", "display_data"):
            data = content.get("data")
            named = ", ".join(map(str, data)) if isinstance(data, dict) else ""
            text = data.get("text/plain") if isinstance(data, dict) else None
            self._add((text if isinstance(text, str) else f"[{named[:200]}]") + "\n")
        elif kind == "error":
            lines = content.get("traceback")
            self._add("\n".join(map(str, lines)) + "\n" if isinstance(lines, list) else None)

    def _add(self, text: Any) -> None:
        if not isinstance(text, str):
            return
        kept = text[: MAX_CHARS - self.chars]
        self.parts.append(kept)
        self.chars += len(kept)
        self.omitted += len(text) - len(kept)


class Peeks:
    """Of one kernel."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], kernel: Kernel) -> None:
        self.context = context
        self.kernel = kernel
        self.lock = threading.Lock()
        #: One at a time makes and removes subshells.
        self.tidying = threading.Lock()
        #: By id, so that a repeated request runs nothing again.
        self.known: OrderedDict[str, Future[dict[str, Any]]] = OrderedDict()
        #: By their subshells: those that run, and those that were given up and may run on.
        self.running: dict[str, Peek] = {}
        self.unfinished: dict[str, Peek] = {}

    def run(self, id: str, code: str, seconds: float) -> dict[str, Any]:
        with self.lock:
            future = self.known.get(id)
            is_new = future is None
            if future is None:
                future = self.known[id] = Future()
                while len(self.known) > MAX_KNOWN:
                    self.known.popitem(last=False)
        if is_new:
            try:
                future.set_result(self._run(code, seconds))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def _run(self, code: str, seconds: float) -> dict[str, Any]:
        wire, peek = Wire(self.kernel.launch.key), Peek()
        until = time.monotonic() + seconds
        with self.tidying:
            self._tidy(wire)
            if len(self.unfinished) >= MAX_UNFINISHED:
                return _told("refused", why=f"{MAX_UNFINISHED} peeks of before have not ended yet")
            reply = self._control(wire, "create_subshell_request", {}, min(seconds, CONTROL_SECONDS))
            subshell = None if reply is None else reply.content.get("subshell_id")
            if not isinstance(subshell, str):
                self._require_kernel()
                return _told("unfinished", why="the kernel did not answer: its cell may let no other thread run")
            self.running[subshell] = peek
        status = None
        try:
            status = self._execute(wire, code, subshell, peek, until)
        finally:
            del self.running[subshell]
            if status is None:
                self.unfinished[subshell] = peek
        if status is None:
            self._require_kernel()
            return self._result(peek, "unfinished", why=f"it had not ended after {seconds:g} s")
        peek.idle.wait(OUTPUT_SECONDS)
        self._control(wire, "delete_subshell_request", {"subshell_id": subshell})
        return self._result(peek, status)

    def _require_kernel(self) -> None:
        if not self.kernel.alive:
            raise named("kernel-gone", "the kernel has ended, and its variables with it")

    def _tidy(self, wire: Wire) -> None:
        """Removes the subshells of peeks that have ended after all, and of those that were made too late for theirs.

        Never one that may be running something: the kernel would wait for its end, and answer nobody.
        """
        for id, peek in list(self.unfinished.items()):
            if peek.idle.is_set():
                del self.unfinished[id]
        reply = self._control(wire, "list_subshell_request", {}, 1.0)
        there = [] if reply is None else reply.content.get("subshell_id")
        for id in there if isinstance(there, list) else []:
            if isinstance(id, str) and id not in self.running and id not in self.unfinished:
                self._control(wire, "delete_subshell_request", {"subshell_id": id})

    def _execute(self, wire: Wire, code: str, subshell: str, peek: Peek, until: float) -> str | None:
        """`ok` or `error`; None where no answer came in time."""
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
        more = {"allow_stdin": False, "stop_on_error": False}
        request, parts = wire.request("execute_request", {**content, **more}, subshell)
        spool = self.kernel.spool
        spool.peeks[request] = peek
        try:
            reply = self._ask("shell_port", wire, request, parts, until)
        finally:
            if peek.idle.is_set() or not self.kernel.alive:
                spool.peeks.pop(request, None)
        return None if reply is None else "ok" if reply.content.get("status") == "ok" else "error"

    def _control(
        self, wire: Wire, kind: str, content: dict[str, Any], seconds: float = CONTROL_SECONDS
    ) -> Message | None:
        request, parts = wire.request(kind, content)
        return self._ask("control_port", wire, request, parts, time.monotonic() + seconds)

    def _ask(self, port: str, wire: Wire, request: str, parts: list[bytes], until: float) -> Message | None:
        """The answer to a request, by a socket of its own: the kernel's other sockets belong to its thread."""
        held = hold(self.kernel.launch.socket(port))
        if held is None:
            return None
        sock = self.context.socket(zmq.DEALER)
        try:
            sock.linger = 0
            sock.setsockopt(zmq.MAXMSGSIZE, 1024 * 1024)
            sock.connect(f"ipc://{held.path}")
            sock.send_multipart(parts)
            while self.kernel.alive and time.monotonic() < until:
                if not sock.poll(STEP_MS):
                    continue
                try:
                    message = wire.parse(sock.recv_multipart())
                except BadMessage:
                    continue
                if message.parent == request:
                    return message
            return None
        finally:
            sock.close()
            held.close()

    def _result(self, peek: Peek, status: str, why: str | None = None) -> dict[str, Any]:
        text = "".join(peek.parts)
        redactor = self.kernel.spool.redactor
        if redactor is not None:
            text = redactor.text(text)
        return _told(status, encode_text(text).decode(), peek.omitted, why)


def _told(status: str, text: str = "", omitted: int = 0, why: str | None = None) -> dict[str, Any]:
    return {"status": status, "text": text, "omitted": omitted, **({} if why is None else {"why": why})}
