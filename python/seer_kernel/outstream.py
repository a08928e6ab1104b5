"""stdout and stderr of the kernel: in pieces of a bounded size, and without an echo to the log of the process."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from typing import Any

from ipykernel.iostream import OutStream

PIECE_BYTES = 256 * 1024
READ_BYTES = 64 * 1024


def pieces(text: str) -> Iterator[str]:
    """Cuts so that no piece has more than PIECE_BYTES as UTF-8, never inside a character."""
    step = PIECE_BYTES if text.isascii() else PIECE_BYTES // 4
    for start in range(0, len(text), step):
        yield text[start : start + step]


class PiecewiseOutStream(OutStream):  # type: ignore[misc]
    def _flush_buffers(self) -> Iterator[tuple[dict[str, Any], str]]:
        for parent, text in super()._flush_buffers():
            for piece in pieces(text):
                yield parent, piece

    def _watch_pipe_fd(self) -> None:
        """What subprocesses and native code write to the file descriptor. Characters may be split between reads."""
        if self._fid is None:
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while self._should_watch and (raw := os.read(self._fid, READ_BYTES)):
                if text := decoder.decode(raw):
                    self.write(text)
        except Exception:  # noqa: BLE001 - as in ipykernel: told when the stream is closed
            self._exc = sys.exc_info()
