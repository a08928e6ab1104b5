"""Messages on a byte stream: three lengths, then a head (a JSON object), a body (JSON text), the bytes of arrays."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from .strict_json import BadJson, json_bytes, parse_json

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_DATA_BYTES = 64 * 1024 * 1024
MAX_BUFFERS = 1024

_PREFIX = struct.Struct(">III")
#: The system takes no more pieces than that at once.
_MAX_PIECES = 512

Buffer = bytes | bytearray | memoryview


class FrameError(Exception):
    """The stream is not made of frames any more; nothing after this can be read."""


class Frame(NamedTuple):
    head: dict[str, Any]
    body: bytearray
    #: Each its own, so that an array can be made of one without a copy.
    buffers: list[bytearray]


def send_frame(sock: socket.socket, head: dict[str, Any], body: bytes = b"", buffers: Sequence[Buffer] = ()) -> None:
    sizes = [memoryview(buffer).nbytes for buffer in buffers]
    text = json_bytes({**head, "buffers": sizes} if sizes else head)
    if len(text) > MAX_HEAD_BYTES or len(body) > MAX_BODY_BYTES:
        raise FrameError(f"a head of {len(text)} bytes and a body of {len(body)}: more than a message may have")
    if sum(sizes) > MAX_DATA_BYTES or len(sizes) > MAX_BUFFERS:
        raise FrameError(f"{len(sizes)} arrays of {sum(sizes)} bytes: more than a message may have")
    start = _PREFIX.pack(len(text), len(body), sum(sizes)) + text + body
    _send(sock, [memoryview(part).cast("B") for part in (start, *buffers) if memoryview(part).nbytes])


def read_frame(sock: socket.socket) -> Frame | None:
    """None once the other side has closed, also in the middle of a message: that one was never sent."""
    prefix = _receive(sock, _PREFIX.size)
    if prefix is None:
        return None
    head_bytes, body_bytes, data_bytes = _PREFIX.unpack(prefix)
    if not 0 < head_bytes <= MAX_HEAD_BYTES or body_bytes > MAX_BODY_BYTES or data_bytes > MAX_DATA_BYTES:
        raise FrameError(f"a message that says to be of {head_bytes}, {body_bytes} and {data_bytes} bytes")
    text = _receive(sock, head_bytes)
    if text is None:
        return None
    head = _parse_head(text, data_bytes)
    body = _receive(sock, body_bytes)
    if body is None:
        return None
    buffers: list[bytearray] = []
    for size in head.get("buffers", []):
        buffer = _receive(sock, size)
        if buffer is None:
            return None
        buffers.append(buffer)
    return Frame(head, body, buffers)


def _parse_head(text: bytearray, data_bytes: int) -> dict[str, Any]:
    try:
        head = parse_json(text)
    except BadJson as error:
        raise FrameError(f"a message whose head is not to be read: {error}") from None
    if not isinstance(head, dict):
        raise FrameError("a message whose head is no object")
    sizes = head.get("buffers", [])
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        raise FrameError("a message that does not say how long its arrays are")
    if sum(sizes) != data_bytes or len(sizes) > MAX_BUFFERS:
        raise FrameError(f"a message with {data_bytes} bytes of arrays, and not what it says of them")
    return head


def _receive(sock: socket.socket, size: int) -> bytearray | None:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        try:
            count = sock.recv_into(view)
        except ConnectionResetError:
            return None
        if count == 0:
            return None
        view = view[count:]
    return buffer


def _send(sock: socket.socket, pieces: list[memoryview]) -> None:
    while pieces:
        sent = sock.sendmsg(pieces[:_MAX_PIECES])
        while pieces and sent >= pieces[0].nbytes:
            sent -= pieces[0].nbytes
            del pieces[0]
        if sent:
            pieces[0] = pieces[0][sent:]
