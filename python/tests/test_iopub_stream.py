"""Our reader of iopub against libzmq's own publisher, and against bytes as they may come."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from seer_host.iopub_stream import IopubStream, Received


def received(stream: IopubStream, count: int, seconds: float = 5) -> list[Received]:
    got: list[Received] = []
    deadline = time.monotonic() + seconds
    while len(got) < count and not stream.ended and time.monotonic() < deadline:
        item = stream.next()
        if item is None:
            time.sleep(0.005)
        else:
            got.append(item)
    return got


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[tuple[zmq.Socket[bytes], str]]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sock = context.socket(zmq.XPUB)
    sock.setsockopt(zmq.SNDHWM, 0)
    sock.linger = 0
    sock.bind(f"ipc://{tmp_path}/s")
    yield sock, f"{tmp_path}/s"
    sock.close()
    context.term()


def subscribed(publisher: tuple[zmq.Socket[bytes], str], limit: int = 1 << 20) -> IopubStream:
    stream = IopubStream(publisher[1], limit)
    for _ in range(100):
        assert stream.next() is None
        if publisher[0].poll(20):
            assert publisher[0].recv() == b"\x01"
            return stream
    raise AssertionError("no subscription")


def test_messages_of_all_sizes(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    stream = subscribed(publisher)
    sent = [[b"topic", os.urandom(size), b""] for size in (0, 1, 254, 255, 256, 65_535, 65_536, 900_000)] * 5
    for message in sent:
        publisher[0].send_multipart(message)
    assert received(stream, len(sent)) == sent


def test_a_message_beyond_the_limit_is_skipped_and_told(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    stream = subscribed(publisher, limit=10_000)
    publisher[0].send_multipart([b"a" * 5000, b"b" * 5000, b"c" * 500_000, b"", b"d" * 20_000, b"e"])
    publisher[0].send_multipart([b"x" * 2000] * 9)
    publisher[0].send_multipart([b""] * 1500)
    publisher[0].send(b"next")
    first, second, third, last = received(stream, 4)
    assert (first, second, last) == (530_001, 18_000, [b"next"]) and isinstance(third, int)


def test_nothing_is_lost_while_nobody_reads(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    stream = subscribed(publisher)
    for number in range(20_000):
        publisher[0].send_multipart([b"t", b"%d" % number, b"x" * 100])
    time.sleep(0.5)
    got = received(stream, 20_000, 30)
    assert [item[1] for item in got if isinstance(item, list)] == [b"%d" % number for number in range(20_000)]


def test_byte_by_byte_and_a_torn_end(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{tmp_path}/s")
    listener.listen()
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL".ljust(23, b"\0") + bytes(32)
    ready = b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04XPUB"
    data = greeting[:64] + ready + b"\x01\x01a" + b"\x02" + (3).to_bytes(8, "big") + b"bcd" + b"\x00\x02e"

    def send() -> None:
        peer, _ = listener.accept()
        for byte in data:
            peer.send(bytes([byte]))
            time.sleep(0.001)
        peer.close()

    thread = threading.Thread(target=send)
    thread.start()
    stream = IopubStream(f"{tmp_path}/s", 1000)
    assert received(stream, 2) == [[b"a", b"bcd"]] and stream.ended
    thread.join()


def test_what_was_sent_before_the_end_is_returned(tmp_path: Path) -> None:
    """As when a kernel is killed: the bytes that reached our side are all there."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{tmp_path}/s")
    listener.listen()
    stream = IopubStream(f"{tmp_path}/s", 1000)
    peer, _ = listener.accept()
    peer.sendall(b"\xff" + bytes(63) + b"\x00\x01a" * 20_000)
    peer.close()
    assert received(stream, 30_000) == [[b"a"]] * 20_000
