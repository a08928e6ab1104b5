"""The kernel's iopub channel, made so that a slow or stopped reader loses nothing and a loss would be seen.

Every message gets its number at the moment it is put on the socket. Messages beyond a size are replaced by a small one
that tells how large they were: one message must fit in the host's memory.
"""

from __future__ import annotations

from typing import Any

from ipykernel.iostream import IOPubThread

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
SEQUENCE = b"seer-seq:"
DELIMITER = b"<IDS|MSG>"


class NumberedIOPub(IOPubThread):  # type: ignore[misc]
    sequence = 0

    def _really_send(self, msg: list[bytes], *args: Any, **kwargs: Any) -> None:
        size = sum(len(part) for part in msg)
        if size > MAX_MESSAGE_BYTES:
            msg = self._too_large(msg, size)
        if self._is_master_process():  # what a forked process publishes comes through here again, in its parent
            self.sequence += 1
            at = msg.index(DELIMITER)
            msg = [*msg[:at], SEQUENCE + str(self.sequence).encode(), *msg[at:]]
        super()._really_send(msg, *args, **kwargs)

    def _too_large(self, msg: list[bytes], size: int) -> list[bytes]:
        at = msg.index(DELIMITER)
        parent = self.session.unpack(bytes(msg[at + 3]))
        lost = self.session.msg("seer_lost", {"bytes": size}, parent={"header": parent})
        lost["parent_header"] = parent
        identities: list[bytes] = list(msg[:at])
        return identities + list(self.session.serialize(lost))
