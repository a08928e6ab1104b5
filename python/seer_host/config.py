"""What the host is told at its start, as one JSON line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .network_rules import Rules, is_rules, parse_rules
from .redact import Redactor
from .text import parse_json
from .wall_plan import Inside, Wall, WallError, parse_wall

MAX_SOCKET_PATH_BYTES = 100
#: Of the sandbox's proxy, in the folder that is shared with kernels.
PROXY_SOCKET = "proxy.sock"


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
    #: None: what is started has the rights of the user who started the host.
    wall: Wall | None
    #: None: the sandbox has no secrets.
    redactor: Redactor | None = None
    #: None: there is no way out of the sandbox at all.
    network: Rules | None = None

    @property
    def inside(self) -> Inside:
        if self.wall is not None:
            return self.wall.inside
        return Inside(self.python, self.python_dir, self.workspace, self.runtime_dir, self.libraries_dir)


def short_path(path: Path) -> Path:
    """A socket's path, checked: the system's limit is 107 bytes, and its own error does not say so."""
    length = len(str(path).encode())
    if length > MAX_SOCKET_PATH_BYTES:
        raise ConfigError(
            f"the path of a socket may have {MAX_SOCKET_PATH_BYTES} bytes, and this one has {length}: {path}"
        )
    return path


_STRINGS = ("sandbox", "socket", "stateDir", "runtimeDir", "workspace", "python", "pythonDir")
_OTHERS = ("librariesDir", "kernelEnv", "leaseSeconds", "deadlineSeconds", "cellDiskCapBytes", "wall", "redact")
_KEYS = {*_STRINGS, *_OTHERS, "network"}


def _number(given: dict[str, Any], key: str, default: float | None) -> float | None:
    value = given.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise ConfigError(f"{key} must be a number above 0")
    return value


def _redactor(given: Any) -> Redactor | None:
    def fits(secret: Any) -> bool:
        forms = secret.get("forms") if isinstance(secret, dict) else None
        return isinstance(forms, list) and all(isinstance(text, str) for text in [secret.get("name"), *forms])

    if not isinstance(given, list) or not all(map(fits, given)):
        raise ConfigError("redact must be a list of names and forms")
    return Redactor([(secret["name"], secret["forms"]) for secret in given]) if given else None


def _network(given: Any, has_wall: bool) -> Rules | None:
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) != {"open", "hosts"} or not isinstance(given["open"], bool):
        raise ConfigError("network must have open and hosts")
    if not is_rules(given["hosts"]):
        raise ConfigError("network.hosts must be a list of names, ports and whether they may be private")
    if not has_wall:
        raise ConfigError("network is for a sandbox with a wall: nothing else keeps its code from anywhere")
    return parse_rules(given["open"], given["hosts"])


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
    try:
        wall = None if given.get("wall") is None else parse_wall(given["wall"])
    except WallError as error:
        raise ConfigError(str(error)) from error
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
        redactor=_redactor(given.get("redact", [])),
        network=_network(given.get("network"), wall is not None),
    )
