"""Which cells were ever accepted, and what is known of those that run."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .errors import named
from .sizing import CellSpace


class AcceptedCells:
    """A cell id runs at most once, for ever: written down before it is sent to the kernel. So with ids of processes."""

    def __init__(self, folder: Path, file: str = "cells.jsonl") -> None:
        self.lock = threading.Lock()
        self.fd = os.open(folder / file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.known: set[tuple[str, str]] = set()
        raw = os.pread(self.fd, os.fstat(self.fd).st_size, 0)
        self.end = raw.rfind(b"\n") + 1
        for line in raw[: self.end].splitlines():
            session, cell = json.loads(line)
            self.known.add((session, cell))

    def has(self, session: str, cell: str) -> bool:
        with self.lock:
            return (session, cell) in self.known

    def add(self, session: str, cell: str) -> bool:
        """False when it was known already."""
        with self.lock:
            if (session, cell) in self.known:
                return False
            line = json.dumps([session, cell]).encode() + b"\n"
            try:
                if os.pwrite(self.fd, line, self.end) != len(line):
                    raise OSError
            except OSError:
                raise named("host-disk-full", "there is no room to note that this runs, so it was not run") from None
            self.end += len(line)
            self.known.add((session, cell))
            return True


@dataclass
class Cell:
    """One cell of one kernel, from its acceptance on. It stays known after its end: threads may still print for it."""

    id: str
    space: CellSpace = field(default_factory=CellSpace)
    begun_at: float | None = None
    reply_status: str | None = None
    replied_at: float = 0.0
    idle_at: float | None = None
    execution_count: int | None = None
    ended: bool = False
    capped: bool = False
    #: Of its streams: what was printed and is not told yet, because a secret may have begun in it.
    held: dict[str, str] = field(default_factory=dict)

    def duration_ms(self) -> float:
        return round((time.monotonic() - self.begun_at) * 1000, 3) if self.begun_at is not None else 0.0
