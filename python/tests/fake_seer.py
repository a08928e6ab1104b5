"""A small Seer in place of the real one: passes calls from clients of a unix socket to one interface process."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from interface_process import PYTHON_DIR, InterfaceProcess, serving

from seer_client.frames import Frame, FrameError, read_frame, send_frame


class FakeSeer:
    def __init__(self, process: InterfaceProcess, folder: Path) -> None:
        self.process = process
        self.path = str(folder / "s.calls")
        self.libraries = folder / "libraries"
        self.connections: list[socket.socket] = []
        self.accepted = 0
        #: What clients have asked for, and the numbers of calls that were cancelled.
        self.asked: list[dict[str, Any]] = []
        self.cancelled: list[int] = []
        #: Whether connections are closed on whoever waits.
        self.closes = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections.append(sock)
                self.accepted += 1
                threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError, FrameError):
            while (frame := read_frame(sock)) is not None:
                self.asked.append(frame.head)
                if self.closes:
                    return
                id = self.process.start_raw(frame.head["function"], bytes(frame.body), frame.buffers)
                watch = threading.Thread(target=self._watch, args=[sock, id], daemon=True)
                watch.start()
                answer = self.process.hear(id)
                self.process.heard[-id].put(answer)  # for whoever watches
                send_frame(sock, _without_id(answer), bytes(answer.body), answer.buffers)
        self.connections.remove(sock)

    def _watch(self, sock: socket.socket, id: int) -> None:
        """A client that closes its connection while it waits has cancelled its call."""
        while self.process.heard[-id].empty():
            try:
                if sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                    self.cancelled.append(id)
                    self.process.cancel(id)
                    return
            except BlockingIOError:
                threading.Event().wait(0.005)
            except OSError:
                return

    def write_library(self, name: str = "model_tools") -> Path:
        folder = self.libraries / name
        folder.mkdir(parents=True, exist_ok=True)
        for part in (PYTHON_DIR / "seer_client").glob("*.py"):
            shutil.copy(part, folder)
        described = {"name": name, **self.process.description}
        (folder / "interface.json").write_text(json.dumps(described))
        return self.libraries

    def start_python(self, code: str, **env: str) -> subprocess.Popen[str]:
        """In a process of its own, as an agent's cell."""
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SEER_CALLS": self.path, "PYTHONPATH": str(self.libraries), **env},
        )

    def run_python(self, code: str, **env: str) -> str:
        process = self.start_python(code, **env)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    def close(self) -> None:
        self.listener.close()
        for sock in list(self.connections):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _without_id(frame: Frame) -> dict[str, Any]:
    return {key: value for key, value in frame.head.items() if key != "id"}


@contextlib.contextmanager
def seer_with(code: str, files: dict[str, str] | None = None, **config: Any) -> Iterator[FakeSeer]:
    folder = Path(tempfile.mkdtemp(prefix="seer-t"))  # short: the path of a socket has to be
    try:
        with serving(folder, code, files, **config) as process:
            seer = FakeSeer(process, folder)
            seer.write_library()
            yield seer
            seer.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def import_library(seer: FakeSeer, monkeypatch: pytest.MonkeyPatch, name: str = "model_tools") -> Any:
    """Into this process, anew."""
    monkeypatch.setenv("SEER_CALLS", seer.path)
    monkeypatch.syspath_prepend(seer.libraries)
    for module in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, module)
    return importlib.import_module(name)
