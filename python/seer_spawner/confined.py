"""What the spawner does first when it is behind a wall: takes on the limits, tries the wall, and closes itself."""

from __future__ import annotations

import json
import os
import resource
from typing import Any

from .probes import Baits, run_probes
from .processes import forbid_inspection

PROBES_BYTES = 64 * 1024


def inherited_descriptors(needed: set[int]) -> list[int]:
    """Those that this process was started with beyond what it needs. To be asked before it opens any."""
    with os.scandir("/proc/self/fd") as entries:
        found = {int(entry.name) for entry in entries}
    return sorted(fd for fd in found - needed if _is_open(fd))  # the folder was one of them while it was read


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def take_limits(limits: dict[str, int | None]) -> None:
    """For itself, and so for all it starts. They cannot be raised again without root's rights."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_DATA: limits["data"],
        resource.RLIMIT_FSIZE: limits["file"],
    }
    for limit, value in wanted.items():
        if value is not None:
            hard = resource.getrlimit(limit)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (bound, bound))


def try_wall(baits: dict[str, Any]) -> list[str]:
    """In a child, since what it tries would change this process where it works."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read_end)
            os.write(write_end, json.dumps(run_probes(Baits(**baits))).encode()[:PROBES_BYTES])
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    found = json.loads(said) if said else ["the probes ended without an answer"]
    return [str(leak) for leak in found]


def prepare(limits: dict[str, int | None], baits: dict[str, Any]) -> list[str]:
    """What could be done that must not be; empty where the wall stands."""
    take_limits(limits)
    found = try_wall(baits)
    forbid_inspection()
    return found
