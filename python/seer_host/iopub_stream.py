"""Reads a kernel's iopub socket without libzmq: the subscriber's side of ZMTP 3.0 over a unix socket.

libzmq's own SUB socket has either no bound on memory, or, with a high-water mark, drops what waits in the system's
buffer when the kernel dies (tried: 27 of 150 messages came). Here each byte that has reached this side is read, one
message is held at a time, and a message beyond a limit is skipped and its size told, before memory is taken for it.
"""

from __future__ import annotations

import socket

GREETING_BYTES = 64
_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY = b"\x05READY" + b"\x0bSocket-Type" + (3).to_bytes(4, "big") + b"SUB"
_SUBSCRIBE_TO_ALL = b"\x00\x01\x01"
MORE, LONG, COMMAND = 1, 2, 4
READ_BYTES = 256 * 1024
MAX_FRAMES = 1000

#: A message; or the size of one that was too large; or nothing yet.
Received = list[bytes] | int | None


class IopubStream:
    def __init__(self, path: str, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.ended = False
        self._closed = False
        self._buffer = bytearray()
        self._frames: list[bytes] = []
        self._size = 0
        self._greeted = False
        self._over = False
        self._left_to_skip = 0
        self._flags = 0
        try:
            self.sock.connect(path)
            self.sock.sendall(_GREETING)
        except OSError:
            self.sock.close()
            raise
        self.sock.setblocking(False)

    def fileno(self) -> int:
        return self.sock.fileno()

    def close(self) -> None:
        self.ended = True
        self.sock.close()

    def next(self) -> Received:
        """Never waits. `ended` is set when the other side has closed and everything it had sent was returned."""
        while not self.ended:
            while self._step():
                if not self._flags & MORE and (received := self._take()) is not None:
                    return received
            if self._closed:
                self.ended = True
                break
            try:
                chunk = self.sock.recv(READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                chunk = b""
            self._closed = self._closed or not chunk
            self._buffer += chunk
        return None

    def _step(self) -> bool:
        """Consumes the greeting or one whole frame from the buffer; False when more bytes are needed."""
        buffer = self._buffer
        if not self._greeted:
            if len(buffer) < GREETING_BYTES:
                return False
            del buffer[:GREETING_BYTES]
            self._greeted = True
            # Not sooner: libzmq closes a connection on which this came together with the greeting.
            self._send(bytes([COMMAND, len(_READY)]) + _READY + _SUBSCRIBE_TO_ALL)
        if self._left_to_skip:
            skipped = min(self._left_to_skip, len(buffer))
            del buffer[:skipped]
            self._left_to_skip -= skipped
            return self._left_to_skip == 0
        header = 9 if buffer and buffer[0] & LONG else 2
        if len(buffer) < header:
            return False
        length = int.from_bytes(buffer[1:header], "big")
        self._over = self._over or self._size + length > self.max_message_bytes or len(self._frames) >= MAX_FRAMES
        if self._over:
            self._flags, self._left_to_skip = buffer[0], length
            self._size += length
            self._frames = []
            del buffer[:header]
            return self._step() if length else True
        if len(buffer) < header + length:
            return False
        self._flags = buffer[0]
        self._size += length
        self._frames.append(bytes(memoryview(buffer)[header : header + length]))
        del buffer[: header + length]
        return True

    def _send(self, data: bytes) -> None:
        try:
            self.sock.send(data)  # some forty bytes, into an empty buffer
        except OSError:
            pass  # it has closed already; what it had sent is still read

    def _take(self) -> Received:
        received: Received = self._size if self._over else self._frames
        self._frames, self._size, self._over = [], 0, False
        return None if self._flags & COMMAND else received
