"""Code that means ill at the proxy's socket: floods, things that are no request, connections that are never let go."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import replace

import pytest
from network_place import OWN, PUBLIC, in_namespace
from network_try import OPEN, Names, Server, Tried, all_of, open_files, proxy, rules

from seer_host.network_proxy import Bounds

QUICK = Bounds(pause_seconds=0.0005)


def memory_bytes() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024


#: Spellings of 127.0.0.1, of this machine's public address and of a cloud's keys, as hosts of a request.
DISGUISES = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "127.0.0.1.",
    "127.0.0.01",
    "localhost",
    "LOCALHOST.",
    "localhost..",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[::1%lo]",
    "[fe80::1%1]",
    OWN,
    f"[::ffff:{OWN}]",
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "127.0.0.1%00.example.org",
    "example.org@127.0.0.1",
    "１２７.0.0.1",
]


@in_namespace
@pytest.mark.parametrize("allowed", ["open", "by name"])
def test_this_machine_in_disguise(allowed: str) -> None:
    """With the system's own resolver, which understands most of these."""

    def system(host: str, port: int) -> list[str]:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

    with Server("0.0.0.0") as bait, Server("::", bait.port) as bait6:
        named = [text.strip("[]") for text in DISGUISES if "%" not in text and "@" not in text and text.isascii()]
        some = OPEN if allowed == "open" else rules("localhost", *(text for text in named if text.count(":") > 1))
        with proxy(some, system) as tried:
            statuses = {
                text: tried.say(f"CONNECT {text}:{bait.port} HTTP/1.1\r\n\r\n".encode())[9:12] for text in DISGUISES
            }
            assert {text: status for text, status in statuses.items() if status not in (b"403", b"400")} == {}
            assert bait.reached + bait6.reached == 0
        reaching = ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "0", OWN]
        for text in reaching:
            assert socket.create_connection((text, bait.port), timeout=5).recv(6) == b"hello\n", f"the control: {text}"


@in_namespace
@pytest.mark.parametrize(
    "data",
    [
        b"CONNECT {there} HTTP/1.1\r\nHost: {bait}\r\n\r\nCONNECT {bait} HTTP/1.1\r\n\r\n",
        b"CONNECT {there} HTTP/1.1\r\nContent-Length: 0\r\n\r\nCONNECT {bait} HTTP/1.1\r\n\r\n",
        b"CONNECT {there} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nCONNECT {bait} HTTP/1.1\r\n\r\n",
    ],
)
def test_a_second_request_goes_to_the_server_that_was_connected(data: bytes) -> None:
    with Server(PUBLIC) as server, Server("127.0.0.1") as bait, proxy(OPEN) as tried, tried.connection() as sock:
        for name, address, port in ((b"{there}", PUBLIC, server.port), (b"{bait}", "127.0.0.1", bait.port)):
            data = data.replace(name, f"{address}:{port}".encode())
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        said = all_of(sock)
        assert said.startswith(b"HTTP/1.1 200 Connected\r\n\r\nhello\n")
        assert said.endswith(data.partition(b"\r\n\r\n")[2]), "the server gave it back"
        assert (server.reached, bait.reached) == (1, 0) and len(tried.records) == 1


@in_namespace
@pytest.mark.parametrize(
    "target",
    [
        "{there}\r\nX: y",
        "{there} HTTP/1.1\r\n\r\nCONNECT {bait}",
        "a.example\r\nHost: {bait}",
        "{bait}#@{there}",
        "{there}\t{bait}",
        "{bait}\0.{there}",
        "{there}/../{bait}",
        "a.example:443\\@{bait}",
    ],
)
def test_line_ends_and_other_places_in_a_name(target: str) -> None:
    with Server(PUBLIC) as server, Server("127.0.0.1") as bait, proxy(rules("a.example"), Names()) as tried:
        text = target.format(there=f"{PUBLIC}:{server.port}", bait=f"127.0.0.1:{bait.port}")
        said = tried.say(f"CONNECT {text} HTTP/1.1\r\n\r\n".encode())
        assert said[9:12] in (b"400", b"403")
        assert said.count(b"HTTP/1.1 ") == 1, "one answer to one request"
        assert (server.reached, bait.reached) == (0, 0)
        for record in tried.records:
            assert record["host"].isprintable() and not record["allowed"]


def test_what_is_no_request() -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "host/shutdown", "params": {}}).encode()
    with proxy(OPEN) as tried:
        for data, status in {
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body): b"400",
            body + b"\n\r\n\r\n": b"400",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": b"400",
            b"\x05\x01\x00\r\n\r\n": b"400",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": b"400",
            b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n": b"405",
            b"\r\n\r\n": b"400",
        }.items():
            assert tried.say(data)[9:12] == status, data
        with tried.connection() as sock:
            sock.sendall(b"\x00" * 100)
            sock.shutdown(socket.SHUT_WR)
            assert all_of(sock)[9:12] == b"400"
        assert {record["host"] for record in tried.records} == {"?"}


def test_headers_without_end() -> None:
    with proxy(OPEN) as tried:
        before = memory_bytes()
        for start in (b"", b"CONNECT 1.1.1.1:443 HTTP/1.1\r\n", b"CONNECT "):
            with tried.connection() as sock:
                try:
                    sock.sendall(start)
                    for _ in range(2000):
                        sock.sendall(b"X: " + b"y" * 65_000 + b"\r\n")
                    raise AssertionError("it took 130 MB of headers")
                except (BrokenPipeError, ConnectionResetError):
                    pass
                assert all_of(sock)[9:12] == b"431"
        assert memory_bytes() - before < 20e6
        long = b"CONNECT 127.0.0.1:443 HTTP/1.1\r\nX: " + b"y" * (QUICK.head_bytes - 100) + b"\r\n\r\n"
        assert tried.say(long)[9:12] == b"403", "the control: one that fits is read"


