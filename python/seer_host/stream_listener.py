"""A socket in the folder shared with the agent's code, which may remove it or put something else in its place."""

from __future__ import annotations

import os
import secrets
import socket
import stat
from pathlib import Path

from .config import HostConfig, short_path
from .log import log

BACKLOG = 128
MAX_TRIES = 8


def calls_socket(name: str) -> str:
    return f"{name}.calls"


class Listener:
    """For the sandbox's user alone. Neither its file nor anything else in that folder is ever opened."""

    def __init__(self, config: HostConfig, name: str) -> None:
        self.name = name
        self.path = short_path(config.runtime_dir / calls_socket(name))
        self.inside = str(short_path(config.inside.runtime_dir / calls_socket(name)))
        self.watched = 0
        #: Until then nobody is let in.
        self.paused_until: float | None = None
        self.has_complained = False
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Made where only the host can reach it, and put in its place when it is as it is to be.
        aside = config.socket.parent / f"l-{secrets.token_hex(4)}"
        owner = config.wall.drop_to if config.wall else None
        try:
            self.sock.setblocking(False)
            self.sock.bind(str(short_path(aside)))
            os.chmod(aside, 0o600)
            if owner is not None:
                os.chown(aside, owner, owner)
            self.sock.listen(BACKLOG)
            self.identity = _identity(aside)
            _put(aside, self.path)
        except BaseException:
            self.sock.close()
            aside.unlink(missing_ok=True)
            raise

    @property
    def in_place(self) -> bool:
        """No other file gets its number while the socket is open."""
        try:
            return _identity(self.path) == self.identity
        except OSError:
            return False

    def accept(self) -> socket.socket | None:
        """None where nobody waits. Raises what hinders it."""
        try:
            return self.sock.accept()[0]
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return None
        except OSError as error:  # out of descriptors, for one
            if not self.has_complained:
                log(f"streams: accept: {error.strerror}")
            self.has_complained = True
            raise

    def close(self) -> None:
        try:
            if self.in_place:
                self.path.unlink()
        except OSError:
            pass
        self.sock.close()


def _identity(path: Path) -> tuple[int, int, int]:
    found = os.lstat(path)
    return stat.S_IFMT(found.st_mode), found.st_dev, found.st_ino


def _put(aside: Path, path: Path) -> None:
    """In place of whatever is there, and not of what that leads to. A folder is given another name."""
    for _ in range(MAX_TRIES):
        try:
            os.rename(aside, path)
            return
        except IsADirectoryError:
            try:
                os.rename(path, path.with_name(f"{secrets.token_hex(4)}.aside"))
            except OSError:
                pass  # it was taken away meanwhile
    raise OSError("something is put into the socket's place again and again")
