"""What the host is told at its start, as one JSON line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .text import parse_json

MAX_SOCKET_PATH_BYTES = 100


class ConfigError(Exception):
    pass


@dataclass(frozen=True)
class HostConfig:
    sandbox: str
    socket: Path
    state_dir: Path
    runtime_dir: Path
    workspace: Path
    libraries_dir: Path | None
    python: str
    kernel_env: dict[str, str]
    lease_seconds: float
    deadline_seconds: float | None
    cell_disk_cap_bytes: int
    python_dir: Path
    wall: list[str] = field(default_factory=list)


def short_path(path: Path) -> Path:
    """A socket's path, checked: the system's limit is 107 bytes, and its own error does not say so."""
    length = len(str(path).encode())
    if length > MAX_SOCKET_PATH_BYTES:
        raise ConfigError(
            f"the path of a socket may have {MAX_SOCKET_PATH_BYTES} bytes, and this one has {length}: {path}"
        )
    return path


_STRINGS = ("sandbox", "socket", "stateDir", "runtimeDir", "workspace", "python", "pythonDir")
_KEYS = {*_STRINGS, "librariesDir", "kernelEnv", "leaseSeconds", "deadlineSeconds", "cellDiskCapBytes", "wall"}


def _number(given: dict[str, Any], key: str, default: float | None) -> float | None:
    value = given.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise ConfigError(f"{key} must be a number above 0")
    return value


def parse_config(line: bytes) -> HostConfig:
    try:
        given = parse_json(line)
    except ValueError as error:
        raise ConfigError(f"the configuration is not JSON: {error}") from error
    if not isinstance(given, dict) or (unknown := set(given) - _KEYS):
        raise ConfigError(
            f"unknown keys in the configuration: {sorted(unknown) if isinstance(given, dict) else given!r}"
        )
    for key in _STRINGS:
        if not isinstance(given.get(key), str) or not given[key]:
            raise ConfigError(f"{key} must be a string")
    env = given.get("kernelEnv", {})
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        raise ConfigError("kernelEnv must map names to strings")
    wall = given.get("wall", [])
    if not isinstance(wall, list) or not all(isinstance(part, str) for part in wall):
        raise ConfigError("wall must be a list of strings")
    libraries = given.get("librariesDir")
    return HostConfig(
        sandbox=given["sandbox"],
        socket=short_path(Path(given["socket"])),
        state_dir=Path(given["stateDir"]),
        runtime_dir=Path(given["runtimeDir"]),
        workspace=Path(given["workspace"]),
        libraries_dir=Path(libraries) if libraries else None,
        python=given["python"],
        kernel_env=env,
        lease_seconds=_number(given, "leaseSeconds", 120) or 120,
        deadline_seconds=_number(given, "deadlineSeconds", None),
        cell_disk_cap_bytes=int(_number(given, "cellDiskCapBytes", 1 << 30) or 1 << 30),
        python_dir=Path(given["pythonDir"]),
        wall=wall,
    )
