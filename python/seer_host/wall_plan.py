"""What the host is told of the wall, and where things lie for those who are behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Inside:
    """Places as the kernels see them. This is the one translation of paths; without a wall they are those outside."""

    python: str
    python_dir: Path
    workspace: Path
    runtime_dir: Path
    libraries_dir: Path | None


@dataclass(frozen=True)
class Limits:
    """None: not limited."""

    memory_bytes: int | None
    #: Of each process alone, as RLIMIT_DATA. Where nothing can limit them together.
    data_bytes: int | None
    processes: int | None
    disk_bytes: int | None
    #: The host looks after memory by itself, since nothing else holds it.
    watch_memory: bool


@dataclass(frozen=True)
class Wall:
    program: str
    #: Of bubblewrap, without those that are file descriptors.
    args: list[str]
    #: Sources that bubblewrap could not reach as the user it runs as: bound to `stage_at/0`, `stage_at/1`, … before.
    stage_at: str
    stage: list[str]
    #: The user, and group, that the sandbox is on the machine. None: the one who started it.
    drop_to: int | None
    #: Folders of cgroups which the sandbox joins.
    cgroups: list[str]
    inside: Inside
    limits: Limits
    #: Folders that must not be writable from inside; others that may be.
    read_only: list[str]
    writable: list[str]
    #: Names that must not be seen from inside.
    hidden: list[str]


class WallError(Exception):
    """The plan is not one."""


def _keys(given: Any, names: set[str], what: str) -> dict[str, Any]:
    if not isinstance(given, dict) or set(given) != names:
        raise WallError(f"{what} must be an object with exactly {', '.join(sorted(names))}")
    return given


def _string(given: dict[str, Any], name: str) -> str:
    value = given[name]
    if not isinstance(value, str) or not value:
        raise WallError(f"{name} must be a string")
    return value


def _strings(given: dict[str, Any], name: str) -> list[str]:
    value = given[name]
    if not isinstance(value, list) or not all(isinstance(part, str) and "\0" not in part for part in value):
        raise WallError(f"{name} must be a list of strings")
    return value


def _count(given: dict[str, Any], name: str) -> int | None:
    value = given[name]
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        raise WallError(f"{name} must be a whole number above 0")
    return value


_INSIDE = {"python", "pythonDir", "workspace", "runtimeDir", "librariesDir"}
_LIMITS = {"memoryBytes", "dataBytes", "processes", "diskBytes", "watchMemory"}
_LISTS = {"args", "stage", "cgroups", "readOnly", "writable", "hidden"}
_WALL = {"program", "stageAt", "dropTo", "inside", "limits", *_LISTS}


def parse_wall(value: Any) -> Wall:
    given = _keys(value, _WALL, "wall")
    inside = _keys(given["inside"], _INSIDE, "wall.inside")
    limits = _keys(given["limits"], _LIMITS, "wall.limits")
    return Wall(
        program=_string(given, "program"),
        args=_strings(given, "args"),
        stage_at=_string(given, "stageAt"),
        stage=_strings(given, "stage"),
        drop_to=_count(given, "dropTo"),
        cgroups=_strings(given, "cgroups"),
        inside=Inside(
            python=_string(inside, "python"),
            python_dir=Path(_string(inside, "pythonDir")),
            workspace=Path(_string(inside, "workspace")),
            runtime_dir=Path(_string(inside, "runtimeDir")),
            libraries_dir=Path(_string(inside, "librariesDir")),
        ),
        limits=Limits(
            memory_bytes=_count(limits, "memoryBytes"),
            data_bytes=_count(limits, "dataBytes"),
            processes=_count(limits, "processes"),
            disk_bytes=_count(limits, "diskBytes"),
            watch_memory=limits["watchMemory"] is True,
        ),
        read_only=_strings(given, "readOnly"),
        writable=_strings(given, "writable"),
        hidden=_strings(given, "hidden"),
    )
