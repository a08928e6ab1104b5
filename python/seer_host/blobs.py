"""Large values, kept as files by the sha256 of their bytes."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from pathlib import Path

from .errors import named

_SHA256 = re.compile(r"[0-9a-f]{64}")


class DiskFull(Exception):
    pass


class Blobs:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder = folder

    def put(self, data: bytes) -> tuple[str, int]:
        """The hash, and how many bytes of disk it took: 0 when it was there. A file with its final name is whole."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.folder / sha256
        if path.exists():
            return sha256, 0
        part = self.folder / f"part-{threading.get_ident()}"
        try:
            with open(part, "wb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise DiskFull from error
        return sha256, len(data)

    def read(self, sha256: str, offset: int, length: int) -> tuple[bytes, int]:
        """A chunk, and the size of the whole."""
        if not _SHA256.fullmatch(sha256):
            raise named("unknown-blob", "not a sha256")
        try:
            with open(self.folder / sha256, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(offset)
                return file.read(length), size
        except FileNotFoundError:
            raise named("unknown-blob", f"there is no blob {sha256}") from None
