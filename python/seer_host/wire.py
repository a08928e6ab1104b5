"""The Jupyter wire format: signed multipart messages. Only what the host needs of jupyter_client's Session."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .text import encode_json, parse_json

DELIMITER = b"<IDS|MSG>"
SEQUENCE = b"seer-seq:"


Frames = Sequence[bytes]


class BadMessage(Exception):
    """Not a message of this kernel."""


@dataclass(frozen=True)
class Message:
    kind: str
    id: str
    parent: str | None
    content: dict[str, Any]
    sequence: int | None
    bytes: int
    #: Bytes that go with the content. They are not signed.
    buffers: Frames = ()


class Wire:
    """Signs and checks with one kernel's key."""

    def __init__(self, key: str) -> None:
        self.key = key.encode()
        self.session = uuid.uuid4().hex
        self.count = 0

    def _sign(self, parts: list[bytes]) -> bytes:
        digest = hmac.new(self.key, digestmod="sha256")
        for part in parts:
            digest.update(part)
        return digest.hexdigest().encode()

    def request(self, kind: str, content: dict[str, Any], subshell: str | None = None) -> tuple[str, list[bytes]]:
        """The new message's id, and its parts."""
        self.count += 1
        id = f"{self.session}_{self.count}"
        header = {
            "msg_id": id,
            "msg_type": kind,
            "session": self.session,
            "username": "seer",
            "date": datetime.now(timezone.utc).isoformat(),
            "version": "5.4",
            **({} if subshell is None else {"subshell_id": subshell}),
        }
        parts = [encode_json(header), b"{}", b"{}", encode_json(content)]
        return id, [DELIMITER, self._sign(parts), *parts]

    def parse(self, frames: list[bytes]) -> Message:
        size = sum(map(len, frames))
        try:
            at = frames.index(DELIMITER)
        except ValueError:
            raise BadMessage("no delimiter") from None
        if len(frames) < at + 6:
            raise BadMessage("too few parts")
        signed = frames[at + 2 : at + 6]
        if not hmac.compare_digest(frames[at + 1], self._sign(signed)):
            raise BadMessage("a wrong signature")
        try:
            header, parent, content = (parse_json(signed[part]) for part in (0, 1, 3))
        except ValueError as error:
            raise BadMessage("not JSON") from error
        if not (isinstance(header, dict) and isinstance(parent, dict) and isinstance(content, dict)):
            raise BadMessage("not objects")
        kind, id, parent_id = header.get("msg_type"), header.get("msg_id"), parent.get("msg_id")
        if not isinstance(kind, str) or not isinstance(id, str):
            raise BadMessage("no type or id")
        return Message(
            kind,
            id,
            parent_id if isinstance(parent_id, str) else None,
            content,
            _sequence(frames[:at]),
            size,
            frames[at + 6 :],
        )


def _sequence(identities: list[bytes]) -> int | None:
    """Our kernel module numbers what it puts on iopub, at the moment it does, in an identity frame of its own."""
    for frame in identities:
        digits = frame[len(SEQUENCE) :]
        if frame.startswith(SEQUENCE) and digits.isdigit() and len(digits) < 16:
            return int(digits)
    return None


class Gaps:
    """Finds what is missing in, or comes twice of, a kernel's numbered messages."""

    def __init__(self) -> None:
        self.last: int | None = None

    def missing(self, sequence: int | None) -> int:
        """How many messages are missing before this one; -1 for one that had come already."""
        if sequence is None:
            return 0
        if self.last is None:
            self.last = sequence
            return 0
        if sequence <= self.last:
            return -1
        missing, self.last = sequence - self.last - 1, sequence
        return missing
