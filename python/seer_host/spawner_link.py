"""The host's end of a spawner: starts it, asks it to spawn, signal and kill, and hears of exits.

What a spawner says is a claim: behind a wall it runs as the agent's code does.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from seer_spawner import processes

from .config import HostConfig
from .log import log
from .spawner_process import SpawnerProcess, SpawnError
from .wall_outside import pid_outside

__all__ = ["SpawnError", "SpawnerLink"]

ExitHandler = Callable[[int | None, "str | None"], None]
ANSWER_SECONDS = 10.0
MAX_LINE_BYTES = 256 * 1024
MAX_SAID_CHARS = 2000
_SIGNALS = {number.name for number in signal.Signals}


class SpawnerLink:
    def __init__(self, config: HostConfig) -> None:
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        self.config = config
        self.sock = ours
        self.write_lock = threading.Lock()
        self.exits: dict[str, ExitHandler] = {}
        self.answers: dict[str, queue.Queue[dict[str, Any]]] = {}
        self.alive = True
        self.process = SpawnerProcess(config, theirs)
        started: queue.Queue[OSError | None] = queue.Queue()
        self.reader = threading.Thread(target=self._live, args=(started,), name="spawner", daemon=True)
        self.reader.start()
        if (error := started.get()) is not None:
            ours.close()
            raise SpawnError(f"the spawner did not start: {error.strerror}") from error
        if config.wall is not None:
            try:
                self.process.prepare(config.wall, self._ask)
            except SpawnError:
                self.end()
                raise

    def _live(self, started: queue.Queue[OSError | None]) -> None:
        """The thread that starts it, and that ends after it: bubblewrap dies with the thread that started it."""
        try:
            self.process.start()
        except OSError as error:
            self.alive = False
            started.put(error)
            return
        started.put(None)
        self._read()

    def _send(self, descriptors: Sequence[int] = (), **message: Any) -> bool:
        line = json.dumps(message).encode() + b"\n"
        try:
            with self.write_lock:
                # They arrive with the first byte.
                sent = socket.send_fds(self.sock, [line], list(descriptors)) if descriptors else 0
                self.sock.sendall(line[sent:])
        except OSError:
            return False  # where it has ended, the reader sees that and tells everyone
        return True

    def _ask(
        self, key: str, within_seconds: float, /, *, descriptors: Sequence[int] = (), **message: Any
    ) -> dict[str, Any]:
        """Its answer, or an event `failed`. One that does not answer is ended: nothing it starts could be known."""
        answer: queue.Queue[dict[str, Any]] = queue.Queue()
        self.answers[key] = answer
        sent = self._send(descriptors, **message)
        try:
            if not sent or not self.alive:
                return {"event": "failed", "error": "the spawner ended"}
            return answer.get(timeout=within_seconds)
        except queue.Empty:
            self.end()
            return {"event": "failed", "error": "the spawner did not answer"}
        finally:
            self.answers.pop(key, None)

    def spawn(
        self, id: str, argv: list[str], env: dict[str, str], cwd: str, log_file: str, on_exit: ExitHandler
    ) -> int:
        """The pid on this machine. `on_exit` is called once, from the reader's thread, also when the spawner ends."""
        self.exits[id] = on_exit
        event = self._ask(id, ANSWER_SECONDS, op="spawn", id=id, argv=argv, env=env, cwd=cwd, log=log_file)
        if event["event"] == "failed":
            self.exits.pop(id, None)
            raise SpawnError(str(event["error"]))
        return self._pid_outside(event["pid"])

    def run(
        self,
        id: str,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        streams: tuple[int, int, int],
        on_exit: ExitHandler,
    ) -> None:
        """As `spawn`, with its stdin, stdout and stderr. They stay open on this side."""
        self.exits[id] = on_exit
        event = self._ask(id, ANSWER_SECONDS, descriptors=streams, op="run", id=id, argv=argv, env=env, cwd=cwd)
        if event["event"] == "failed":
            self.exits.pop(id, None)
            raise SpawnError(str(event["error"])[:MAX_SAID_CHARS])

    def _pid_outside(self, pid: int) -> int:
        if self.config.wall is None:
            return pid
        # One that has ended meanwhile has none; its exit is on its way.
        return pid_outside(self.process.pid, pid) or self.process.pid

    def signal(self, id: str, name: str, group: bool) -> None:
        self._send(op="signal", id=id, signal=name, group=group)

    def kill(self, id: str) -> None:
        """The process and everything it started."""
        self._send(op="kill", id=id)

    def _read(self) -> None:
        try:
            with self.sock.makefile("rb") as lines:
                while line := lines.readline(MAX_LINE_BYTES):
                    self._handle(json.loads(line))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            log(f"the spawner's socket: {error!r}")
        self._ended()

    def _handle(self, event: dict[str, Any]) -> None:
        kind, id = event["event"], str(event.get("id", "prepare"))
        if kind == "exit":
            code, name = event["exitCode"], event["signal"]
            if not (code is None or isinstance(code, int)) or not (name is None or name in _SIGNALS):
                raise ValueError("an exit that is none")
            handler = self.exits.pop(id, None)
            if handler is not None:
                handler(code, name)
        elif (answer := self.answers.get(id)) is not None:
            if kind == "spawned" and not (isinstance(event["pid"], int) and event["pid"] > 0):
                raise ValueError("a pid that is none")
            answer.put(event)

    def _ended(self) -> None:
        """The spawner is gone. What it had started has come to us, as the next subreaper: it ends too."""
        self.alive = False
        self.sock.close()
        self.process.wait_or_kill()
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
