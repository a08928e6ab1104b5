"""The one folder that the host shares with kernels: what stands in it may have been changed by the agent's code.

So nothing in it is opened by following a link, and a socket is held by itself, not by its name.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any


def write_for(owner: int | None, path: Path, value: Any) -> None:
    """A new file that only its owner can read."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        json.dump(value, file)
        if owner is not None:
            os.fchown(fd, owner, owner)


def read_end(path: Path, max_bytes: int) -> bytes:
    """The last bytes of a plain file; nothing of anything else."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return b""
        return os.pread(fd, max_bytes, max(0, status.st_size - max_bytes))
    finally:
        os.close(fd)


class HeldSocket:
    """A socket that is there, whatever its name is made to mean afterwards, such as a link to another one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd: int | None = None
        if sys.platform == "linux":
            fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.close(fd)
                raise FileNotFoundError(f"not a socket: {path}")
            self.fd, self.path = fd, f"/proc/self/fd/{fd}"

    def close(self) -> None:
        """What has connected stays so."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


def hold(path: str) -> HeldSocket | None:
    """None while there is no socket of that name."""
    try:
        return HeldSocket(path)
    except OSError:
        return None
