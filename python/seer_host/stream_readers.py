"""Who reads what byte streams have brought. A read that waits has no thread: whoever brings something answers it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import REQUEST_CANCELLED, RpcError
from .stream_pieces import Pieces

Result = bytes | RpcError
Reply = Callable[[Result], None]


@dataclass(frozen=True)
class Reader:
    """`reply` never waits for anything."""

    after: int
    max_bytes: int
    until: float
    cancelled: threading.Event
    reply: Reply


class Readers:
    """`on_end` is told each stream whose end a reader knows of. All of it under the lock of `Streams`."""

    def __init__(self, pieces: Pieces, on_end: Callable[[str], None]) -> None:
        self.pieces = pieces
        self.on_end = on_end
        self.waiting: list[Reader] = []

    def answers(self) -> list[tuple[Reply, Result]]:
        """Of those that have waited long enough: to be given once the lock is free."""
        if not self.waiting:
            return []
        now = time.monotonic()
        found = [(reader, self._answer(reader, now)) for reader in self.waiting]
        self.waiting = [reader for reader, answer in found if answer is None]
        return [(reader.reply, answer) for reader, answer in found if answer is not None]

    def _answer(self, reader: Reader, now: float) -> Result | None:
        if reader.cancelled.is_set():
            return RpcError(REQUEST_CANCELLED, "cancelled")
        for name in self.pieces.forget(reader.after):
            self.on_end(name)
        found = self.pieces.read(reader.max_bytes) if self.pieces.last > reader.after else b""
        return found if found or reader.until <= now else None


def give(answers: list[tuple[Reply, Result]]) -> None:
    for reply, answer in answers:
        reply(answer)
