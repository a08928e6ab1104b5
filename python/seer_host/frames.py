"""Messages on a byte stream: a `Content-Length` header, an empty line, that many bytes of JSON."""

from __future__ import annotations

import socket
from collections.abc import Iterator

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 4096


class FrameError(Exception):
    """The stream is not made of frames any more; nothing after this can be read."""


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def content_length(header: bytes) -> int:
    for line in header.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            raise FrameError("a header line without a colon")
        if name.strip().lower() == b"content-length":
            digits = value.strip()
            if not digits.isdigit() or len(digits) > 12:
                raise FrameError("Content-Length is not a number")
            if int(digits) > MAX_MESSAGE_BYTES:
                raise FrameError(f"a message of {int(digits)} bytes; the limit is {MAX_MESSAGE_BYTES}")
            return int(digits)
    raise FrameError("no Content-Length")


def read_frames(sock: socket.socket) -> Iterator[bytes]:
    """Yields bodies until the peer closes. A close in mid-message ends it as well: the message was never sent."""
    buffer = bytearray()
    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            if len(buffer) > MAX_HEADER_BYTES:
                raise FrameError("no end of header")
            chunk = sock.recv(65536)
            if not chunk:
                return
            buffer += chunk
        if end > MAX_HEADER_BYTES:
            raise FrameError("a header that is too long")
        length = content_length(bytes(buffer[:end]))
        del buffer[: end + 4]
        while len(buffer) < length:
            chunk = sock.recv(max(65536, length - len(buffer)))
            if not chunk:
                return
            buffer += chunk
        body = bytes(buffer[:length])
        del buffer[:length]
        yield body
