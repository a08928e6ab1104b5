"""Counts of what could not be kept, until they are written down: a loss is told once, with its size, never silent."""

from __future__ import annotations


class Losses:
    def __init__(self) -> None:
        self.counts: dict[tuple[str | None, str], list[int]] = {}

    def add(self, cell: str | None, reason: str, messages: int, lost_bytes: int) -> None:
        entry = self.counts.setdefault((cell, reason), [0, 0])
        entry[0] += messages
        entry[1] += lost_bytes

    def take(self, cells: set[str | None] | None = None) -> list[dict[str, object]]:
        """The records for some cells, or all; they are not counted any more after this."""
        keys = [key for key in self.counts if cells is None or key[0] in cells]
        taken = [(key, self.counts.pop(key)) for key in keys]
        return [
            {"kind": "output-lost", "cell": cell, "reason": reason, "messages": messages, "bytes": lost}
            for (cell, reason), (messages, lost) in taken
        ]
