"""The host's end of a spawner: starts it, asks it to spawn, signal and kill, and hears of exits."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from seer_spawner import processes

from .config import HostConfig
from .log import log

ExitHandler = Callable[[int | None, "str | None"], None]
ANSWER_SECONDS = 10.0


class SpawnError(Exception):
    pass


class SpawnerLink:
    def __init__(self, config: HostConfig) -> None:
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        self.sock = ours
        self.write_lock = threading.Lock()
        self.exits: dict[str, ExitHandler] = {}
        self.answers: dict[str, queue.Queue[dict[str, Any]]] = {}
        self.alive = True
        boot = str(config.python_dir / "boot.py")
        try:
            self.process = subprocess.Popen(
                [*config.wall, config.python, "-I", boot, "spawner", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                cwd=config.workspace,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise SpawnError(f"the spawner did not start: {error.strerror}") from error
        finally:
            theirs.close()
        self.reader = threading.Thread(target=self._read, name="spawner", daemon=True)
        self.reader.start()

    def _send(self, **message: Any) -> None:
        try:
            with self.write_lock:
                self.sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass  # the reader sees the end and tells everyone

    def spawn(
        self, id: str, argv: list[str], env: dict[str, str], cwd: str, log_file: str, on_exit: ExitHandler
    ) -> int:
        """The pid. `on_exit` is called once, from the reader's thread, also when the spawner itself ends."""
        answer: queue.Queue[dict[str, Any]] = queue.Queue()
        self.answers[id], self.exits[id] = answer, on_exit
        self._send(op="spawn", id=id, argv=argv, env=env, cwd=cwd, log=log_file)
        try:
            event = (
                answer.get(timeout=ANSWER_SECONDS) if self.alive else {"event": "failed", "error": "the spawner ended"}
            )
        except queue.Empty:
            self.end()  # it hangs: nothing that it starts later could be known
            event = {"event": "failed", "error": "the spawner did not answer"}
        finally:
            self.answers.pop(id, None)
        if event["event"] == "failed":
            self.exits.pop(id, None)
            raise SpawnError(str(event["error"]))
        return int(event["pid"])

    def signal(self, id: str, name: str, group: bool) -> None:
        self._send(op="signal", id=id, signal=name, group=group)

    def kill(self, id: str) -> None:
        """The process and everything it started."""
        self._send(op="kill", id=id)

    def _read(self) -> None:
        try:
            with self.sock.makefile("rb") as lines:
                for line in lines:
                    self._handle(json.loads(line))
        except (OSError, ValueError, KeyError) as error:
            log(f"the spawner's socket: {error!r}")
        self._ended()

    def _handle(self, event: dict[str, Any]) -> None:
        if event["event"] == "exit":
            handler = self.exits.pop(event["id"], None)
            if handler is not None:
                handler(event["exitCode"], event["signal"])
        elif (answer := self.answers.get(event["id"])) is not None:
            answer.put(event)

    def _ended(self) -> None:
        """The spawner is gone. What it had started has come to us, as the next subreaper: it ends too."""
        self.alive = False
        self.sock.close()
        try:
            self.process.wait(timeout=4)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        processes.kill_descendants(os.getpid())
        processes.reap_orphans()
        for answer in list(self.answers.values()):
            answer.put({"event": "failed", "error": "the spawner ended"})
        for id in list(self.exits):
            handler = self.exits.pop(id, None)
            if handler is not None:
                handler(None, signal.Signals.SIGKILL.name)

    def end(self) -> None:
        """Ends it by closing its socket, on which it kills all it started; by force if that does not help."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if threading.current_thread() is not self.reader:
            self.reader.join(timeout=8)
