"""The way out of a sandbox: the proxy on this side of the wall, and what carries connections to it from inside."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

from .config import PROXY_SOCKET, HostConfig, short_path
from .journal import Journal
from .log import log
from .network_proxy import Proxy
from .network_rules import Rules
from .network_told import Told
from .spawner_link import SpawnerLink, SpawnError

#: On the sandbox's own loopback; as in `src/environment/network.ts`.
PORT = 3128
READY_SECONDS = 10.0
#: Code inside can end what carries its connections, as it can end its kernel.
MAX_STARTS = 10
RESTART_SECONDS = 0.2
_LISTENS = "0A"


def _listen(path: Path, owner: int | None) -> socket.socket:
    """For the sandbox's user alone. None of the agent's code runs yet."""
    path.unlink(missing_ok=True)  # a dead host's
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(short_path(path)))
    finally:
        os.umask(mask)
    if owner is not None:
        os.chown(path, owner, owner, follow_symlinks=False)
    listener.listen(128)
    return listener


def _listens(pid: int, port: int) -> bool:
    """As the system says it of the process's network."""
    try:
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()
    except OSError:
        return False
    return any((fields := line.split())[1].endswith(f":{port:04X}") and fields[3] == _LISTENS for line in lines[1:])


class Network:
    def __init__(self, config: HostConfig, rules: Rules, journal: Journal) -> None:
        self.config = config
        owner = config.wall.drop_to if config.wall else None
        listener = _listen(config.runtime_dir / PROXY_SOCKET, owner)
        self.proxy = Proxy(listener, rules, Told(journal.append, config.redactor))
        self.closed = False
        self.starts = 0

    def open(self, spawner: SpawnerLink) -> None:
        """Once the wall has been tried, and before anything runs behind it. Returns when connections are taken."""
        self.proxy.telling = True
        self.starts = 0
        pid = self._start(spawner)
        deadline = time.monotonic() + READY_SECONDS
        while not _listens(pid, PORT):
            if time.monotonic() > deadline or not spawner.alive:
                spawner.end()
                raise SpawnError("the way to the sandbox's proxy did not open")
            time.sleep(0.01)

    def _start(self, spawner: SpawnerLink) -> int:
        self.starts += 1
        inside = self.config.inside
        path = str(inside.runtime_dir / PROXY_SOCKET)
        return spawner.spawn(
            f"forward-{self.starts}",
            [inside.python, "-I", str(inside.python_dir / "boot.py"), "forward", str(PORT), path],
            {"PATH": os.defpath, "LANG": "C.UTF-8"},
            "/",
            os.devnull,  # a file of a known name could be taken by the agent's code
            lambda code, signal: self._ended(spawner, signal or code),
        )

    def _ended(self, spawner: SpawnerLink, how: str | int | None) -> None:
        """Told by the spawner's reader, which must not wait for an answer of the spawner."""
        if self.closed or not spawner.alive:
            return
        log(f"network: what carries connections to the proxy ended ({how})")
        if self.starts < MAX_STARTS:
            threading.Timer(RESTART_SECONDS, self._start_again, (spawner,)).start()

    def _start_again(self, spawner: SpawnerLink) -> None:
        try:
            if spawner.alive and not self.closed:
                self._start(spawner)
        except SpawnError as error:
            log(f"network: {error}")

    def set_rules(self, rules: Rules) -> None:
        self.proxy.set_rules(rules)

    def close(self) -> None:
        self.closed = True
        self.proxy.close()
