"""The kernels by session: start and restart, execute, interrupt. Repeating any of them is harmless."""

from __future__ import annotations

import threading
import time
from collections.abc import Set
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq

from .blobs import Blobs
from .cells import AcceptedCells, Cell
from .config import ConfigError, HostConfig
from .errors import INVALID_REQUEST, RpcError, named
from .journal import Journal
from .kernel import Kernel
from .launch import kernel_argv, kernel_environment, log_tail, prepare
from .network_rules import Rules
from .process_table import ProcessTable
from .shared_folder import hold
from .spawner_link import SpawnerLink, SpawnError
from .spool import Spool, ended_with_kernel
from .streams import Streams
from .wall_outside import oom_kills
from .watch import Watch, over_memory
from .wire import Wire

if TYPE_CHECKING:
    from .network_forward import Network

START_SECONDS = 110.0
GRACE_SECONDS = 0.5
KILL_SECONDS = 5.0
CONTROL_ANSWER_MS = 1000


def _network(config: HostConfig, rules: Rules, journal: Journal) -> Network:
    from .network_forward import Network  # asyncio is slow to import, and most sandboxes have no network

    return Network(config, rules, journal)


class Session:
    def __init__(self) -> None:
        self.starting = threading.Lock()
        self.generation = 0
        self.kernel: Kernel | None = None
        self.handle: dict[str, Any] = {}


