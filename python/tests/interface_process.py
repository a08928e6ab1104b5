"""A real interface process on one end of a socket, and a test in Seer's place on the other."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import socket
import subprocess
import sys
import textwrap
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seer_client.frames import Buffer, Frame, FrameError, read_frame, send_frame
from seer_client.values import decode, encode

PYTHON_DIR = Path(__file__).resolve().parent.parent
SECONDS = 60.0


class CallFailed(Exception):
    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(error["message"])
        self.kind = error["kind"]
        self.message = error["message"]
        self.traceback = error.get("traceback", "")


class InterfaceProcess:
    def __init__(self, folder: Path, code: str | bytes, files: dict[str, str] | None = None, **config: Any) -> None:
        self.folder = folder / "served"
        self.folder.mkdir(exist_ok=True)
        main = str(config.pop("main", "interface.py"))
        env = config.pop("env", {})
        texts = {**(files or {}), main: code}
        for name, text in texts.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(textwrap.dedent(text).encode() if isinstance(text, str) else text)
        self.stdout_file, self.stderr_file = folder / "stdout", folder / "stderr"
        given = {"name": "model_tools", "params": {}, "seed": 0, "models": [], **config}
        boot = [sys.executable, "-s", str(PYTHON_DIR / "boot.py"), "interface"]
        self.sock, theirs = socket.socketpair()
        with theirs, open(self.stdout_file, "wb") as stdout, open(self.stderr_file, "wb") as stderr:
            self.process = subprocess.Popen(
                [*boot, "--file", str(self.folder / main), "--config", json.dumps(given)],
                stdin=theirs.fileno(),
                stdout=stdout,
                stderr=stderr,
                cwd=folder,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **env},
            )
        self.description: dict[str, Any] = {}
        self.ids = itertools.count(1)
        self.sending = threading.Lock()
        self.heard: dict[int, queue.SimpleQueue[Frame | None]] = defaultdict(queue.SimpleQueue)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, FrameError):
            while (frame := read_frame(self.sock)) is not None:
                self.heard[frame.head.get("id", 0)].put(frame)
        for one in list(self.heard.values()):
            one.put(None)
        self.heard[0].put(None)

    def hear(self, id: int = 0, timeout: float = SECONDS) -> Frame:
        frame = self.heard[id].get(timeout=timeout)
        assert frame is not None, f"it ended: {self.stderr}"
        return frame

    def ready(self) -> dict[str, Any]:
        """Its description."""
        frame = self.hear()
        assert frame.head["kind"] == "ready", frame.head
        described = json.loads(frame.body)
        assert isinstance(described, dict)
        return described

    def load_error(self) -> CallFailed:
        """And it ends, with 1."""
        frame = self.hear()
        assert frame.head["kind"] == "failed", frame
        assert self.process.wait(SECONDS) == 1
        return CallFailed(frame.head["error"])

    def send(self, head: dict[str, Any], body: bytes = b"", buffers: Sequence[Buffer] = ()) -> None:
        with self.sending:
            send_frame(self.sock, head, body, buffers)

    def start(self, function: str, /, **arguments: Any) -> int:
        body, buffers = encode(arguments)
        return self.start_raw(function, body, buffers)

    def start_raw(self, function: str, body: bytes, buffers: Sequence[Buffer] = ()) -> int:
        id = next(self.ids)
        self.heard[id]
        self.send({"kind": "call", "id": id, "function": function, "seconds": 600}, body, buffers)
        return id

    def cancel(self, id: int, why: str = "cancelled") -> None:
        self.send({"kind": "cancel", "id": id, "why": why})

    def result(self, id: int, timeout: float = SECONDS) -> Any:
        frame = self.hear(id, timeout)
        if frame.head["kind"] == "error":
            raise CallFailed(frame.head["error"])
        assert frame.head["kind"] == "result", frame.head
        return decode(frame.body, frame.buffers)

    def call(self, function: str, /, **arguments: Any) -> Any:
        return self.result(self.start(function, **arguments))

    @property
    def stdout(self) -> str:
        return self.stdout_file.read_text(encoding="utf-8", errors="replace")

    @property
    def stderr(self) -> str:
        return self.stderr_file.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.sock.close()


@contextlib.contextmanager
def starting(
    folder: Path, code: str | bytes, files: dict[str, str] | None = None, **config: Any
) -> Iterator[InterfaceProcess]:
    process = InterfaceProcess(folder, code, files, **config)
    try:
        yield process
    finally:
        process.close()


@contextlib.contextmanager
def serving(
    folder: Path, code: str | bytes, files: dict[str, str] | None = None, **config: Any
) -> Iterator[InterfaceProcess]:
    """Once it is loaded."""
    with starting(folder, code, files, **config) as process:
        process.description = process.ready()
        yield process
