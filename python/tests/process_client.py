"""Short ways to start processes in a host and to read them to their end."""

from __future__ import annotations

import base64
import itertools
import time
from dataclasses import dataclass
from typing import Any

from client import Client

_numbers = itertools.count(1)


@dataclass
class Ended:
    stdout: bytes
    stderr: bytes
    ended: dict[str, Any]

    @property
    def code(self) -> Any:
        return self.ended["exitCode"]

    @property
    def text(self) -> str:
        return self.stdout.decode()


def start(client: Client, *argv: str, **options: Any) -> str:
    """The id of the process."""
    params: dict[str, Any] = {
        "process": f"p-{next(_numbers)}",
        "argv": list(argv),
        "cwd": ".",
        "env": {},
        "seconds": None,
        "maxBytes": 1 << 20,
        "stream": False,
        **options,
        "stdin": base64.b64encode(options.get("stdin", b"")).decode(),
    }
    assert client.request("process/start", **params) == {"known": False}
    return str(params["process"])


def read_on(client: Client, process: str, at: tuple[int, int] = (0, 0), wait_ms: int = 20_000, **options: Any) -> Any:
    params = {"stdout": at[0], "stderr": at[1], "maxBytes": 256 * 1024, "waitMs": wait_ms, **options}
    return client.request("process/read", process=process, **params)


def until_end(client: Client, process: str, timeout: float = 60) -> Ended:
    out, err = b"", b""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        answer = read_on(client, process, (len(out), len(err)))
        out += base64.b64decode(answer["stdout"])
        err += base64.b64decode(answer["stderr"])
        if answer["ended"] is not None:
            return Ended(out, err, answer["ended"])
    raise AssertionError(f"{process} did not end in {timeout} s")


def run(client: Client, *argv: str, **options: Any) -> Ended:
    return until_end(client, start(client, *argv, **options))


def sh(client: Client, script: str, **options: Any) -> Ended:
    return run(client, "/bin/sh", "-c", script, **options)
