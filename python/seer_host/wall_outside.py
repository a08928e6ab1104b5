"""What the system says, on this side of the wall, of the processes behind it."""

from __future__ import annotations

from pathlib import Path

from seer_spawner.processes import descendants

from .wall_plan import Wall


def _status(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
    except OSError:
        return {}


def _pids_of(status: dict[str, str]) -> list[str]:
    """Of one process, in each pid namespace from ours to its own."""
    return status.get("NSpid", "").split()


def processes_behind(monitor: int) -> dict[int, dict[str, str]]:
    """Those behind the wall, by their pids on this machine, with what the system says of each."""
    statuses = {pid: _status(pid) for pid in descendants(monitor)}
    return {pid: status for pid, status in statuses.items() if len(_pids_of(status)) > 1}


def pid_outside(monitor: int, pid_inside: int) -> int | None:
    """The pid on this machine of a process behind the wall, which knows itself by another."""
    behind = processes_behind(monitor)
    return next((pid for pid, status in behind.items() if _pids_of(status)[-1] == str(pid_inside)), None)


def oom_kills(cgroups: list[str]) -> int:
    """How many processes the system has ended because one of the groups was over its memory."""
    total = 0
    for cgroup in cgroups:
        for name in ("memory.oom_control", "memory.events"):
            try:
                lines = (Path(cgroup) / name).read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return total


def rights_left(monitor: int, wall: Wall) -> list[str]:
    """What a process behind the wall has that it must not have. The probes say the same from inside."""
    found = []
    behind = processes_behind(monitor)
    if not behind:
        return ["nobody is behind the wall"]
    for status in behind.values():
        uids = set(status["Uid"].split())
        if uids == {"0"} or (wall.drop_to is not None and uids != {str(wall.drop_to)}):
            found.append(f"a process runs as user {', '.join(sorted(uids))}")
        if int(status["CapEff"], 16) or int(status["CapPrm"], 16):
            found.append("a process has capabilities")
        if status.get("Seccomp") != "2" or status.get("NoNewPrivs") != "1":
            found.append("a process has no filter of system calls")
    return found