@in_namespace
def test_slow_requests_take_no_place_for_long() -> None:
    bounds = replace(QUICK, connections=8, head_seconds=1.0)
    with Server(PUBLIC) as server, proxy(OPEN, bounds=bounds) as tried:
        slow = [tried.connection() for _ in range(7)]
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.05):
                for sock in slow:
                    try:
                        sock.send(b"C")
                    except OSError:
                        continue

        dripping = threading.Thread(target=drip)
        dripping.start()
        started = time.monotonic()
        assert tried.status(f"{PUBLIC}:{server.port}") == 200, "meanwhile another is served"
        assert time.monotonic() - started < 0.9
        for sock in slow:
            assert all_of(sock)[9:12] == b"408"
        assert 0.5 < time.monotonic() - started < 3
        stop.set()
        dripping.join()


@in_namespace
def test_only_so_many_connections_at_once() -> None:
    with Server(PUBLIC) as server, proxy(OPEN, bounds=replace(QUICK, connections=4)) as tried:
        held = [tried.ask(f"{PUBLIC}:{server.port}") for _ in range(4)]
        assert [status for status, _ in held] == [200] * 4
        with tried.connection() as sock:
            assert all_of(sock).startswith(b"HTTP/1.1 503 Seer: there are 4 connections already\r\n")
        held.pop()[1].close()
        deadline = time.monotonic() + 5
        while tried.status(f"{PUBLIC}:{server.port}") != 200:
            assert time.monotonic() < deadline


@in_namespace
def test_ten_thousand_connections() -> None:
    with Server(PUBLIC) as server, proxy(OPEN, bounds=replace(QUICK, pause_seconds=0)) as tried:
        files, memory = open_files(), memory_bytes()
        for n in range(10_000):
            with tried.connection() as sock:
                sock.send(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % (n % 50_000 + 1))
        assert tried.status(f"{PUBLIC}:{server.port}") == 200
        assert len(tried.records) <= 1000
        assert open_files() - files < 20 and memory_bytes() - memory < 50e6


@in_namespace
def test_a_flood_at_once_costs_no_more_than_its_bound() -> None:
    """As many as this process may open, all kept open, and the proxy in the same process still has descriptors."""
    bounds = replace(QUICK, connections=64, head_seconds=2, pause_seconds=0)
    with Server(PUBLIC) as server, proxy(OPEN, bounds=bounds) as tried:
        before = open_files()
        flood = [tried.connection() for _ in range(300)]
        time.sleep(0.3)
        assert open_files() - before - len(flood) <= 64 + 10
        answers = [sock for sock in flood if turned_away(sock)]
        assert 200 < len(answers) <= 300 - 64
        for sock in flood:
            sock.close()
        deadline = time.monotonic() + 5
        while tried.status(f"{PUBLIC}:{server.port}") != 200:
            assert time.monotonic() < deadline


def turned_away(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(100)[9:12] == b"503"
    except BlockingIOError:
        return False


@in_namespace
def test_who_never_reads_is_cut_and_costs_little() -> None:
    sent = [0]

    def flood(sock: socket.socket) -> None:
        while True:
            sent[0] += sock.send(b"x" * 65536)

    with Server(PUBLIC, serve=flood) as server, proxy(OPEN, bounds=replace(QUICK, idle_seconds=2)) as tried:
        before = memory_bytes()
        asked = [tried.ask(f"{PUBLIC}:{server.port}")[1] for _ in range(8)]
        moved = -1
        while sent[0] != moved:  # until the system's queues are full
            moved = sent[0]
            time.sleep(0.5)
        assert memory_bytes() - before < 20e6
        wait_until_free(tried)
        for sock in asked:
            all_of(sock)  # ends, with what was in the queues


@in_namespace
def test_idle_connections_are_cut_and_busy_ones_are_not() -> None:
    with Server(PUBLIC) as server, proxy(OPEN, bounds=replace(QUICK, idle_seconds=0.5)) as tried:
        _, idle = tried.ask(f"{PUBLIC}:{server.port}")
        _, busy = tried.ask(f"{PUBLIC}:{server.port}")
        for sock in (idle, busy):
            assert sock.recv(6) == b"hello\n"
        started = time.monotonic()
        while time.monotonic() - started < 1.2:
            busy.sendall(b"x")
            assert busy.recv(1) == b"x"
            time.sleep(0.1)
        idle.settimeout(0.1)
        assert all_of(idle) == b""


@in_namespace
def test_a_client_that_stays_when_the_server_has_ended() -> None:
    def ends(sock: socket.socket) -> None:
        sock.sendall(b"bye")

    with Server(PUBLIC, serve=ends) as server, proxy(OPEN, bounds=replace(QUICK, after_end_seconds=0.3)) as tried:
        _, sock = tried.ask(f"{PUBLIC}:{server.port}")
        started = time.monotonic()
        assert all_of(sock) == b"bye"
        wait_until_free(tried)
        assert 0.2 < time.monotonic() - started < 3
        sock.close()


def wait_until_free(tried: Tried) -> None:
    deadline = time.monotonic() + 5
    while tried.proxy.serving:
        assert time.monotonic() < deadline
        time.sleep(0.01)
