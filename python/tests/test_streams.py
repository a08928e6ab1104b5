"""Byte streams of a real host, with and without a wall: clients of its sockets, and processes with one for stdin."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from client import Client, Failed, HostFixture
from process_client import sh, start, until_end
from streams_client import WINDOW_BYTES, StreamsClient

MakeHost = Callable[..., HostFixture]

ECHO = """
import socket
sock = socket.socket(fileno=0)
while data := sock.recv(65536):
    sock.sendall(data)
"""
#: Connects, sends so many bytes, and says the hash of as many that come back.
ASK = """
import hashlib, os, socket, sys, threading
path, size = sys.argv[1], int(sys.argv[2])
sock = socket.socket(socket.AF_UNIX)
sock.connect(path)
data = os.urandom(size)
sender = threading.Thread(target=sock.sendall, args=(data,))
sender.start()
got = b""
while len(got) < size and (more := sock.recv(1 << 20)):
    got += more
print(len(got), got == data)
"""


@pytest.fixture
def host(make_either: MakeHost) -> HostFixture:
    return make_either()


def python(client: Client, code: str, *argv: str, **options: Any) -> str:
    return start(client, "python3", "-c", code, *argv, **options)


def socket_file(host: HostFixture, listener: str) -> Path:
    return Path(host.config["runtimeDir"]) / f"{listener}.calls"


def test_a_client_of_a_session_is_echoed(host: HostFixture) -> None:
    client = host.client()
    streams = StreamsClient(client)
    path = streams.listen("s1")
    assert streams.listen("s1") == path and path.endswith("/s1.calls"), "listening twice is listening once"
    process = python(client, ASK, path, str(3_000_000))
    name = streams.opened("s1")
    sent = 0
    while name not in streams.ended:
        streams.read()
        streams.write(name, streams.data[name][sent:]) if name not in streams.ended else None
        sent = len(streams.data[name])
    assert until_end(client, process).text == "3000000 True\n"


def test_the_stdin_of_a_process_is_a_stream_both_ways(host: HostFixture) -> None:
    client = host.client()
    streams = StreamsClient(client)
    process = python(client, "import sys; print('on stdout', file=sys.stderr)\n" + ECHO, stream=True)
    name, data = f"p:{process}", os.urandom(5_000_000)
    for at in range(0, len(data), 300_000):
        streams.write(name, data[at : at + 300_000])
        streams.read(wait_ms=1)
    streams.until(lambda: len(streams.data[name]) == len(data))
    assert hashlib.sha256(streams.data[name]).digest() == hashlib.sha256(data).digest()
    client.request("stream/close", connection=name)
    ended = until_end(client, process)
    assert (ended.code, ended.stderr) == (0, b"on stdout\n"), "closed, it reads the end"
    streams.until(lambda: name in streams.ended)


def test_what_it_wrote_at_the_very_end_is_read(host: HostFixture) -> None:
    """More than may come at once: the rest waits in the socket of a process that is gone."""
    client = host.client()
    streams = StreamsClient(client, allowing=False)
    size = WINDOW_BYTES + 20_000
    process = python(client, f"import socket; socket.socket(fileno=0).sendall(b'x' * {size})", stream=True)
    name = f"p:{process}"
    assert until_end(client, process).code == 0
    streams.until(lambda: len(streams.data[name]) == WINDOW_BYTES)
    assert streams.read(wait_ms=300) == []
    streams.allow(name, size + 1)
    streams.until(lambda: name in streams.ended)
    assert streams.data[name] == b"x" * size


def test_what_it_leaves_running_does_not_keep_it_open(host: HostFixture) -> None:
    client = host.client()
    streams = StreamsClient(client)
    for writes in ("while true; do echo x >&3; sleep 0.01; done", "yes >&3", "sleep 60"):
        process = start(client, "/bin/sh", "-c", f"exec 3<&0; ({writes}) & echo done", stream=True)
        assert until_end(client, process).text == "done\n"
        streams.until(lambda name=f"p:{process}": name in streams.ended, timeout=20)  # type: ignore[misc]


def test_a_process_that_was_not_started_has_an_end(host: HostFixture) -> None:
    client = host.client()
    streams = StreamsClient(client)
    with pytest.raises(Failed) as failure:
        start(client, "no-such-program", process="p-none", stream=True)
    assert failure.value.name == "process-start-failed"
    streams.until(lambda: "p:p-none" in streams.ended)
    with pytest.raises(Failed) as failure:
        start(client, "true", stream=True, stdin=b"more")
    assert failure.value.code == -32602
    assert sh(client, "readlink /proc/self/fd/0 | cut -c1-4", stream=True).text == "sock\n"
    assert sh(client, "readlink /proc/self/fd/0 | cut -c1-4").text == "pipe\n"


def test_nothing_is_lost_or_doubled_with_a_relay(host: HostFixture) -> None:
    first = host.client()
    process = python(first, ECHO, stream=True)
    name = f"p:{process}"
    read: dict[str, Any] = {"after": 0, "maxBytes": 1000, "waitMs": 10_000}
    write: dict[str, Any] = {"connection": name, "offset": 0, "base64": "YWJj"}
    assert first.request("stream/write", **write) == {"accepted": 3}
    pieces = first.request("stream/read", **read)["pieces"]
    first.ask("stream/read", **read)
    first.kill()
    second = host.client()
    assert second.request("stream/write", **write) == {"accepted": 3}
    assert second.request("stream/write", **{**write, "base64": "YWJjZGVm"}) == {"accepted": 6}
    again = second.request("stream/read", **read)["pieces"]
    assert again[: len(pieces)] == pieces, "what was handed out stays as it was"
    streams = StreamsClient(second)
    streams.until(lambda: len(streams.data[name]) == 6)
    assert streams.data[name] == b"abcdef"
    with pytest.raises(Failed) as failure:
        second.request("stream/write", **{**write, "offset": 7})
    assert failure.value.code == -32602
    second.request("stream/close", connection=name)
    streams.until(lambda: name in streams.ended)


def test_a_read_that_waits_is_cancelled_and_ends_with_its_time(host: HostFixture) -> None:
    client = host.client()
    read = {"after": 0, "maxBytes": 1000}
    assert client.request("stream/read", **read, waitMs=50, timeout=10) == {"pieces": []}
    id, answers = client.ask("stream/read", **read, waitMs=60_000)
    assert client.request("stream/read", **read, waitMs=50, timeout=10) == {"pieces": []}
    client.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}})
    assert answers.get(timeout=10)["error"]["code"] == -32800


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("stream/listen", {"listener": "../s1"}),
        ("stream/listen", {}),
        ("stream/write", {"connection": "s1", "offset": 0, "base64": "a"}),
        ("stream/write", {"connection": "s1", "offset": 0, "base64": "ab=c"}),
        ("stream/write", {"connection": "s1", "offset": 0, "base64": "ab\ncd\n=="}),
        ("stream/write", {"connection": "s1", "offset": 0, "base64": "A" * 699_056}),
        ("stream/write", {"connection": "S1", "offset": 0, "base64": ""}),
        ("stream/write", {"connection": "s1", "offset": -1, "base64": ""}),
        ("stream/allow", {"connection": "s1", "bytes": -1}),
        ("stream/close", {"connection": "../x"}),
        ("stream/close", {"connection": "s" * 81}),
        ("stream/read", {"after": 0, "maxBytes": 0, "waitMs": 0}),
        ("stream/read", {"after": 0, "maxBytes": 1, "waitMs": 60_001}),
    ],
)
def test_what_the_protocol_does_not_know_is_refused(shared: Client, method: str, params: dict[str, Any]) -> None:
    with pytest.raises(Failed) as failure:
        shared.request(method, **params)
    assert failure.value.code == -32602


def test_streams_that_are_not_there(shared: Client) -> None:
    with pytest.raises(Failed) as failure:
        shared.request("stream/write", connection="s1", offset=0, base64="")
    assert failure.value.name == "unknown-stream"
    for method in ("stream/close", "stream/allow"):
        more = {"bytes": 1} if method == "stream/allow" else {}
        assert shared.request(method, connection="s999", **more) == {}
    assert shared.request("stream/unlisten", listener="nobody") == {}


def test_a_kernel_knows_the_socket_of_its_session(host: HostFixture) -> None:
    client = host.client()
    client.start("sess-1")
    streams = StreamsClient(client)
    connect = "import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ['SEER_CALLS'])"
    assert client.run("c1", connect, "sess-1")[-1]["status"] == "error", "nobody listens yet"
    streams.listen("sess-1")
    client.execute("c2", f"{connect}; s.sendall(b'hello'); print(s.recv(9))", "sess-1")
    name = streams.opened("sess-1")
    streams.until(lambda: streams.data[name] == b"hello")
    streams.write(name, b"you")
    records = client.until("cell-end", cell="c2")
    assert client.stdout_of(records) == "b'you'\n"


def test_the_file_is_for_the_user_of_the_sandbox_alone(make_host: MakeHost, make_either: MakeHost) -> None:
    host = make_either()
    StreamsClient(host.client()).listen("s1")
    found = socket_file(host, "s1").lstat()
    owner = (host.config["wall"] or {}).get("dropTo") or os.getuid()
    assert (stat.S_ISSOCK(found.st_mode), stat.S_IMODE(found.st_mode), found.st_uid) == (True, 0o600, owner)


LINK = "os.symlink('/proc/self/mem', path)"
FOLDER = "os.makedirs(path + '/sub')"
FILE = "open(path, 'w').write('mine')"
OTHER = "socket.socket(socket.AF_UNIX).bind(path)"


@pytest.mark.parametrize("put", ["pass", LINK, FOLDER, FILE, OTHER])
def test_whatever_is_put_in_its_place_it_is_made_anew(host: HostFixture, put: str) -> None:
    client = host.client()
    streams = StreamsClient(client)
    path = streams.listen("s1")
    secret = host.root / "state" / "host.json"
    before = secret.read_bytes()
    code = f"import os, socket, sys; path = sys.argv[1]; os.unlink(path); {put}"
    assert until_end(client, python(client, code, path)).code == 0
    assert streams.listen("s1") == path
    process = python(client, ASK, path, "5")
    name = streams.opened("s1")
    streams.until(lambda: len(streams.data[name]) == 5)
    streams.write(name, streams.data[name])
    assert until_end(client, process).text == "5 True\n"
    assert secret.read_bytes() == before
    # What is there in the end is not taken away where it is not ours.
    if put in (LINK, FOLDER):
        assert until_end(client, python(client, code, path)).code == 0
    client.request("stream/unlisten", listener="s1")
    assert os.path.lexists(socket_file(host, "s1")) is (put in (LINK, FOLDER))


def test_unlisten_ends_those_who_came_in_there(host: HostFixture) -> None:
    client = host.client()
    streams = StreamsClient(client)
    paths = {name: streams.listen(name) for name in ("s1", "s2")}
    code = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(9))"
    processes = {name: python(client, code, path) for name, path in paths.items()}
    names = {name: streams.opened(name) for name in paths}
    for _ in range(2):
        client.request("stream/unlisten", listener="s1")
    assert until_end(client, processes["s1"]).text == "b''\n"
    streams.until(lambda: names["s1"] in streams.ended)
    assert until_end(client, python(client, code, paths["s1"])).code == 1, "nobody is let in any more"
    streams.write(names["s2"], b"still")
    assert until_end(client, processes["s2"]).text == "b'still'\n"


def test_keep_closes_all_and_numbers_go_on(host: HostFixture) -> None:
    client = host.client()
    streams = StreamsClient(client)
    streams.listen("s1")
    process = python(client, ECHO, stream=True)
    streams.write(f"p:{process}", b"x")
    streams.until(lambda: streams.data[f"p:{process}"])
    client.request("host/keep", leaseSeconds=60, sessions=[])
    assert not socket_file(host, "s1").exists()
    with pytest.raises(Failed) as failure:
        streams.write(f"p:{process}", b"x")
    assert failure.value.name == "unknown-stream"
    next = StreamsClient(client)
    assert next.read(wait_ms=0) == [], "of whoever was before"
    other = python(client, ECHO, stream=True)
    next.write(f"p:{other}", b"y")
    next.until(lambda: next.data[f"p:{other}"])
    assert next.after > streams.after


def test_the_end_of_the_host_leaves_no_socket(make_host: MakeHost) -> None:
    host = make_host()
    client = host.client()
    path = StreamsClient(client).listen("s1")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        client.request("host/shutdown")
        sock.settimeout(10)
        assert sock.recv(1) == b""
    assert not os.path.lexists(path)