class Kernels:
    def __init__(self, config: HostConfig, journal: Journal, blobs: Blobs) -> None:
        self.config = config
        self.journal = journal
        self.blobs = blobs
        self.accepted = AcceptedCells(config.state_dir)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.lock = threading.Lock()
        self.sessions: dict[str, Session] = {}
        self.spawner: SpawnerLink | None = None
        self.ending = False
        self.oom_kills = 0
        self.streams = Streams(config)
        self.processes = ProcessTable(config, journal, self.streams, self._spawner, self._over_memory)
        self.network = None if config.network is None else _network(config, config.network, journal)

    def _spawner(self) -> SpawnerLink:
        with self.lock:
            if self.ending:
                raise named("shutting-down", "the sandbox is ending")
            if self.spawner is None or not self.spawner.alive:
                self.spawner = SpawnerLink(self.config)
                if self.network is not None:
                    self.network.open(self.spawner)
            return self.spawner

    def build_wall(self) -> None:
        """Before there is anything to run: a sandbox whose wall does not stand never starts."""
        wall = self.config.wall
        if wall is not None:
            self._spawner()
            folders = [self.config.workspace, self.config.runtime_dir]
            Watch(wall.limits, folders, self._monitor, self._stop_for_limits, self._say_why).start()

    def _monitor(self) -> int | None:
        return self.spawner.process.pid if self.spawner is not None and self.spawner.alive else None

    def _living(self) -> list[Kernel]:
        with self.lock:
            kernels = [session.kernel for session in self.sessions.values()]
        return [kernel for kernel in kernels if kernel is not None and kernel.alive]

    def _say_why(self, because: str) -> None:
        for kernel in self._living():
            kernel.because = (because, time.monotonic())
        self.processes.say_why(because)

    def _over_memory(self) -> str | None:
        """Whether the system has ended a process of this sandbox for its memory since the last time it was asked."""
        wall = self.config.wall
        if wall is None or wall.limits.memory_bytes is None:
            return None
        before, self.oom_kills = self.oom_kills, oom_kills(wall.cgroups)
        return over_memory(wall.limits.memory_bytes) if self.oom_kills > before else None

    def _stop_for_limits(self) -> None:
        for kernel in self._living():
            if self.spawner is not None:
                self.spawner.kill(kernel.launch.id)
        self.processes.kill_all()

    def start(self, session_id: str, generation: int, kernel_config: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            session = self.sessions.setdefault(session_id, Session())
        with session.starting:
            if generation == session.generation:
                if session.kernel is None or not session.kernel.alive:
                    raise named("kernel-gone", "the kernel of this generation has ended")
                return session.handle
            if session.generation and generation != session.generation + 1:
                raise named("stale-generation", f"the current generation is {session.generation}")
            if self.journal.full:
                raise named("host-disk-full", "the disk of the sandbox's machine is full")
            if session.kernel is not None:
                self.stop(session.kernel)
            session.kernel, session.handle = self._start(session_id, generation, kernel_config)
            session.generation = generation
            return session.handle

    def _start(self, session_id: str, generation: int, kernel_config: dict[str, Any]) -> tuple[Kernel, dict[str, Any]]:
        try:
            spawner = self._spawner()
            launch = prepare(self.config, session_id, generation, kernel_config)
        except (OSError, ConfigError, SpawnError) as error:
            raise named("kernel-start-failed", f"the kernel did not start: {error}") from error
        wire = Wire(launch.key)
        stamp = {"session": session_id, "generation": generation}
        spool = Spool(stamp, wire, self.journal, self.blobs, self.config.cell_disk_cap_bytes, self.config.redactor)
        kernel = Kernel(self.context, launch, wire, spool)

        def on_exit(exit_code: int | None, signal: str | None) -> None:
            spawner.kill(launch.id)  # what it leaves behind
            if signal == "SIGKILL" and (why := self._over_memory()) is not None:
                kernel.because = (why, time.monotonic())
            kernel.on_exit(exit_code, signal)

        environment = kernel_environment(self.config, launch, session_id, int(kernel_config["seed"]))
        workspace = str(self.config.inside.workspace)
        try:
            kernel.pid = spawner.spawn(
                launch.id,
                kernel_argv(self.config, launch),
                environment,
                workspace,
                str(launch.inside(self.config).log_file),
                on_exit,
            )
        except SpawnError as error:
            raise named("kernel-start-failed", f"the kernel did not start: {error}") from error
        kernel.thread.start()
        self._wait_ready(kernel, spawner)
        handle = {
            "session": session_id,
            "generation": generation,
            "pid": kernel.pid,
            "connectionFile": str(launch.connection_file),
            "workdir": workspace,
        }
        return kernel, handle

    def _wait_ready(self, kernel: Kernel, spawner: SpawnerLink) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not kernel.ready.wait(0.02):
            if kernel.finished.is_set() or time.monotonic() > deadline or self.ending:
                break
        if kernel.ready.is_set():
            return
        spawner.kill(kernel.launch.id)
        kernel.finished.wait(KILL_SECONDS)
        tail = log_tail(self.config, kernel.launch)
        kernel.launch.log_file.unlink(missing_ok=True)
        if self.ending:
            raise named("shutting-down", "the sandbox is ending")
        raise named("kernel-start-failed", "the kernel did not start" + (f":\n{tail}" if tail else ""))

    def stop(self, kernel: Kernel) -> None:
        """Ends a kernel and everything it started, by agreement, then by force, then with the whole spawner."""
        spawner = self.spawner
        if kernel.finished.is_set() or spawner is None:
            return
        kernel.asked_to_end = kernel.alive
        spawner.signal(kernel.launch.id, "SIGTERM", group=True)
        if not kernel.finished.wait(GRACE_SECONDS):
            spawner.kill(kernel.launch.id)
            if kernel.exit is None and not kernel.finished.wait(KILL_SECONDS):
                spawner.end()
        kernel.finished.wait(KILL_SECONDS)

    def stop_session(self, session_id: str, generation: int) -> None:
        """Ends the kernel of this generation. One that has ended, or was never started, is as it should be."""
        with self.lock:
            session = self.sessions.get(session_id)
        if session is None:
            return
        with session.starting:
            if session.kernel is not None and session.generation == generation:
                self.stop(session.kernel)

    def _kernel(self, session_id: str, generation: int) -> Kernel:
        with self.lock:
            session = self.sessions.get(session_id)
        if session is None or session.kernel is None:
            raise named("kernel-gone", "there is no kernel of this session")
        if generation != session.generation:
            raise named("stale-generation", f"the current generation is {session.generation}")
        if not session.kernel.alive:
            raise named("kernel-gone", "the kernel has ended, and its variables with it")
        return session.kernel

    def execute(self, session_id: str, generation: int, cell: str, code: str) -> dict[str, Any]:
        if self.accepted.has(session_id, cell):
            return {"known": True}
        kernel = self._kernel(session_id, generation)
        if self.journal.full:
            raise named("host-disk-full", "the disk of the sandbox's machine is full: the cell was not run")
        if not self.accepted.add(session_id, cell):
            return {"known": True}
        try:
            kernel.execute(Cell(cell), code)
        except RpcError:
            # It was accepted and will never run: the journal says so, since a retry only hears that it is known.
            status = ended_with_kernel(kernel.end_reason)
            end = {"status": status, "executionCount": None, "durationMs": 0}
            kernel.spool.tell("cell-end", cell=cell, **end)
        return {"known": False}

    def interrupt(self, session_id: str, generation: int, cell: str, how: str) -> None:
        kernel = self._kernel(session_id, generation)
        if not kernel.spool.is_running(cell):
            return  # it ended while the request was on its way, and what runs now is not meant
        if how == "signal":
            if self.spawner is not None:
                self.spawner.signal(kernel.launch.id, "SIGINT", group=True)
            return
        held = hold(kernel.launch.socket("control_port"))
        if held is None:
            return  # the kernel's own code took it away: a signal is the next step
        control = self.context.socket(zmq.DEALER)
        try:
            control.linger = 200
            control.connect(f"ipc://{held.path}")
            control.send_multipart(Wire(kernel.launch.key).request("interrupt_request", {})[1])
            control.poll(CONTROL_ANSWER_MS)  # its answer says nothing more; the wait lets the message arrive
        finally:
            control.close()
            held.close()

    def peek(self, session_id: str, generation: int, id: str, code: str, seconds: float) -> dict[str, Any]:
        return self._kernel(session_id, generation).peeks.run(id, code, seconds)

    def set_network(self, rules: Rules) -> None:
        if self.network is None:
            raise RpcError(INVALID_REQUEST, "this sandbox was started without a network")
        self.network.set_rules(rules)

    def end_running(self, keep: Set[str] = frozenset()) -> None:
        """Every process and every kernel, but for those of the sessions to keep; all at once.

        Where none is kept, all that they left running goes too, however it hides. What is started next gets a new
        spawner, behind a new wall: the workspace is as it was, and `/tmp` is empty.
        """
        with self.lock:
            kernels = [(id, session.kernel) for id, session in self.sessions.items() if session.kernel is not None]
        kept = [kernel for id, kernel in kernels if id in keep and kernel.alive]
        enders = [partial(self.stop, kernel) for _, kernel in kernels if kernel not in kept] + self.processes.enders()
        threads = [threading.Thread(target=end) for end in enders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.spawner is not None and not kept:
            self.spawner.end()
        self.streams.close_all()

    def end_all(self) -> None:
        with self.lock:
            self.ending = True
        self.end_running()
        if self.network is not None:
            self.network.close()
        for cgroup in self.config.wall.cgroups if self.config.wall else []:
            try:
                Path(cgroup).rmdir()
            except OSError:
                pass  # Seer removes it, when it removes the sandbox's folders
