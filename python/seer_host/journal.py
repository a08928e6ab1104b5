"""The sandbox's journal: one numbered JSON line per record in an append-only file, and the places where lines begin.

Only the places are held in memory. A disk that is full costs outputs, which the caller counts, but never the records
that say how things ended: room for those is kept in a reserve file.
"""

from __future__ import annotations

import os
import threading
import time
from array import array
from bisect import bisect_right
from pathlib import Path
from typing import Any

from .log import log
from .text import encode_json

MAX_LINE_BYTES = 200 * 1024
RESERVE_BYTES = 256 * 1024
PROBE_BYTES = 1024 * 1024


class Journal:
    def __init__(self, folder: Path) -> None:
        self.changed = threading.Condition()
        self.fd = os.open(folder / "journal.jsonl", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.starts = array("Q")
        self.end = 0
        self.full = False
        self.held_back: list[bytes] = []
        self.reserve = folder / "reserve"
        self._load()
        self._take_reserve()

    @property
    def last_seq(self) -> int:
        return len(self.starts)

    def _load(self) -> None:
        """Finds the lines of an earlier host, and cuts off a torn last one."""
        offset = 0
        while chunk := os.pread(self.fd, 1 << 20, offset):
            at = 0
            while (newline := chunk.find(b"\n", at)) >= 0:
                self.starts.append(self.end)
                at = newline + 1
                self.end = offset + at
            offset += len(chunk)
        os.ftruncate(self.fd, self.end)

    def append(self, record: dict[str, Any], must: bool = False) -> bool:
        """Numbers and writes a record. False: the disk is full and this was not one that must be told."""
        body = encode_json(record)[1:]
        if len(body) > MAX_LINE_BYTES:
            raise ValueError(f"a record of {len(body)} bytes")
        with self.changed:
            if not self.full and self._write(body):
                self.changed.notify_all()
                return True
            self.disk_is_full()
            if not must:
                return False
            self.held_back.append(body)
            self._flush()
            return True

    def disk_is_full(self) -> None:
        """Also for the writer of blobs to say. Outputs are counted and not kept until there is room again."""
        if not self.full:
            log("the disk is full: outputs are counted and not kept")
            self.full = True

    def _write(self, body: bytes) -> bool:
        line = b'{"seq":%d,"at":%d,%s\n' % (self.last_seq + 1, time.time_ns() // 1_000_000, body)
        try:
            written = os.pwrite(self.fd, line, self.end)
            while written < len(line):
                written += os.pwrite(self.fd, line[written:], self.end + written)
        except OSError:
            try:
                os.ftruncate(self.fd, self.end)  # what comes next is written from `end` in any case
            except OSError:
                pass
            return False
        self.starts.append(self.end)
        self.end += len(line)
        return True

    def _flush(self) -> None:
        while self.held_back:
            if not self._write(self.held_back[0]):
                if not self.reserve.exists():
                    return
                self.reserve.unlink(missing_ok=True)
                continue
            del self.held_back[0]
        self.changed.notify_all()

    def _take_reserve(self) -> bool:
        try:
            if not (self.reserve.exists() and self.reserve.stat().st_size == RESERVE_BYTES):
                self.reserve.write_bytes(b"\xff" * RESERVE_BYTES)
            return True
        except OSError:
            self.reserve.unlink(missing_ok=True)
            return False

    def tick(self) -> None:
        """When the disk was full: whether there is room again."""
        with self.changed:
            if self.full:
                self._flush()
                if not self.held_back and self._take_reserve() and self._probe():
                    log("the disk has room again")
                    self.full = False

    def _probe(self) -> bool:
        """Whether there is room to go on with, and the journal itself may grow."""
        try:
            return os.pwrite(self.fd, b" " * PROBE_BYTES, self.end) == PROBE_BYTES
        except OSError:
            return False
        finally:
            os.ftruncate(self.fd, self.end)

    def read(self, after: int, max_bytes: int) -> bytes:
        """The records from `after` on as the inside of a JSON array: as many as fit, but one at least."""
        with self.changed:
            if after >= self.last_seq:
                return b""
            start = self.starts[after]
            if self.end - start <= max_bytes:
                stop = self.end
            else:
                last = bisect_right(self.starts, start + max_bytes, after + 1) - 1
                stop = self.starts[max(last, after + 1)] if after + 1 < self.last_seq else self.end
        # A JSON line has no raw newline inside, so this makes the array without parsing anything.
        return os.pread(self.fd, stop - start, start)[:-1].replace(b"\n", b",")
