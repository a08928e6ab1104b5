"""The lease: a host that nobody is attached to ends by itself, and counts only the time in which it ran."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import process_client
from client import BOOT, HostFixture
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


def test_it_tells_how_long_it_has(make_host: MakeHost) -> None:
    hello = make_host(deadlineSeconds=100).client().request("host/hello")
    assert 95 < hello["endsInSeconds"] <= 100
    assert Lease(lease_seconds=1, deadline_seconds=None).left_seconds is None


def test_keep_ends_what_runs_and_sets_the_lease(make_host: MakeHost) -> None:
    host = make_host(leaseSeconds=60)
    client = host.client()
    kernel = client.start()
    client.run("c1", LEAVE_PROCESSES)
    before = descendants(host.pid)
    assert kernel["pid"] in before
    client.request("host/keep", leaseSeconds=1.5, sessions=[])
    kinds = [record["kind"] for record in client.request("journal/read", after=0, maxBytes=9999, waitMs=0)["records"]]
    assert kinds[-1] == "kernel-dead"
    assert gone(before, 2)
    client.start(session="s1-2")
    left = descendants(host.pid)
    time.sleep(2)
    assert not gone({host.pid}, 0.1), "somebody is attached"
    client.kill()
    assert gone({host.pid} | left, 8)


def test_keep_leaves_the_kernels_that_are_to_go_on(make_host: MakeHost) -> None:
    host = make_host(leaseSeconds=60)
    client = host.client()
    client.start()
    client.start(session="s2")
    other = client.start(session="s3")
    client.run("c1", "x = 41")
    client.run("c1", "y = 1", session="s2")
    process = process_client.start(client, "sleep", "600")
    client.request("host/keep", leaseSeconds=60, sessions=["s1", "s2", "s9"])
    assert gone({other["pid"]}, 1)
    assert process_client.until_end(client, process, 10)
    client.run("c2", "print(x + 1)")
    records = client.run("c2", "print(y + 1)", session="s2")
    printed = [record["output"]["text"] for record in records if record["kind"] == "output"]
    assert printed == ["2\n"]
    client.request("host/keep", leaseSeconds=60, sessions=["s2"])
    client.run("c3", "print(y)", session="s2")
    client.request("host/keep", leaseSeconds=60, sessions=[])
    assert descendants(host.pid) == set()


DAEMON = """
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
while True:
    open('tick', 'w').write(repr(time.time()))
    time.sleep(0.02)
"""


def test_keep_ends_also_what_hides(make_either: MakeHost) -> None:
    """A process that is no kernel's child any more, and has nothing of its environment."""
    host = make_either()
    client = host.client()
    client.start()
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {DAEMON!r}], env={{}})"
    client.run("c1", start)
    tick = host.root / "work" / "tick"
    deadline = time.monotonic() + 5
    while not tick.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client.request("host/keep", leaseSeconds=30, sessions=[])
    assert descendants(host.pid) == set()
    last = tick.read_text()
    client.start(session="s1-2")
    time.sleep(0.3)
    assert tick.read_text() == last


def test_keep_is_never_longer_than_the_deadline(make_host: MakeHost) -> None:
    host = make_host(leaseSeconds=1, deadlineSeconds=3)
    client = host.client()
    client.request("host/keep", leaseSeconds=1000, sessions=[])
    client.kill()
    assert not gone({host.pid}, 1.5)
    assert gone({host.pid}, 6)


def test_a_host_whose_folder_was_removed_ends(make_host: MakeHost) -> None:
    host = make_host()
    client = host.client()
    client.start()
    left = descendants(host.pid) | {host.pid}
    shutil.rmtree(host.root / "state")
    assert gone(left, 10)
    assert not (host.root / "state").exists()


def test_a_start_that_is_given_up_leaves_nothing(make_host: MakeHost, tmp_path: Path) -> None:
    """The starting process is all that Seer knows of, and it is killed while the host proper waits for its wall."""
    config = dict(make_host().config)
    root = tmp_path / "given-up"
    for name in ("state", "r", "work"):
        (root / name).mkdir(parents=True)
    places = {"stateDir": "state", "runtimeDir": "r", "workspace": "work", "socket": "h"}
    config.update({key: str(root / name) for key, name in places.items()})
    starter = subprocess.Popen([sys.executable, "-I", "-c", HANGS, BOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert starter.stdin and starter.stdout
    starter.stdin.write(json.dumps(config).encode() + b"\n")
    starter.stdin.close()
    deadline = time.monotonic() + 10
    while len(left := descendants(starter.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        assert len(left) == 2
        starter.kill()
        starter.wait()
        assert gone(left, 5)
    finally:
        for pid in left:
            if not gone({pid}, 0.1):
                os.kill(pid, signal.SIGKILL)


#: A host that never becomes ready, with a process that it has started.
HANGS = """
import runpy, subprocess, sys
boot = sys.argv[1]
sys.path.insert(0, boot.rpartition("/")[0])
from seer_host.kernels import Kernels
Kernels.build_wall = lambda self: subprocess.run(["sleep", "1000"])
sys.argv[1:] = ["host"]
runpy.run_path(boot, run_name="__main__")
"""
