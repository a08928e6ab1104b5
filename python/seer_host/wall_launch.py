"""Starts bubblewrap: `boot.py wall FD`, with the plan as JSON in FD. Becomes it, with nothing in its environment.

A process of its own, because each step changes the process that makes it: it joins its cgroups, makes mounts that
only it and its children see, stops being root. What it becomes has its arguments in a file descriptor: both
environment and arguments of a process can be read by whoever shares its pids.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from .wall_seccomp import MACHINES, filter_program

_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18


class LaunchError(Exception):
    pass


def _check(result: int, doing: str) -> None:
    if result != 0:
        raise LaunchError(f"{doing}: {os.strerror(ctypes.get_errno())}")


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _check(libc.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]), f"cannot mount {source}")


def _stage(at: str, sources: list[str]) -> None:
    """Binds each source to `at/<number>`, seen by this process and its children only, and gone with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(_CLONE_NEWNS), "cannot make a mount namespace (root needs CAP_SYS_ADMIN for it)")
    _mount(libc, "none", "/", None, _MS_REC | _MS_PRIVATE)
    # Opened before `at` hides one of them.
    opened = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source in sources]
    _mount(libc, "seer", at, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
    for number, fd in enumerate(opened):
        target = Path(at) / str(number)
        if Path(f"/proc/self/fd/{fd}").is_dir():
            target.mkdir()
        else:
            target.touch()
        _mount(libc, f"/proc/self/fd/{fd}", str(target), None, _MS_BIND | _MS_REC)
        os.close(fd)


def _drop_to(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if os.getresuid() != (user, user, user) or os.getresgid() != (user, user, user) or os.getgroups():
        raise LaunchError("root's rights could not be given up")


def _as_fd(data: bytes, name: str) -> int:
    fd = os.memfd_create(name, 0)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _launch(plan: dict[str, Any]) -> None:
    machine = platform.machine()
    if machine not in MACHINES:
        raise LaunchError(f"there is no filter of system calls for {machine}")
    for cgroup in plan["cgroups"]:
        (Path(cgroup) / "cgroup.procs").write_text(str(os.getpid()))
    if plan["stage"]:
        _stage(plan["stageAt"], plan["stage"])
    if plan["dropTo"] is not None:
        _drop_to(plan["dropTo"])
    elif os.geteuid() == 0:
        raise LaunchError("root would not give up its rights")
    os.umask(0o022)
    os.chdir("/")
    args = _as_fd(b"".join(os.fsencode(arg) + b"\0" for arg in plan["args"]), "args")
    seccomp = _as_fd(filter_program(machine), "seccomp")
    argv = ["bwrap", "--args", str(args), "--seccomp", str(seccomp), "--", *plan["command"]]
    os.execve(plan["program"], argv, {})


def main(argv: list[str]) -> int:
    with open(int(argv[0]), "rb") as file:
        plan = json.loads(file.read())
    try:
        _launch(plan)
    except (LaunchError, OSError) as error:
        print(f"seer wall: {error}", file=sys.stderr)
    return 1
