"""Bounds of byte streams: what floods them, what does not read, what comes with the bytes. Most of it needs no host."""

from __future__ import annotations

import array
import base64
import json
import os
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client import HostFixture
from streams_client import StreamsClient

from seer_host import stream_socket as socket_module
from seer_host import streams as module
from seer_host.config import HostConfig
from seer_host.errors import RpcError
from seer_host.stream_readers import Reader
from seer_host.stream_socket import MAX_OUT_BYTES, WINDOW_BYTES
from seer_host.streams import MAX_ALL_CLIENTS, MAX_CLIENTS, Streams

#: More than a socket holds.
LOTS = 4 * 1024 * 1024


class Held:
    """Streams in this process, and one who reads them."""

    def __init__(self, folder: Path) -> None:
        for name in ("r", "h"):
            (folder / name).mkdir()
        paths: dict[str, Any] = {
            "socket": folder / "h" / "s",
            "state_dir": folder,
            "runtime_dir": folder / "r",
            "workspace": folder,
        }
        rest: dict[str, Any] = {"libraries_dir": None, "python": "python3", "kernel_env": {}, "python_dir": folder}
        times: dict[str, Any] = {"lease_seconds": 1, "deadline_seconds": None, "cell_disk_cap_bytes": 1}
        self.streams = Streams(HostConfig(sandbox="s", wall=None, **paths, **rest, **times))
        self.after = 0
        self.pieces: list[dict[str, Any]] = []

    def read(self, wait: float = 5.0) -> list[dict[str, Any]]:
        answered = threading.Event()
        answers: list[bytes | RpcError] = []

        def reply(answer: bytes | RpcError) -> None:
            answers.append(answer)
            answered.set()

        reader = Reader(self.after, 768 * 1024, time.monotonic() + wait, threading.Event(), reply)
        self.streams.read(reader)
        assert answered.wait(wait + 5)
        assert isinstance(answers[0], bytes)
        found: list[dict[str, Any]] = json.loads(b"[" + answers[0] + b"]")
        self.pieces += found
        self.after = found[-1]["n"] if found else self.after
        return found

    def until(self, ready: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 20
        while not ready():
            assert time.monotonic() < deadline
            self.read(0.2)

    def data(self, name: str) -> bytes:
        found = [base64.b64decode(piece["base64"]) for piece in self.of("data") if piece["connection"] == name]
        return b"".join(found)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [piece for piece in self.pieces if piece["kind"] == kind]

    def ended(self, name: str) -> bool:
        return any(piece["connection"] == name for piece in self.of("end"))


@pytest.fixture
def held() -> Iterator[Held]:
    with tempfile.TemporaryDirectory(prefix="seer-t") as folder:
        one = Held(Path(folder))
        yield one
        one.streams.close_all()


def connect(path: str, timeout: float = 10) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout)
    sock.connect(path)
    return sock


def adopt(held: Held, name: str = "p:x") -> socket.socket:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    held.streams.adopt(name, ours)
    return theirs


def fill(sock: socket.socket) -> int:
    """Until it takes nothing any more for a while. How many bytes it has taken."""
    sock.settimeout(0.3)
    sent = 0
    try:
        while sent < 100 * LOTS:
            sent += sock.send(b"x" * 65536)
    except (TimeoutError, BrokenPipeError):
        pass
    return sent


def wait_for(ready: Callable[[], Any]) -> None:
    """Without reading, which would wake the thread."""
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_bytes_that_nobody_reads_wait_where_they_are_written(held: Held) -> None:
    theirs = adopt(held)
    theirs.sendall(b"x")
    held.until(lambda: len(held.data("p:x")) == 1)
    sent = 1 + fill(theirs)
    assert WINDOW_BYTES <= sent < WINDOW_BYTES + 1024 * 1024
    held.until(lambda: len(held.data("p:x")) == WINDOW_BYTES)
    started = time.process_time()
    assert held.read(0.5) == [], "reading it does not make room: its reader may hold it"
    assert time.process_time() - started < 0.25, "and nobody waits for it in a loop"
    held.streams.allow("p:x", sent + 1)
    held.until(lambda: len(held.data("p:x")) == sent)
    assert held.data("p:x") == b"x" * sent


