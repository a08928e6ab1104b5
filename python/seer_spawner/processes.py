"""What the operating system tells about processes, and how a whole tree of them is ended. On macOS it tells less."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def become_subreaper() -> None:
    """Orphans among our descendants become our children, so that a daemonised process cannot slip away."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def forbid_inspection() -> None:
    """Nobody of the same user may read this process's memory, or write to it. What it starts is not held by this."""
    _prctl(PR_SET_DUMPABLE, 0)


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """For a child: this signal when the parent's forking thread ends. Only for single-threaded parents."""
    _prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(127)


def outlive_parent() -> None:
    _prctl(PR_SET_PDEATHSIG, 0)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name, which may hold spaces and brackets; field 3 (state) is the first."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def start_time(pid: int) -> str:
    """Tells a process from a later one with the same pid."""
    if LINUX:
        return _stat(pid)[19]
    return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


def _table() -> dict[int, tuple[int, int, str]]:
    """pid → (parent, session, state)."""
    table: dict[int, tuple[int, int, str]] = {}
    if not LINUX:
        listing = subprocess.run(["ps", "-axo", "pid=,ppid=,sess=,state="], capture_output=True, text=True).stdout
        for line in listing.splitlines():
            fields = line.split()
            table[int(fields[0])] = (int(fields[1]), 0, fields[3][:1])
        return table
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = _stat(int(name))
            except (OSError, IndexError):
                continue
            table[int(name)] = (int(fields[1]), int(fields[3]), fields[0])
    return table


def _has_mark(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def descendants(root: int) -> set[int]:
    """All living descendants of a process."""
    table = _table()
    found: set[int] = set()
    frontier = {root}
    while frontier:
        frontier = {pid for pid, (parent, _, _) in table.items() if parent in frontier} - found
        found |= frontier
    return {pid for pid in found if table[pid][2] not in "ZX"}


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_descendants(root: int, within_seconds: float = 3.0) -> None:
    """SIGKILL, again and again until none is left: what forks while we look is found by the next look."""
    deadline = time.monotonic() + within_seconds
    while (left := descendants(root)) and time.monotonic() < deadline:
        for pid in left:
            _kill(pid, signal.SIGKILL)
        reap_orphans()
        time.sleep(0.01)


def _living(pids: set[int], table: dict[int, tuple[int, int, str]]) -> set[int]:
    return {pid for pid in pids if pid > 1 and pid in table and table[pid][2] not in "ZX"}


def start_times(pids: set[int]) -> dict[int, str]:
    times = {}
    for pid in pids:
        try:
            times[pid] = start_time(pid)
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    return times


def kill_tree(pid: int | None, mark: str, also: dict[int, str]) -> None:
    """SIGKILL for one process, its descendants, its session, orphans of it that still carry its mark, and `also`.

    The descendants are stopped first, so that none forks between the look and the kill. `mark` is a line of its
    environment, `NAME=value`.
    """
    needle = mark.encode()
    known: set[int] = set()
    for _ in range(20):
        table = _table()
        found = {p for p, (parent, _, _) in table.items() if parent == os.getpid() and _has_mark(p, needle)}
        found |= {p for p, started in start_times(set(also)).items() if started == also[p]}
        for orphan in list(found):
            found |= descendants(orphan)
        if pid is not None:
            found |= {pid} | descendants(pid) | {p for p, (_, session, _) in table.items() if session == pid}
        found = _living(found, table) - known
        if not found:
            break
        for one in found:
            _kill(one, signal.SIGSTOP)
        known |= found
    for one in known:
        _kill(one, signal.SIGKILL)


def reap_orphans() -> None:
    """Collects every dead child. Only for a process whose children are all to be forgotten."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass
