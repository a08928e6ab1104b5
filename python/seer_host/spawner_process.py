"""The spawner's process, or that of bubblewrap with the spawner behind it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .config import PROXY_SOCKET, HostConfig
from .log import log
from .wall_baits import BAIT_NAME, BaitsOutside
from .wall_outside import rights_left
from .wall_plan import Wall

#: From the start of bubblewrap to the last answer of the probes.
WALL_SECONDS = 15.0
SAID_BYTES = 4000
Ask = Callable[..., "dict[str, Any]"]


class SpawnError(Exception):
    """`code` says what kind of failure it is to those who can do something about it."""

    def __init__(self, message: str, code: str = "spawner-failed") -> None:
        super().__init__(message)
        self.code = code


class SpawnerProcess:
    def __init__(self, config: HostConfig, link: socket.socket) -> None:
        self.config = config
        self.link = link
        self.said = b""
        wall, proxies = config.wall, [str(config.inside.runtime_dir / PROXY_SOCKET)] if config.network else []
        self.baits = None if wall is None else BaitsOutside(wall, config.state_dir, config.socket, proxies)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Without a wall the spawner's; with one, that of bubblewrap's process that watches from outside."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        try:
            self.process = self._start_bare() if self.config.wall is None else self._start_behind(self.config.wall)
        finally:
            self.link.close()

    def _start_bare(self) -> subprocess.Popen[bytes]:
        boot = str(self.config.python_dir / "boot.py")
        return subprocess.Popen(
            [self.config.python, "-I", boot, "spawner", str(self.link.fileno())],
            pass_fds=[self.link.fileno()],
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
            cwd=self.config.workspace,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _start_behind(self, wall: Wall) -> subprocess.Popen[bytes]:
        assert self.baits is not None
        command = [wall.inside.python, "-I", str(wall.inside.python_dir / "boot.py"), "spawner"]
        plan = {
            "program": wall.program,
            "args": ["--setenv", BAIT_NAME, self.baits.secret, "--unsetenv", BAIT_NAME, *wall.args],
            "stageAt": wall.stage_at,
            "stage": wall.stage,
            "dropTo": wall.drop_to,
            "cgroups": wall.cgroups,
            "command": [*command, str(self.link.fileno())],
        }
        fd = os.memfd_create("plan", 0)
        try:
            os.write(fd, json.dumps(plan).encode())
            os.lseek(fd, 0, os.SEEK_SET)
            boot = str(self.config.python_dir / "boot.py")
            process = subprocess.Popen(
                [self.config.python, "-I", "-S", boot, "wall", str(fd)],
                pass_fds=[fd, self.link.fileno()],
                env={BAIT_NAME: self.baits.secret},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        finally:
            os.close(fd)
        threading.Thread(target=self._listen, args=(process,), name="wall", daemon=True).start()
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """What it says on stderr: why it did not start, if it did not. Not the host's own log, which it could open."""
        assert process.stderr is not None
        while chunk := os.read(process.stderr.fileno(), SAID_BYTES):
            self.said = (self.said + chunk)[-SAID_BYTES:]
            log(f"behind the wall: {chunk.decode('utf-8', 'replace').rstrip()}")

    def prepare(self, wall: Wall, ask: Ask) -> None:
        """Gives it its limits and tries the wall. Raises unless all that must fail has failed."""
        assert self.baits is not None
        limits = wall.limits
        wanted = {"processes": limits.processes, "data": limits.data_bytes, "file": limits.disk_bytes}
        with self.baits as baits:
            event = ask("prepare", WALL_SECONDS, op="prepare", limits=wanted, baits=baits.to_json())
            if event["event"] != "prepared":
                said = self.said.decode("utf-8", "replace").strip() or str(event["error"])
                raise SpawnError(f"the wall could not be built: {_without_folders(said, self.config)}", "wall-failed")
            found = [str(leak) for leak in event["found"]]
            if baits.taken() and not found:
                found.append("network: somebody connected to the host")
        found += rights_left(self.pid, wall)
        if found:
            raise SpawnError(f"the wall has holes. From inside, a probe: {'; '.join(found)}", "wall-leaks")

    def wait_or_kill(self) -> None:
        assert self.process is not None
        try:
            self.process.wait(timeout=4)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _without_folders(text: str, config: HostConfig) -> str:
    return text.replace(str(Path(config.state_dir)), "<state>")
