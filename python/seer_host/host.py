"""The host itself: listens, serves, keeps the lease, and at its end leaves no process and no socket behind."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from seer_spawner import processes

from .blobs import Blobs
from .config import ConfigError, HostConfig
from .connection import Connection
from .journal import Journal
from .kernels import Kernels
from .lease import Lease
from .log import log

LAST_READS_SECONDS = 2.0


def _now() -> float:
    """Real time, also while the machine sleeps, where the system tells it."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Host:
    def __init__(self, config: HostConfig) -> None:
        if not config.state_dir.is_dir():
            raise ConfigError("the sandbox's folder is gone")  # made by Seer, and removed when its start was given up
        for folder in (config.runtime_dir, config.socket.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(config.socket.parent, 0o700)
        config.workspace.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.lock_fd = os.open(config.state_dir / "host.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError("another host serves this sandbox already") from None
        processes.become_subreaper()
        self.pid = os.getpid()
        self.start_time = processes.start_time(self.pid)
        self.journal = Journal(config.state_dir)
        self.blobs = Blobs(config.state_dir / "blobs")
        self.kernels = Kernels(config, self.journal, self.blobs)
        self.lease = Lease(config.lease_seconds, config.deadline_seconds)
        self.connections: set[Connection] = set()
        self.lock = threading.Lock()
        self.end_lock = threading.Lock()
        self.ending = False
        self.ended = threading.Event()
        self.listener = self._listen()
        self._describe()

    def _listen(self) -> socket.socket:
        path = str(self.config.socket)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        Path(path).unlink(missing_ok=True)  # we hold the sandbox's lock: it is a dead host's
        mask = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(mask)
        listener.listen(64)
        return listener

    def _describe(self, **more: Any) -> None:
        path = self.config.state_dir / "host.json"
        part = path.with_suffix(".part")
        facts = {"pid": self.pid, "startTime": self.start_time, "socket": str(self.config.socket)}
        try:
            part.write_text(json.dumps({**facts, "sandbox": self.config.sandbox, **more}) + "\n")
            os.replace(part, path)
        except OSError as error:
            log(f"host.json was not written: {error.strerror}")

    def run(self) -> None:
        """Serves until the end was asked for, or came."""
        for task in (self._accept, self._keep_lease):
            threading.Thread(target=task, name=task.__name__, daemon=True).start()
        self.ended.wait()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError as error:
                if self.listener.fileno() < 0 or self.ended.is_set():
                    return
                log(f"accept: {error.strerror}")
                time.sleep(0.2)  # out of file descriptors, for one: others may close
                continue
            connection = Connection(sock, self)
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="connection", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            with self.lock:
                self.connections.discard(connection)

    def _keep_lease(self) -> None:
        before = _now()
        while not self.ending:
            time.sleep(self.lease.tick_seconds)
            now = _now()
            reason = self.lease.step(now - before, bool(self.connections))
            if not (self.config.state_dir / "host.lock").exists():
                reason = "its folder was removed"
            before = now
            self.journal.tick()
            if reason is not None:
                self.end(reason)

    def end(self, reason: str) -> None:
        """Ends all kernels, and soon the host: who is attached may still read how it ended. Twice is once."""
        with self.end_lock:
            if self.ending:
                return
            log(f"ending: {reason}")
            self.ending = True
            self.kernels.end_all()
            with self.journal.changed:
                self.journal.changed.notify_all()
            threading.Thread(target=self._leave, args=(reason,), name="leave").start()

    def _leave(self, reason: str) -> None:
        deadline = time.monotonic() + (LAST_READS_SECONDS if reason == "asked" else 0.0)
        while self.connections and time.monotonic() < deadline:
            time.sleep(0.05)
        self.config.socket.unlink(missing_ok=True)
        self._describe(ended=time.time_ns() // 1_000_000, reason=reason)
        self.ended.set()
