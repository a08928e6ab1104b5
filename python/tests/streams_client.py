"""Seer's end of byte streams, for tests: reads the one list, writes by offset, allows more as it takes."""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from client import Client

WINDOW_BYTES = 512 * 1024
READ_BYTES = 768 * 1024


class StreamsClient:
    """What has come of each connection so far."""

    def __init__(self, client: Client, allowing: bool = True) -> None:
        self.client = client
        self.allowing = allowing
        self.after = 0
        self.listeners: dict[str, str] = {}
        self.data: dict[str, bytes] = defaultdict(bytes)
        self.ended: set[str] = set()
        self.written: dict[str, int] = defaultdict(int)

    def read(self, wait_ms: int = 2000) -> list[dict[str, Any]]:
        """Once. Each piece is checked against those before."""
        answer = self.client.request("stream/read", after=self.after, maxBytes=READ_BYTES, waitMs=wait_ms)
        pieces: list[dict[str, Any]] = answer["pieces"]
        for piece in pieces:
            assert self.after == 0 or piece["n"] == self.after + 1
            self.after = piece["n"]
            self._take(piece)
        return pieces

    def _take(self, piece: dict[str, Any]) -> None:
        name, kind = piece["connection"], piece["kind"]
        assert name not in self.ended, "the end is the last of a connection"
        if kind == "open":
            assert name not in self.listeners
            self.listeners[name] = piece["listener"]
        elif kind == "end":
            self.ended.add(name)
        else:
            data = base64.b64decode(piece["base64"])
            assert 0 < len(data) <= 256 * 1024
            self.data[name] += data
            if self.allowing:
                self.allow(name, len(self.data[name]) + WINDOW_BYTES)

    def allow(self, name: str, in_all: int) -> None:
        self.client.request("stream/allow", connection=name, bytes=in_all)

    def until(self, ready: Callable[[], Any], timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while not ready():
            assert time.monotonic() < deadline, f"after {timeout} s: {self.after} pieces, ended: {self.ended}"
            self.read(wait_ms=200)

    def opened(self, listener: str, before: int = 0) -> str:
        """The connection that comes in there next, after so many."""

        def there() -> list[str]:
            return [name for name, at in self.listeners.items() if at == listener][before:]

        self.until(there)
        return there()[0]

    def write_some(self, name: str, data: bytes) -> int:
        """How many more bytes were taken."""
        text = base64.b64encode(data).decode()
        before = self.written[name]
        answer = self.client.request("stream/write", connection=name, offset=before, base64=text)
        self.written[name] = answer["accepted"]
        return self.written[name] - before

    def write(self, name: str, data: bytes) -> None:
        view = memoryview(data)
        while view:
            taken = self.write_some(name, bytes(view[: 512 * 1024]))
            view = view[taken:]
            if taken == 0:
                self.read(wait_ms=5)

    def listen(self, listener: str) -> str:
        path = self.client.request("stream/listen", listener=listener)["path"]
        assert isinstance(path, str)
        return path
