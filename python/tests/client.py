"""A small client of the host, for tests: JSON-RPC over a relay's stdio."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wall_fixture import wall_for

PYTHON_DIR = Path(__file__).resolve().parent.parent
BOOT = str(PYTHON_DIR / "boot.py")


class Failed(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]
        self.name = error.get("data", {}).get("name")


class Client:
    """Over one relay. `kill()` ends the relay as a lost connection would."""

    def __init__(self, socket: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", BOOT, "relay", "--socket", socket, "--marker", "mark-1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin and self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        line = self.stdout.readline()
        assert line == b"mark-1\n", line
        self.ids = itertools.count(1)
        self.waiting: dict[int, queue.Queue[dict[str, Any]]] = {}
        self.unasked: queue.Queue[dict[str, Any]] = queue.Queue()
        self.lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            length = None
            while (line := self.stdout.readline()) not in (b"\r\n", b""):
                length = int(line.split(b":")[1])
            if length is None:
                break
            assert length <= 1024 * 1024
            message = json.loads(self.stdout.read(length))
            self.waiting.get(message["id"], self.unasked).put(message)
        for answers in list(self.waiting.values()):
            answers.put({"error": {"code": 0, "message": "closed"}})
        self.unasked.put({"error": {"code": 0, "message": "closed"}})

    def raw(self, data: bytes) -> None:
        with self.lock:
            self.stdin.write(data)
            self.stdin.flush()

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def ask(self, method: str, **params: Any) -> tuple[int, queue.Queue[dict[str, Any]]]:
        id = next(self.ids)
        answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.waiting[id] = answers
        self.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return id, answers

    def answer(self, answers: queue.Queue[dict[str, Any]], timeout: float = 120) -> Any:
        message = answers.get(timeout=timeout)
        if "error" in message:
            raise Failed(message["error"])
        return message["result"]

    def request(self, method: str, timeout: float = 120, **params: Any) -> Any:
        return self.answer(self.ask(method, **params)[1], timeout)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.stdin.close()
        self.process.wait(timeout=10)

    # What tests do most

    def start(self, session: str = "s1", generation: int = 1, **config: Any) -> dict[str, Any]:
        full = {"params": {}, "seed": 7, "models": [], **config}
        result = self.request("kernel/start", session=session, generation=generation, config=full)
        assert isinstance(result, dict)
        return result

    def execute(self, cell: str, code: str, session: str = "s1", generation: int = 1) -> bool:
        answer = self.request("kernel/execute", session=session, generation=generation, cell=cell, code=code)
        return bool(answer["known"])

    def read(self, after: int, wait_ms: int = 2000, max_bytes: int = 1 << 20) -> list[dict[str, Any]]:
        result = self.request("journal/read", after=after, maxBytes=max_bytes, waitMs=wait_ms)
        records = result["records"]
        assert isinstance(records, list)
        return records

    def until(self, kind: str, after: int = 0, timeout: float = 60, **match: Any) -> list[dict[str, Any]]:
        """All records after `after`, up to and with the first of this kind."""
        records: list[dict[str, Any]] = []
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for record in self.read(records[-1]["seq"] if records else after):
                assert record["seq"] == (records[-1]["seq"] if records else after) + 1
                records.append(record)
                if record["kind"] == kind and all(record[key] == value for key, value in match.items()):
                    return records
        raise AssertionError(f"no {kind} {match} in {timeout} s; last: {records[-3:]}")

    def run(
        self, cell: str, code: str, session: str = "s1", generation: int = 1, timeout: float = 60
    ) -> list[dict[str, Any]]:
        """Executes a cell and returns its records."""
        after = self.request("host/hello")["lastSeq"]
        assert self.execute(cell, code, session, generation) is False
        return [r for r in self.until("cell-end", after, timeout, cell=cell, session=session) if r.get("cell") == cell]

    def blob(self, sha256: str) -> bytes:
        data = b""
        while True:
            chunk = self.request("blob/read", sha256=sha256, offset=len(data), length=512 * 1024)
            data += base64.b64decode(chunk["base64"])
            if len(data) >= chunk["size"]:
                assert hashlib.sha256(data).hexdigest() == sha256
                return data

    def text(self, value: Any) -> str:
        return self.blob(value["blob"]).decode() if isinstance(value, dict) else str(value)

    def stdout_of(self, records: list[dict[str, Any]]) -> str:
        return "".join(
            self.text(r["output"]["text"])
            for r in records
            if r["kind"] == "output" and r["output"]["output_type"] == "stream" and r["output"]["name"] == "stdout"
        )


class HostFixture:
    """A real host in a folder of its own, with a wall around its kernels if `walled`."""

    def __init__(
        self,
        root: Path,
        walled: bool = False,
        limits: dict[str, int] | None = None,
        change: Callable[[dict[str, Any]], Any] | None = None,
        **config: Any,
    ) -> None:
        self.root = root
        wall = wall_for(root, **(limits or {})) if walled else None
        if wall is not None and change is not None:
            change(wall)
        home = "/workspace" if walled else str(root / "work")
        self.config: dict[str, Any] = {
            "sandbox": "sb1",
            "socket": str(root / "h" / "s"),
            "stateDir": str(root / "state"),
            "runtimeDir": str(root / "r"),
            "workspace": str(root / "work"),
            "librariesDir": str(root / "lib"),
            "python": sys.executable,
            "kernelEnv": {
                "PATH": os.environ["PATH"],
                "HOME": home,
                "OMP_NUM_THREADS": "1",
                "OMP_WAIT_POLICY": "passive",
            },
            "leaseSeconds": 60,
            "deadlineSeconds": None,
            "cellDiskCapBytes": 1 << 30,
            "pythonDir": str(PYTHON_DIR),
            "wall": wall,
            **config,
        }
        for name in ("lib", "state"):
            (root / name).mkdir(exist_ok=True)
        started = subprocess.run(
            [sys.executable, "-I", BOOT, "host"],
            input=json.dumps(self.config) + "\n",
            capture_output=True,
            text=True,
            timeout=20,
            env={"PATH": os.environ["PATH"]},
        )
        assert started.returncode == 0, started.stderr
        self.ready = json.loads(started.stdout)
        self.pid: int = self.ready["pid"]

    def client(self) -> Client:
        return Client(self.config["socket"])
