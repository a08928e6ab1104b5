"""One byte stream: a client that has connected, or the stdin of a process. All of it under the lock of `Streams`."""

from __future__ import annotations

import socket

from .stream_pieces import Piece
from .stream_poller import READ, WRITE

#: It may bring so much until its reader allows more. What is beyond waits in the system, and so does who writes it.
WINDOW_BYTES = 512 * 1024
#: What its other side has not taken yet.
MAX_OUT_BYTES = 1024 * 1024
#: Of a process that has ended: as much as a socket can hold. What it left in the background may go on writing.
LAST_BYTES = 1024 * 1024


class Stream:
    def __init__(self, name: str, sock: socket.socket, listener: str | None = None) -> None:
        sock.setblocking(False)
        self.name = name
        self.sock = sock
        self.watched = 0
        #: Where it came in; None for a process.
        self.listener = listener
        self.received = 0
        self.allowed = WINDOW_BYTES
        #: Its last piece, which may still grow.
        self.tail: Piece | None = None
        #: How many bytes it has taken from Seer in all, and which of them its other side has not.
        self.accepted = 0
        self.out = bytearray()
        #: Its other side takes nothing any more.
        self.deaf = False
        #: Seer has closed it: so long it may take until all is written.
        self.closing_until: float | None = None
        #: Its process has ended: so much more is read, at most.
        self.last_bytes: int | None = None
        self.ended = False

    @property
    def takes(self) -> bool:
        return not (self.ended or self.deaf or self.closing_until is not None)

    @property
    def is_written(self) -> bool:
        """It was closed by Seer, and nothing is left to do."""
        return self.closing_until is not None and not self.out

    @property
    def wanted(self) -> int:
        if self.ended:
            return 0
        reads = self.closing_until is None and self.received < self.allowed
        return (READ if reads else 0) | (WRITE if self.out else 0)

    def close_until(self, time: float) -> None:
        self.closing_until = self.closing_until or time

    def expect_no_more(self) -> None:
        self.last_bytes = LAST_BYTES if self.last_bytes is None else self.last_bytes

    def receive(self, at_most: int) -> bytes | None:
        """None: nothing now. Empty: nothing any more."""
        room = min(at_most, self.allowed - self.received)
        if self.closing_until is not None or room <= 0:
            return None
        try:
            chunk = self.sock.recv(room)  # descriptors that come with it are closed by the system
        except (BlockingIOError, InterruptedError):
            return None if self.last_bytes is None else b""
        except OSError:
            return b""
        if self.last_bytes is not None:
            chunk = chunk[: self.last_bytes]
            self.last_bytes -= len(chunk)
        self.received += len(chunk)
        return chunk

    def write(self, data: memoryview, room: int) -> int:
        """Sends what can be sent now, and keeps of the rest what fits into `room`. How many bytes it has kept."""
        sent = 0 if self.out else self._send(data)
        kept = 0 if self.deaf else max(0, min(len(data) - sent, MAX_OUT_BYTES - len(self.out), room))
        self.out += data[sent : sent + kept]
        self.accepted += sent + kept
        return kept

    def flush(self) -> int:
        """How many bytes less it keeps."""
        before = len(self.out)
        del self.out[: self._send(self.out)]
        if self.deaf:
            self.out.clear()
        return before - len(self.out)

    def _send(self, data: memoryview | bytearray) -> int:
        try:
            return self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.deaf = True  # what it has said is still read, and then its end
            return 0
