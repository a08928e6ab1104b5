"""The processes that Seer has started behind the wall beside the kernels, by their ids: start, read, end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from .cells import AcceptedCells
from .config import HostConfig
from .errors import named
from .journal import Journal
from .process import Process
from .process_pipes import Pipes
from .spawner_link import SpawnerLink, SpawnError
from .streams import Streams

MAX_RUNNING = 64
#: Of those that have ended and left something that holds their streams.
MAX_LEFT = 64
#: For so long after its end was told it can be asked for again, should the answer have been lost.
TOLD_SECONDS = 300.0
SESSION = "process"


class ProcessTable:
    """`spawner` gives the one that runs. `over_memory`: whether the system has just ended a process for its memory."""

    def __init__(
        self,
        config: HostConfig,
        journal: Journal,
        streams: Streams,
        spawner: Callable[[], SpawnerLink],
        over_memory: Callable[[], str | None],
    ) -> None:
        self.config = config
        self.journal = journal
        self.streams = streams
        self.spawner = spawner
        self.over_memory = over_memory
        self.folder = config.state_dir / "processes"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.accepted = AcceptedCells(config.state_dir, "processes.jsonl")
        self.lock = threading.Lock()
        self.known: dict[str, Process] = {}
        self.left: deque[Process] = deque()

    def start(self, params: dict[str, Any], stdin: bytes) -> bool:
        """Whether it had been started before."""
        id = params["process"]
        process = self._accept(id, params["maxBytes"])
        if process is not None:
            self._begin(process, params, stdin)
        elif (known := self.known.get(id)) is not None:
            _started(known)
        return process is None

    def _accept(self, id: str, max_bytes: int) -> Process | None:
        """None for an id that was accepted before."""
        if self.accepted.has(SESSION, id):
            return None
        try:
            link = self.spawner()
        except SpawnError as error:
            raise named("process-start-failed", str(error)) from error
        with self.lock:
            self._forget()
            if len(self._running()) >= MAX_RUNNING:
                raise named("process-start-failed", f"{MAX_RUNNING} processes run already: wait for one to end")
            if self.journal.full:
                raise named("host-disk-full", "the disk of the sandbox's machine is full: nothing was started")
            if not self.accepted.add(SESSION, id):
                return None
            changed = self.journal.changed
            process = Process(id, self.folder, max_bytes, self.config.redactor, changed, link)
            self.known[id] = process
            return process

    def _begin(self, process: Process, params: dict[str, Any], stdin: bytes) -> None:
        link, wall = process.link, self.config.wall
        cwd = str(self.config.inside.workspace / params["cwd"])
        environment = {**self.config.kernel_env, **params["env"]}

        def on_exit(exit_code: int | None, signal: str | None) -> None:
            if signal == "SIGKILL" and not link.alive:
                process.because = ("everything in the sandbox was ended", time.monotonic())
            elif signal == "SIGKILL" and (why := self.over_memory()) is not None:
                process.because = (why, time.monotonic())
            process.on_exit(exit_code, signal)
            self.streams.finish(process.stream)

        pipes: Pipes | None = None
        try:
            pipes = Pipes(wall.drop_to if wall else None, params["stream"])
            if pipes.stream is not None:
                self.streams.adopt(process.stream, pipes.stream)  # before it can write
            link.run(process.spawned_as, params["argv"], environment, cwd, pipes.theirs, on_exit)
            pipes.close_theirs()
            process.serve(pipes, stdin, params["seconds"], lambda: self._has_left(process))
        except (OSError, SpawnError, RuntimeError) as error:
            link.kill(process.spawned_as)
            if pipes is not None:
                pipes.close_all()
            self.streams.finish(process.stream)
            process.told_at = time.monotonic()
            process.not_started = str(error)
            raise named("process-start-failed", process.not_started) from error
        finally:
            process.begun.set()

    def _has_left(self, process: Process) -> None:
        with self.lock:
            self.left.append(process)
            while len(self.left) > MAX_LEFT:
                self.left.popleft().leave()

    def _running(self) -> list[Process]:
        return [process for process in self.known.values() if process.runs]

    def _forget(self) -> None:
        """Those whose end was told long enough ago: nobody will ask for them again."""
        now = time.monotonic()
        for id, process in list(self.known.items()):
            if process.told_at is not None and now - process.told_at > TOLD_SECONDS:
                del self.known[id]
                for kept in process.kept:
                    kept.remove()

    def read(self, params: dict[str, Any], cancelled: threading.Event) -> dict[str, Any]:
        """What is new of both streams, as bytes, and how it ended where that is all."""
        process = self._known(params["process"])
        _started(process)
        stdout, stderr = process.stdout, process.stderr
        at_out, at_err = params["stdout"], params["stderr"]

        def is_new() -> bool:
            more = stdout.bytes > at_out or stderr.bytes > at_err
            return more or process.ended is not None or cancelled.is_set()

        with process.changed:
            process.changed.wait_for(is_new, timeout=params["waitMs"] / 1000)
            ended, more_out, more_err = process.ended, stdout.bytes - at_out, stderr.bytes - at_err
        # Each has its half of the room, and what the other leaves of the rest.
        room = params["maxBytes"]
        out = max(0, min(more_out, max(room // 2, room - more_err)))
        err = max(0, min(more_err, room - out))
        if out < more_out or err < more_err:
            ended = None
        if ended is not None and process.told_at is None:
            process.told_at = time.monotonic()
        return {"stdout": stdout.read(at_out, out), "stderr": stderr.read(at_err, err), "ended": ended}

    def kill(self, id: str) -> None:
        process = self._known(id)
        process.begun.wait()
        process.stop("it was asked to end")
        process.kill()

    def _known(self, id: str) -> Process:
        process = self.known.get(id)
        if process is None:
            raise named("unknown-process", "there is no process of this id, or its end was read long ago")
        return process

    def say_why(self, because: str) -> None:
        with self.lock:
            for process in self._running():
                process.because = (because, time.monotonic())

    def kill_all(self) -> None:
        """At once: they are over a limit."""
        with self.lock:
            running = self._running()
        for process in running:
            process.kill()

    def enders(self) -> list[Callable[[], None]]:
        """To end those that run, each of which may take a while."""
        with self.lock:
            running = [process for process in self._running() if process.begun.is_set()]
        return [partial(process.stop, "the sandbox ended") for process in running]


def _started(process: Process) -> None:
    """Once it is. Raises where it was not."""
    process.begun.wait()
    if process.not_started is not None:
        raise named("process-start-failed", process.not_started)