@pytest.mark.parametrize("more", [0, 500, 100_000])
def test_one_whose_process_has_ended_is_read_and_closed(held: Held, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    """Whoever still holds its other end, and whatever that one still writes."""
    monkeypatch.setattr(socket_module, "LAST_BYTES", 1000)
    theirs = adopt(held)
    theirs.sendall(b"x" * WINDOW_BYTES)
    held.until(lambda: len(held.data("p:x")) == WINDOW_BYTES)
    theirs.sendall(b"y" * more)
    held.streams.finish("p:x")
    assert held.read(0.3) == [], "there may be more"
    held.streams.allow("p:x", 2 * WINDOW_BYTES)
    wait_for(lambda: held.streams.streams["p:x"].ended)
    held.until(lambda: held.ended("p:x"))
    assert len(held.data("p:x")) == WINDOW_BYTES + min(more, 1000)
    assert fill(theirs) == 0


def test_one_that_is_full_does_not_hinder_the_others(held: Held) -> None:
    fill(adopt(held, "p:full"))
    other = adopt(held, "p:other")
    for _ in range(3):
        other.sendall(b"y" * 100_000)
    held.until(lambda: len(held.data("p:other")) == 300_000)


def test_many_small_pieces_become_few_large_ones(held: Held) -> None:
    theirs = adopt(held)
    for _ in range(20_000):
        theirs.sendall(b"x")
    wait_for(lambda: held.streams.streams["p:x"].received == 20_000)
    assert len(held.streams.pieces.kept) == 1
    first = held.read()
    assert held.data("p:x") == b"x" * 20_000
    held.after = 0
    theirs.sendall(b"y")
    again = held.read()
    assert again[0] == first[0], "one that was handed out does not grow"


def test_so_many_connections_at_once_and_not_more(held: Held) -> None:
    path = held.streams.listen("s1")
    other = held.streams.listen("s2")
    before = fds()
    socks = [connect(path) for _ in range(MAX_CLIENTS)]
    held.until(lambda: len(held.of("open")) == MAX_CLIENTS)
    refused = [connect(path) for _ in range(40)]
    assert all(sock.recv(1) == b"" for sock in refused)
    assert fds() - before <= 2 * MAX_CLIENTS + 40 + 5
    last = connect(other)
    held.until(lambda: held.of("open")[-1]["listener"] == "s2")
    last.close()
    # Those that have ended count until their end was read: who connects in a loop fills no memory.
    for sock in [*socks, *refused]:
        sock.close()
    wait_for(lambda: held.streams.pieces.last == 2 * MAX_CLIENTS + 2)
    assert connect(path).recv(1) == b""
    held.until(lambda: len(held.of("end")) == MAX_CLIENTS + 1)
    held.read(0)
    with connect(path) as sock:
        sock.sendall(b"again")
        held.until(lambda: held.data(held.of("open")[-1]["connection"]) == b"again")
    names = [piece["connection"] for piece in held.of("open")]
    assert len(set(names)) == len(names)


def test_who_connects_in_a_loop_fills_no_memory(held: Held) -> None:
    paths = [held.streams.listen(f"s{number}") for number in range(4)]
    stop = time.monotonic() + 1.5

    def flood(path: str) -> None:
        while time.monotonic() < stop:
            try:
                with connect(path) as sock:
                    sock.send(b"x" * 1000)
            except OSError:
                pass

    threads = [threading.Thread(target=flood, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    theirs = adopt(held)
    theirs.sendall(b"still")
    for thread in threads:
        thread.join()
    assert len(held.streams.streams) <= MAX_ALL_CLIENTS + 1
    assert len(held.streams.pieces.kept) <= 3 * MAX_ALL_CLIENTS + 1
    held.until(lambda: held.data("p:x") == b"still")


def test_without_descriptors_it_waits_and_goes_on(held: Held) -> None:
    path = held.streams.listen("s1")
    theirs = adopt(held)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    sock = socket.socket(socket.AF_UNIX)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        sock.connect(path)
        started = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - started < 0.25, "it does not try again and again"
        theirs.sendall(b"x")
        held.until(lambda: held.data("p:x"))
        assert held.of("open") == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    held.until(lambda: held.of("open"))


def test_what_is_not_taken_is_kept_up_to_a_bound(held: Held) -> None:
    theirs = adopt(held)
    accepted = 0
    while (taken := held.streams.write("p:x", accepted, b"x" * 500_000)) > accepted:
        accepted = taken
    assert MAX_OUT_BYTES <= accepted < MAX_OUT_BYTES + 1024 * 1024
    got = 0
    while got < accepted:
        got += len(theirs.recv(1 << 20))
    assert held.streams.write("p:x", accepted, b"yz") == accepted + 2
    assert theirs.recv(9) == b"yz"
    assert held.streams.out_bytes == 0


def test_all_together_keep_no_more_than_a_bound(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OUT_BYTES", 1_500_000)
    ends = [adopt(held, f"p:{number}") for number in range(4)]
    for number in range(4):
        accepted = 0
        while (taken := held.streams.write(f"p:{number}", accepted, b"x" * 500_000)) > accepted:
            accepted = taken
    assert held.streams.out_bytes == 1_500_000
    # The last has no room, and is served as long as it reads.
    while ends[3].recv(1 << 20, socket.MSG_DONTWAIT if accepted == 0 else 0):
        more = held.streams.write("p:3", accepted, b"y" * 1000)
        if more > accepted:
            break
    assert more > accepted
    for number in range(4):
        held.streams.close(f"p:{number}")
        ends[number].close()
    held.until(lambda: all(held.ended(f"p:{number}") for number in range(4)))
    assert held.streams.out_bytes == 0


def test_closed_it_first_writes_what_it_has(held: Held) -> None:
    theirs = adopt(held)
    accepted = held.streams.write("p:x", 0, b"x" * 1_000_000)
    for _ in range(2):
        held.streams.close("p:x")
    with pytest.raises(RpcError) as failure:
        held.streams.write("p:x", accepted, b"more")
    assert failure.value.name == "unknown-stream"
    theirs.sendall(b"is not heard any more")
    got = b""
    while chunk := theirs.recv(1 << 20):
        got += chunk
        if len(got) == accepted:
            break
    assert got == b"x" * accepted
    held.until(lambda: held.ended("p:x"))
    assert held.data("p:x") == b""


def test_closed_it_does_not_wait_for_ever(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.2)
    theirs = adopt(held)
    held.streams.write("p:x", 0, b"x" * 1_000_000)
    held.streams.close("p:x")
    wait_for(lambda: held.streams.out_bytes == 0)
    held.until(lambda: held.ended("p:x"))
    theirs.close()


def test_writing_to_one_that_has_gone(held: Held) -> None:
    theirs = adopt(held)
    theirs.sendall(b"last words")
    fill(theirs)
    theirs.close()
    with pytest.raises(RpcError) as failure:
        for _ in range(3):
            held.streams.write("p:x", 0, b"x")
    assert failure.value.name == "unknown-stream"
    held.streams.allow("p:x", 100 * LOTS)
    held.until(lambda: held.ended("p:x"))
    assert held.data("p:x").startswith(b"last words") and held.streams.thread is not None
    assert held.streams.thread.is_alive()


def test_half_of_a_connection_is_none(held: Held) -> None:
    path = held.streams.listen("s1")
    with connect(path) as sock:
        sock.sendall(b"x")
        sock.shutdown(socket.SHUT_WR)
        held.until(lambda: held.of("end"))
        assert sock.recv(1) == b""
    deaf = connect(path)
    deaf.shutdown(socket.SHUT_RD)
    held.until(lambda: len(held.of("open")) == 2)
    with pytest.raises(RpcError):
        held.streams.write(held.of("open")[1]["connection"], 0, b"x")
    deaf.sendall(b"y")
    held.until(lambda: held.data(held.of("open")[1]["connection"]) == b"y")


def test_what_comes_with_the_bytes_is_thrown_away(held: Held) -> None:
    path = held.streams.listen("s1")
    with connect(path) as sock, open(os.devnull) as file:
        held.until(lambda: held.of("open"))
        before = fds()
        for _ in range(50):
            rights = array.array("i", [file.fileno()] * 50)
            sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        name = held.of("open")[0]["connection"]
        held.until(lambda: len(held.data(name)) == 50)
        assert fds() < before + 10
        try:
            sock.send(b"o", socket.MSG_OOB)
        except OSError:
            pass  # older systems know no such thing for these sockets
        started = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - started < 0.2
        sock.sendall(b"after")
        held.until(lambda: held.data(name).endswith(b"after"))


def test_a_peer_that_does_not_read_its_answers_hinders_nobody(make_host: Callable[..., HostFixture]) -> None:
    host = make_host()
    client = host.client()
    streams = StreamsClient(client)
    path = streams.listen("s1")
    with socket.socket(socket.AF_UNIX) as deaf, connect(path) as one, connect(path) as two:
        deaf.connect(host.config["socket"])
        names = [streams.opened("s1"), streams.opened("s1", before=1)]
        params = {"after": 2, "maxBytes": 2**20, "waitMs": 60_000}
        for id in range(10):
            body = json.dumps({"jsonrpc": "2.0", "id": id, "method": "stream/read", "params": params}).encode()
            deaf.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            if id == 5:  # these wait for it, the others come later: their answers are more than fits into the socket
                time.sleep(0.5)
                for sock in (one, two):
                    threading.Thread(target=sock.sendall, args=(b"z" * 700_000,), daemon=True).start()
                time.sleep(0.5)
        streams.until(lambda: all(len(streams.data[name]) == 700_000 for name in names))
        streams.write(names[0], b"for one")
        assert one.recv(99) == b"for one"
        client.request("stream/unlisten", listener="s1")
        assert two.recv(1) == b""
