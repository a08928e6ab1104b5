"""Much output: all of it arrives, once, in order, and the memory of host and relay stays bounded."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from client import Client, HostFixture

MakeHost = Callable[..., HostFixture]
MAX_RSS_MIB = 150


def peak_mib(pid: int) -> float:
    """The largest resident memory so far."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


def drain(client: Client, cell: str, timeout: float, each: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Reads to the end of the cell, holding nothing."""
    after, deadline = 0, time.monotonic() + timeout
    while time.monotonic() < deadline:
        for record in client.read(after):
            assert record["seq"] == after + 1
            after = record["seq"]
            if record["kind"] == "cell-end" and record["cell"] == cell:
                return record
            each(record)
    raise AssertionError("the cell did not end")


@pytest.mark.parametrize(
    "code",
    [
        "print('0123456789abcde\\n' * 6_250_000, end='')",
        "for i in range(1_000_000): print('0123456789abcde\\n' * 6, end='0123')",
    ],
    ids=["one-print", "many-prints"],
)
def test_100_mb_of_stdout(make_host: MakeHost, code: str) -> None:
    host = make_host()
    client = host.client()
    client.start()
    digest, expected, total = hashlib.sha256(), hashlib.sha256(), 0
    if "6_250_000" in code:
        for _ in range(625):
            expected.update(b"0123456789abcde\n" * 10_000)
    else:
        for _ in range(1000):
            expected.update((b"0123456789abcde\n" * 6 + b"0123") * 1000)
    client.execute("c1", code)

    def each(record: dict[str, Any]) -> None:
        nonlocal total
        assert record["kind"] != "output-lost"
        if record["kind"] == "output":
            text = client.text(record["output"]["text"]).encode()
            assert len(text) <= 4 * 1024 * 1024
            total += len(text)
            digest.update(text)

    started = time.monotonic()
    end = drain(client, "c1", 120, each)
    seconds = time.monotonic() - started
    assert end["status"] == "ok" and total == 100_000_000 and digest.digest() == expected.digest()
    print(f"{seconds:.1f} s, host {peak_mib(host.pid):.0f} MiB, relay {peak_mib(client.process.pid):.0f} MiB")
    assert peak_mib(host.pid) < MAX_RSS_MIB and peak_mib(client.process.pid) < MAX_RSS_MIB


@pytest.mark.parametrize("seconds", [5, pytest.param(30, marks=pytest.mark.slow)])
def test_host_stopped_during_20_000_displays(make_host: MakeHost, seconds: float) -> None:
    host = make_host()
    client = host.client()
    client.start()
    client.execute("c1", "for i in range(20_000): display(i)")
    client.until("output")
    os.kill(host.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(host.pid, signal.SIGCONT)
    shown: list[int] = []

    def each(record: dict[str, Any]) -> None:
        assert record["kind"] != "output-lost"
        if record["kind"] == "output":
            shown.append(int(record["output"]["data"]["text/plain"]))

    end = drain(client, "c1", 120, each)
    assert end["status"] == "ok" and shown == list(range(20_000))
    print(f"host {peak_mib(host.pid):.0f} MiB")
    assert peak_mib(host.pid) < MAX_RSS_MIB


def test_a_display_beyond_the_limit_is_told_and_not_kept(make_host: MakeHost) -> None:
    host = make_host()
    client = host.client()
    client.start()
    code = "print('before')\ndisplay({'text/plain': 'x' * 50_000_000}, raw=True)\nprint('after')\n'y' * 50_000_000"
    records = client.run("c1", code)
    lost = [(r["reason"], r["messages"], r["bytes"] > 90_000_000) for r in records if r["kind"] == "output-lost"]
    assert lost == [("invalid", 2, True)]
    assert client.stdout_of(records) == "before\nafter\n" and records[-1]["status"] == "ok"
    records = client.run("c2", "raise ValueError('z' * 60_000_000)", timeout=90)
    error = next(r["output"] for r in records if r["kind"] == "output")
    assert error["ename"] == "ValueError" and error["evalue"]["bytes"] < 2_000_000
    assert records[-1]["status"] == "error"
    assert peak_mib(host.pid) < 400


def test_disk_cap_of_a_cell(make_host: MakeHost) -> None:
    client = make_host(cellDiskCapBytes=2_000_000).client()
    client.start()
    records = client.run("c1", "for i in range(100): print(f'{i:05}' * 20_000, flush=True)")
    lost = [r for r in records if r["kind"] == "output-lost"]
    assert len(lost) == 1 and lost[0]["reason"] == "cap" and records[-2] is lost[0]
    kept = client.stdout_of(records)
    assert lost[0]["messages"] == 100 - kept.count("\n") and lost[0]["bytes"] >= lost[0]["messages"] * 100_000
    assert client.run("c2", "1")[-1]["status"] == "ok"
