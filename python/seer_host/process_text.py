"""What a process prints to one of its streams, as it is kept: UTF-8 text without secrets, in a file, and bounded.

From the first byte that is not kept on, nothing is: what is kept is the beginning, without holes.
"""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from .redact import Redactor


class KeptText:
    def __init__(self, path: Path, max_bytes: int, redactor: Redactor | None) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.redactor = redactor
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.fd: int | None = None
        #: The end of what was printed, as far as a secret may have begun in it.
        self.held = ""
        self.bytes = 0
        self.lost = 0

    def take(self, data: bytes) -> None:
        if self.lost > 0:
            self.lost += len(data)
            return
        text = self.held + self.decoder.decode(data)
        text, self.held = self.redactor.split(text) if self.redactor else (text, "")
        self._keep(text)

    def end(self) -> None:
        """Nothing will follow: what was held back is told."""
        if self.lost == 0:
            text = self.held + self.decoder.decode(b"", final=True)
            self._keep(self.redactor.text(text) if self.redactor else text)
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def _keep(self, text: str) -> None:
        data = text.encode()
        kept = data[: _whole_characters(data, self.max_bytes - self.bytes)]
        written = self._write(kept)
        self.bytes += written
        if written < len(data):
            waiting = len(self.held.encode()) + len(self.decoder.getstate()[0])
            self.held, self.lost = "", len(data) - written + waiting

    def _write(self, data: bytes) -> int:
        """How much of it is kept. A full disk keeps none of it."""
        if not data:
            return 0
        try:
            if self.fd is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                self.fd = os.open(self.path, flags, 0o600)
            written = 0
            while written < len(data):
                written += os.pwrite(self.fd, data[written:], self.bytes + written)
        except OSError:
            return 0
        return len(data)

    def read(self, at: int, length: int) -> bytes:
        if length <= 0:
            return b""
        with open(self.path, "rb") as file:
            return os.pread(file.fileno(), length, at)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def _whole_characters(data: bytes, at_most: int) -> int:
    """The longest length up to `at_most` that cuts no character in two."""
    if len(data) <= at_most:
        return len(data)
    end = max(0, at_most)
    while end > 0 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end
