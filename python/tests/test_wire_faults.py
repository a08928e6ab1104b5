"""What a peer may send, and what the host answers: named errors, and never its own end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any

import pytest
from client import BOOT, Client, Failed, HostFixture

CONFIG: dict[str, Any] = {"params": {}, "seed": 1, "models": []}
KERNEL: dict[str, Any] = {"session": "s1", "generation": 1}


def still_works(host: HostFixture) -> None:
    client = host.client()
    assert client.request("host/hello")["protocol"] == 4
    client.close()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: 9999999\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Content-Length: abc\r\n\r\n",
        b"\r\n\r\n",
        b"\x00\xff" * 5000,
        b"a" * 100_000,
    ],
)
def test_garbage_closes_the_connection_only(shared_host: HostFixture, data: bytes) -> None:
    client = shared_host.client()
    client.raw(data)
    assert client.unasked.get(timeout=5)["error"]["code"] in (-32700, 0)
    client.process.wait(timeout=5)
    still_works(shared_host)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"3", -32600),
        (b'{"id": 1}', -32600),
        (b'{"id": [1], "method": "host/hello"}', -32600),
        (b'{"id": null, "method": "host/hello"}', -32600),
        (b'{"id": true, "method": "host/hello"}', -32600),
    ],
)
def test_bad_messages(shared_host: HostFixture, body: bytes, code: int) -> None:
    client = shared_host.client()
    client.waiting.clear()
    client.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert client.unasked.get(timeout=5)["error"]["code"] == code
    assert client.request("host/hello")["protocol"] == 4
    client.close()


def test_unknown_method(shared: Client) -> None:
    with pytest.raises(Failed) as failure:
        shared.request("kernel/fork")
    assert failure.value.code == -32601


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("host/hello", {"x": 1}),
        ("kernel/start", {**KERNEL}),
        ("kernel/start", {**KERNEL, "config": {**CONFIG, "more": 1}}),
        ("kernel/start", {**KERNEL, "config": {**CONFIG, "seed": -1}}),
        ("kernel/start", {**KERNEL, "config": {**CONFIG, "models": [{"name": "x"}]}}),
        ("kernel/start", {"session": "../x", "generation": 1, "config": CONFIG}),
        ("kernel/start", {"session": "s1\n", "generation": 1, "config": CONFIG}),
        ("kernel/start", {"session": "s1", "generation": 0, "config": CONFIG}),
        ("kernel/start", {"session": "s1", "generation": True, "config": CONFIG}),
        ("kernel/execute", {**KERNEL, "cell": "c", "code": 3}),
        ("kernel/execute", {**KERNEL, "cell": "c", "code": "x" * (512 * 1024 + 1)}),
        ("kernel/interrupt", {**KERNEL, "cell": "c", "how": "kill"}),
        ("kernel/interrupt", {**KERNEL, "how": "signal"}),
        ("kernel/stop", {"session": "s1"}),
        ("kernel/stop", {**KERNEL, "how": "signal"}),
        ("journal/read", {"after": -1, "maxBytes": 1, "waitMs": 0}),
        ("journal/read", {"after": 0, "maxBytes": 2**21, "waitMs": 0}),
        ("journal/read", {"after": 0, "maxBytes": 1, "waitMs": 10**9}),
        ("journal/read", {"after": 1.5, "maxBytes": 1, "waitMs": 0}),
        ("blob/read", {"sha256": "../../etc/passwd", "offset": 0, "length": 1}),
        ("blob/read", {"sha256": "0" * 64, "offset": 0, "length": 2**20}),
    ],
)
def test_bad_params(shared: Client, method: str, params: dict[str, Any]) -> None:
    with pytest.raises(Failed) as failure:
        shared.request(method, **params)
    assert failure.value.code == -32602


def test_params_that_are_a_list(shared: Client) -> None:
    shared.waiting.pop(-1, None)
    shared.send({"jsonrpc": "2.0", "id": 10**6, "method": "host/hello", "params": [1]})
    assert shared.unasked.get(timeout=5)["error"]["code"] == -32602


def test_unknown_blob_and_session(shared: Client) -> None:
    with pytest.raises(Failed) as failure:
        shared.request("blob/read", sha256="0" * 64, offset=0, length=1)
    assert failure.value.name == "unknown-blob"
    with pytest.raises(Failed) as failure:
        shared.execute("c", "1", "nobody")
    assert failure.value.name == "kernel-gone"


def test_a_fault_in_a_request_is_answered(shared_host: HostFixture, shared: Client) -> None:
    (shared_host.root / "state" / "blobs" / ("f" * 64)).mkdir()
    with pytest.raises(Failed) as failure:
        shared.request("blob/read", sha256="f" * 64, offset=0, length=1)
    assert failure.value.code == -32603 and str(shared_host.root) not in str(failure.value)
    assert shared.request("host/hello")["protocol"] == 4


def test_a_peer_that_does_not_read_hinders_nobody(shared_host: HostFixture, shared: Client) -> None:
    shared.run("big", "print('y' * 900_000)")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(shared_host.config["socket"])
        for id in range(200):
            body = json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": id,
                    "method": "journal/read",
                    "params": {"after": 0, "maxBytes": 2**20, "waitMs": 0},
                }
            ).encode()
            deaf.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert shared.run("after-deaf", "1+1")[-1]["status"] == "ok"


def test_read_returns_what_fits_and_one_at_least(shared: Client) -> None:
    shared.run("lines", "for i in range(50): display(i)")
    last = shared.request("host/hello")["lastSeq"]
    assert len(shared.read(0, max_bytes=1)) == 1
    assert len(shared.read(last - 1, max_bytes=1)) == 1
    some = shared.read(0, max_bytes=1000)
    assert 1 < len(some) < 20 and [r["seq"] for r in some] == list(range(1, len(some) + 1))
    assert shared.read(last, wait_ms=0) == []
    assert shared.read(last + 1000, wait_ms=0) == []


def test_relay_without_a_host() -> None:
    relay = subprocess.run(
        [sys.executable, "-I", BOOT, "relay", "--socket", "/nowhere/s", "--marker", "m"], capture_output=True, text=True
    )
    assert relay.returncode == 1 and relay.stdout == "" and len(relay.stderr.splitlines()) == 1


def test_a_socket_path_that_is_too_long(tmp_path: Any) -> None:
    config = {"socket": "/tmp/" + "x" * 120, "sandbox": "s"}
    full = {**config, **{key: str(tmp_path) for key in ("stateDir", "runtimeDir", "workspace", "python", "pythonDir")}}
    host = subprocess.run(
        [sys.executable, "-I", BOOT, "host"], input=json.dumps(full) + "\n", capture_output=True, text=True
    )
    assert host.returncode == 2 and "100 bytes" in host.stderr and host.stdout == ""


def test_two_hosts_for_one_sandbox(shared_host: HostFixture) -> None:
    second = subprocess.run(
        [sys.executable, "-I", BOOT, "host"],
        input=json.dumps(shared_host.config) + "\n",
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1 and "another host" in second.stderr
    still_works(shared_host)
