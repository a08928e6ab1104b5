"""How a kernel is started: its connection file, its own configuration, its arguments and environment."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import HostConfig, short_path
from .shared_folder import read_end, write_for
from .stream_listener import calls_socket

PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}
LOG_TAIL_BYTES = 4000
#: Names the socket of the kernel's session, for calls out of the sandbox.
CALLS = "SEER_CALLS"


@dataclass(frozen=True)
class Launch:
    """The files of a kernel, by their names in a folder that host and kernel both see, each at its own path."""

    id: str
    key: str
    folder: Path

    @property
    def connection_file(self) -> Path:
        return self.folder / f"{self.id}.json"

    @property
    def config_file(self) -> Path:
        return self.folder / f"{self.id}.config.json"

    @property
    def log_file(self) -> Path:
        return self.folder / f"{self.id}.log"

    def socket(self, port: str) -> str:
        return f"{self.folder / self.id}-{PORTS[port]}"

    def files(self) -> list[Path]:
        sockets = [Path(self.socket(port)) for port in PORTS]
        return [self.connection_file, self.config_file, self.log_file, *sockets]

    def inside(self, config: HostConfig) -> Launch:
        """As the kernel sees it."""
        return Launch(self.id, self.key, config.inside.runtime_dir)


def prepare(config: HostConfig, session: str, generation: int, kernel_config: dict[str, Any]) -> Launch:
    # Unguessable and never used twice: a retry of a failed start must not meet the sockets of the first.
    launch = Launch(id=f"k-{secrets.token_hex(5)}", key=secrets.token_hex(32), folder=config.runtime_dir)
    inside, owner = config.inside, config.wall.drop_to if config.wall else None
    prefix = inside.runtime_dir / launch.id
    for path in (launch.socket("hb_port"), f"{prefix}-1"):
        short_path(Path(path))
    write_for(
        owner,
        launch.connection_file,
        {"transport": "ipc", "ip": str(prefix), **PORTS, "key": launch.key, "signature_scheme": "hmac-sha256"},
    )
    write_for(
        owner,
        launch.config_file,
        {
            **kernel_config,
            "session": session,
            "generation": generation,
            "workspace": str(inside.workspace),
            "librariesDir": str(inside.libraries_dir) if inside.libraries_dir else None,
        },
    )
    return launch


def kernel_argv(config: HostConfig, launch: Launch) -> list[str]:
    # Not -I: that would drop PYTHONHASHSEED. The environment is exactly what was given, so nothing else comes in.
    seen = launch.inside(config)
    files = ["-f", str(seen.connection_file), "--config", str(seen.config_file)]
    return [config.inside.python, "-s", str(config.inside.python_dir / "boot.py"), "kernel", *files]


def kernel_environment(config: HostConfig, launch: Launch, session: str, seed: int) -> dict[str, str]:
    folder = launch.inside(config).folder
    own = {"PYTHONHASHSEED": str(seed % 2**32), "IPYTHONDIR": str(folder / "ipython")}
    # Also while nobody listens there: somebody may later.
    return {**own, **config.kernel_env, CALLS: str(folder / calls_socket(session))}


def log_tail(config: HostConfig, launch: Launch) -> str:
    """The end of what the kernel said on stderr, without this machine's folders."""
    text = read_end(launch.log_file, LOG_TAIL_BYTES).decode("utf-8", "replace")
    inside = config.inside
    for folder, name in (
        (inside.python_dir, "<seer>"),
        (inside.runtime_dir, "<runtime>"),
        (config.state_dir, "<state>"),
        (inside.workspace, "<workspace>"),
        (Path(inside.python).parent.parent, "<python>"),
    ):
        text = text.replace(str(folder), name)
    return (config.redactor.text(text) if config.redactor else text).strip()
