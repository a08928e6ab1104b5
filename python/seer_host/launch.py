"""How a kernel is started: its connection file, its own configuration, its arguments and environment."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import HostConfig, short_path

PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}
LOG_TAIL_BYTES = 4000


@dataclass(frozen=True)
class Launch:
    id: str
    key: str
    connection_file: Path
    config_file: Path
    log_file: Path
    ipc_prefix: Path
    ipython_dir: Path

    def address(self, port: str) -> str:
        return f"ipc://{self.ipc_prefix}-{PORTS[port]}"

    def files(self) -> list[Path]:
        sockets = [Path(f"{self.ipc_prefix}-{number}") for number in PORTS.values()]
        return [self.connection_file, self.config_file, self.log_file, *sockets]


def _write_private(path: Path, value: Any) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        json.dump(value, file)


def prepare(config: HostConfig, session: str, generation: int, kernel_config: dict[str, Any]) -> Launch:
    folder = config.runtime_dir
    # Unguessable and never used twice: a retry of a failed start must not meet the sockets of the first.
    id = f"k-{secrets.token_hex(5)}"
    prefix = folder / id
    short_path(Path(f"{prefix}-1"))
    launch = Launch(
        id=id,
        key=secrets.token_hex(32),
        connection_file=folder / f"{id}.json",
        config_file=folder / f"{id}.config.json",
        log_file=folder / f"{id}.log",
        ipc_prefix=prefix,
        ipython_dir=folder / "ipython",
    )
    _write_private(
        launch.connection_file,
        {"transport": "ipc", "ip": str(prefix), **PORTS, "key": launch.key, "signature_scheme": "hmac-sha256"},
    )
    _write_private(
        launch.config_file,
        {
            **kernel_config,
            "session": session,
            "generation": generation,
            "workspace": str(config.workspace),
            "librariesDir": str(config.libraries_dir) if config.libraries_dir else None,
        },
    )
    return launch


def kernel_argv(config: HostConfig, launch: Launch) -> list[str]:
    # Not -I: that would drop PYTHONHASHSEED. The environment is exactly what was given, so nothing else comes in.
    boot = str(config.python_dir / "boot.py")
    files = ["-f", str(launch.connection_file), "--config", str(launch.config_file)]
    return [config.python, "-s", boot, "kernel", *files]


def kernel_environment(config: HostConfig, launch: Launch, seed: int) -> dict[str, str]:
    return {"PYTHONHASHSEED": str(seed % 2**32), "IPYTHONDIR": str(launch.ipython_dir), **config.kernel_env}


def log_tail(config: HostConfig, launch: Launch) -> str:
    """The end of what the kernel said on stderr, without this machine's folders."""
    try:
        raw = launch.log_file.read_bytes()[-LOG_TAIL_BYTES:]
    except OSError:
        return ""
    text = raw.decode("utf-8", "replace")
    for folder, name in (
        (config.python_dir, "<seer>"),
        (config.runtime_dir, "<runtime>"),
        (config.state_dir, "<state>"),
        (config.workspace, "<workspace>"),
        (Path(config.python).parent.parent, "<python>"),
    ):
        text = text.replace(str(folder), name)
    return text.strip()
