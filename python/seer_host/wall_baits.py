"""What the probes behind the wall find if there is a hole: files, listeners and names, for the time of one try."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from .wall_plan import Wall

NAMESPACES = ("user", "pid", "net", "mnt", "ipc", "uts")
#: In the environment of the process that becomes bubblewrap, and in bubblewrap's arguments: neither may show inside.
BAIT_NAME = "SEER_BAIT"
BAIT_PREFIX = "seer-bait-"
OLD_SECONDS = 60


def _listener(family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.bind(address)
        sock.listen(4)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_old() -> None:
    """Of hosts that were killed while they tried a wall."""
    for path in Path(tempfile.gettempdir()).glob(f"{BAIT_PREFIX}*"):
        try:
            status = path.lstat()
            if status.st_uid == os.geteuid() and time.time() - status.st_mtime > OLD_SECONDS:
                path.unlink()
        except OSError:
            continue


class BaitsOutside:
    """As a context: laid out on entering, gone on leaving."""

    def __init__(self, wall: Wall, state_dir: Path, host_socket: Path, proxies: list[str]) -> None:
        self.wall = wall
        self.state_dir = state_dir
        self.host_socket = host_socket
        self.proxies = proxies
        self.secret = secrets.token_hex(16)
        self.files: list[str] = []
        self.listeners: list[socket.socket] = []
        self.ports: list[list[Any]] = []

    def __enter__(self) -> BaitsOutside:
        _remove_old()
        # Readable by everyone, so that only the wall keeps it from being read.
        with tempfile.NamedTemporaryFile("w", prefix=BAIT_PREFIX, delete=False) as file:
            self.files.append(file.name)
            os.fchmod(file.fileno(), 0o644)
            file.write(self.secret)
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            try:
                listener = _listener(family, (host, 0))
            except OSError:
                continue  # this machine has no IPv6
            self.listeners.append(listener)
            self.ports.append([host, listener.getsockname()[1]])
        self.listeners.append(_listener(socket.AF_UNIX, f"\0seer-{self.secret}"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for listener in self.listeners:
            listener.close()
        for path in self.files:
            Path(path).unlink(missing_ok=True)

    def to_json(self) -> dict[str, Any]:
        return {
            "files": [*self.files, str(self.state_dir / "host.json"), str(self.state_dir / "run-folder")],
            "sockets": [str(self.host_socket)],
            "abstract": f"seer-{self.secret}",
            "ports": self.ports,
            "proxies": self.proxies,
            "namespaces": {name: os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES},
            "hidden": [self.secret, *self.wall.hidden],
            "read_only": self.wall.read_only,
            "writable": self.wall.writable,
        }

    def taken(self) -> bool:
        """Whether somebody connected: seen on this side, so not a claim."""
        for listener in self.listeners:
            try:
                listener.accept()[0].close()
            except OSError:
                continue
            return True
        return False
