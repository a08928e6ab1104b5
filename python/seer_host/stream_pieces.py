"""What byte streams have brought, in one numbered list: a reader names what it has, and that is forgotten."""

from __future__ import annotations

import base64
from collections import deque
from dataclasses import dataclass, field

MAX_PIECE_BYTES = 256 * 1024
MAX_PIECES = 10_000


@dataclass
class Piece:
    """`kind` is `open`, `data` or `end`. A name can stand in JSON as it is."""

    n: int
    connection: str
    kind: str
    listener: str | None = None
    data: bytearray = field(default_factory=bytearray)

    def to_json(self) -> bytes:
        more = b"" if self.listener is None else b',"listener":"%s"' % self.listener.encode()
        if self.kind == "data":
            more = b',"base64":"%s"' % base64.b64encode(self.data)
        return b'{"n":%d,"connection":"%s","kind":"%s"%s}' % (
            self.n,
            self.connection.encode(),
            self.kind.encode(),
            more,
        )


class Pieces:
    def __init__(self) -> None:
        self.last = 0
        #: Up to here a reader may have them, and is to be told the same again: these do not grow any more.
        self.handed_out = 0
        self.kept: deque[Piece] = deque()

    def add(self, connection: str, kind: str, listener: str | None = None) -> Piece:
        self.last += 1
        self.kept.append(Piece(self.last, connection, kind, listener))
        return self.kept[-1]

    def add_data(self, connection: str, chunk: bytes, before: Piece | None) -> Piece:
        """Goes into the piece `before`, the connection's last one, where it can: many small ones cost much memory."""
        fits = before is not None and len(before.data) + len(chunk) <= MAX_PIECE_BYTES
        piece = before if before is not None and fits and before.n > self.handed_out else self.add(connection, "data")
        piece.data += chunk
        return piece

    def forget(self, after: int) -> list[str]:
        """What a reader has. The connections whose end it knows."""
        ended = []
        while self.kept and self.kept[0].n <= after:
            piece = self.kept.popleft()
            if piece.kind == "end":
                ended.append(piece.connection)
        return ended

    def forget_all(self) -> None:
        self.handed_out = self.last
        self.kept.clear()

    def read(self, max_bytes: int) -> bytes:
        """The inside of a JSON array: as many as fit, but one at least where there is one."""
        found: list[bytes] = []
        size = 0
        for piece in self.kept:
            text = piece.to_json()
            if found and (size + len(text) >= max_bytes or len(found) == MAX_PIECES):
                break
            found.append(text)
            size += len(text) + 1
            self.handed_out = max(self.handed_out, piece.n)
        return b",".join(found)
