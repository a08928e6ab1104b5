"""The lease: a host that nobody is attached to ends by itself, and counts only the time in which it ran."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from client import HostFixture
from test_deaths import LEAVE_PROCESSES, gone

from seer_host.lease import Lease
from seer_spawner.processes import descendants

MakeHost = Callable[..., HostFixture]


def test_only_steps_that_the_host_ran_count() -> None:
    lease = Lease(lease_seconds=120, deadline_seconds=None)
    assert lease.step(3600, attached=False) is None
    assert lease.unattended_seconds == 2
    assert all(lease.step(1, attached=False) is None for _ in range(100))
    assert lease.step(1, attached=True) is None and lease.unattended_seconds == 0
    assert [lease.step(1, attached=False) for _ in range(120)][-2:] == [None, "lease"]


def test_deadline_is_real_time() -> None:
    lease = Lease(lease_seconds=120, deadline_seconds=100)
    assert lease.step(99, attached=True) is None
    assert lease.step(2, attached=True) == "deadline"


def test_lease_end_leaves_nothing(make_host: MakeHost) -> None:
    host = make_host(leaseSeconds=1)
    client = host.client()
    client.start()
    client.run("c1", LEAVE_PROCESSES)
    left = descendants(host.pid) | {host.pid}
    time.sleep(2)
    assert not gone({host.pid}, 0.1), "an attached connection renews the lease"
    client.kill()
    assert gone(left, 6)
    assert not Path(host.config["socket"]).exists()
    state = host.root / "state"
    assert json.loads((state / "host.json").read_text())["reason"] == "lease"
    kinds = [json.loads(line)["kind"] for line in (state / "journal.jsonl").read_text().splitlines()]
    assert kinds == ["kernel-ready", "cell-begin", "output", "cell-end", "kernel-dead"]


def test_stopped_time_does_not_count(make_host: MakeHost) -> None:
    host = make_host(leaseSeconds=3)
    os.kill(host.pid, signal.SIGSTOP)
    time.sleep(5)
    os.kill(host.pid, signal.SIGCONT)
    time.sleep(0.5)
    client = host.client()
    assert client.request("host/hello")["sandbox"] == "sb1"


def test_deadline_ends_it_although_attached(make_host: MakeHost) -> None:
    host = make_host(deadlineSeconds=2)
    client = host.client()
    client.start()
    left = descendants(host.pid) | {host.pid}
    assert gone(left, 8)
    client.process.wait(timeout=5)
