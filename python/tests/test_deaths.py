"""What dies, and what is told and left: relays, kernels, the spawner, the host."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from client import Client, Failed, HostFixture

from seer_spawner.processes import descendants, start_time

MakeHost = Callable[..., HostFixture]


def gone(pids: set[int], within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        if not any(state(pid) not in "ZX" for pid in pids):
            return True
        time.sleep(0.05)
    return False


def state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


# A cell that leaves processes behind: a child, one in a session of its own with no environment, and a daemon.
LEAVE_PROCESSES = """
import os, subprocess
child = subprocess.Popen(['sleep', '1000'])
subprocess.Popen(['sleep', '1000'], env={}, start_new_session=True)
subprocess.Popen(['sh', '-c', 'setsid sleep 1000 & exit']).wait()
"""


def test_relay_killed_in_mid_cell(make_either: MakeHost) -> None:
    host = make_either()
    first = host.client()
    first.start()
    first.execute("c1", "import time\nfor i in range(20):\n print(i, flush=True); time.sleep(0.05)\nruns = 1")
    seen = first.until("output")
    first.kill()
    second = host.client()
    assert second.execute("c1", "runs += 1") is True
    records = seen + second.until("cell-end", seen[-1]["seq"], cell="c1")
    assert second.stdout_of(records).split() == [str(i) for i in range(20)]
    assert second.stdout_of(second.run("c2", "print(runs)")) == "1\n"


@pytest.mark.parametrize(
    ("code", "exit_code", "by"),
    [
        ("import os; os.kill(os.getpid(), 9)", None, "SIGKILL"),
        ("import os; os._exit(3)", 3, None),
        ("import ctypes; ctypes.string_at(0)", None, "SIGSEGV"),
    ],
)
def test_kernel_that_dies(make_either: MakeHost, code: str, exit_code: int | None, by: str | None) -> None:
    client = make_either().client()
    client.start()
    client.execute("c1", f"print('x' * 1000, flush=True)\nimport time; time.sleep(0.3)\n{code}")
    client.execute("c2", "print('never')")
    client.until("output")
    told_by = time.monotonic() + 2.3
    records = client.until("kernel-dead")
    assert time.monotonic() < told_by
    *_, end1, end2, dead = records
    assert (dead["exitCode"], dead["signal"], dead["reason"]) == (exit_code, by, "died")
    assert [(end["cell"], end["status"]) for end in (end1, end2)] == [("c1", "died"), ("c2", "died")]
    assert "x" * 1000 in client.stdout_of(records)
    with pytest.raises(Failed) as failure:
        client.execute("c3", "1")
    assert failure.value.name == "kernel-gone"
    client.start(generation=2)
    assert client.run("c4", "1", generation=2)[-1]["status"] == "ok"


def test_outputs_before_a_death_are_all_there(make_either: MakeHost) -> None:
    client = make_either().client()
    client.start()
    code = "import os, time\nfor i in range(3000): display(i)\ntime.sleep(1.5); os._exit(1)"
    client.execute("c1", code)
    records = client.until("kernel-dead", timeout=60)
    shown = [int(r["output"]["data"]["text/plain"]) for r in records if r["kind"] == "output"]
    assert shown == list(range(3000))


def test_outputs_on_their_way_when_the_kernel_died(make_either: MakeHost) -> None:
    """As many as the system's buffer holds. What is still in the kernel's own queue dies with it."""
    host = make_either()
    client = host.client()
    kernel = client.start()
    client.execute(
        "c1", "import os, time\ntime.sleep(0.7)\nfor i in range(70): display(i)\ntime.sleep(0.5); os._exit(1)"
    )
    client.until("cell-begin")
    os.kill(host.pid, signal.SIGSTOP)
    assert gone({kernel["pid"]}, 15)
    os.kill(host.pid, signal.SIGCONT)
    shown = [r["output"]["data"]["text/plain"] for r in client.until("kernel-dead") if r["kind"] == "output"]
    assert shown == [str(i) for i in range(70)]


def test_stop(make_either: MakeHost) -> None:
    client = make_either().client()
    other = client.start(session="s2")
    first = client.start()
    before = descendants(parents(first["pid"]).pop())
    client.run("c0", "x = 1" + LEAVE_PROCESSES)
    left = descendants(parents(first["pid"]).pop()) - before | {first["pid"]}
    client.execute("c1", "import time; time.sleep(100)")
    client.until("cell-begin", cell="c1")
    client.request("kernel/stop", session="s1", generation=2)  # none of this generation: nothing happens
    client.request("kernel/stop", session="unknown", generation=1)
    assert not gone({first["pid"]}, 0.2)
    for _ in range(2):
        client.request("kernel/stop", session="s1", generation=1)
    assert gone(left, 2) and len(left) == 4
    records = client.until("kernel-dead")
    assert records[-1]["reason"] == "asked"
    assert [r["status"] for r in records if r["kind"] == "cell-end"] == ["ok", "stopped"]
    assert not gone({other["pid"]}, 0.2), "the kernel of another session goes on"
    with pytest.raises(Failed) as failure:
        client.execute("c2", "x")
    assert failure.value.name == "kernel-gone"
    client.start(generation=2)
    assert "NameError" in str(client.run("c3", "x", generation=2))


def test_restart(make_either: MakeHost) -> None:
    client = make_either().client()
    first = client.start()
    assert client.start() == first
    client.run("c0", "x = 1" + LEAVE_PROCESSES)
    left = descendants(parents(first["pid"]).pop())
    assert len(left) == 4
    client.execute("c1", "import time; time.sleep(100)")
    second = client.start(generation=2)
    assert second["pid"] != first["pid"] and gone(left, 2)
    records = client.until("kernel-ready", generation=2)
    dead = next(r for r in records if r["kind"] == "kernel-dead")
    assert dead["reason"] == "asked" and dead["generation"] == 1
    assert [r["status"] for r in records if r["kind"] == "cell-end"] == ["ok", "stopped"]
    assert client.execute("c1", "x", generation=2) is True, "an id is never used twice"
    assert "NameError" in str(client.run("c2", "x", generation=2))
    for stale in (1, 4):
        with pytest.raises(Failed) as failure:
            client.start(generation=stale)
        assert failure.value.name == "stale-generation"
    with pytest.raises(Failed) as failure:
        client.execute("c3", "1", generation=1)
    assert failure.value.name == "stale-generation"


def test_spawner_killed(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    kernel = client.start()
    client.run("c0", LEAVE_PROCESSES)
    client.execute("c1", "import time; time.sleep(100)")
    left = descendants(host.pid)
    spawner = parents(kernel["pid"])
    assert spawner < left
    os.kill(spawner.pop(), signal.SIGKILL)
    records = client.until("kernel-dead", timeout=5)
    assert records[-1]["reason"] == "died" and records[-2]["status"] == "died"
    assert gone(left, 3)
    client.start(generation=2)
    assert client.run("c2", "1", generation=2)[-1]["status"] == "ok"


def parents(pid: int) -> set[int]:
    with open(f"/proc/{pid}/stat") as file:
        return {int(file.read().rpartition(")")[2].split()[1])}


def test_spawner_stopped(make_either: MakeHost) -> None:
    client = make_either().client()
    kernel = client.start()
    os.kill(parents(kernel["pid"]).pop(), signal.SIGSTOP)
    client.start(generation=2)
    assert client.run("c2", "1", generation=2)[-1]["status"] == "ok"


def test_host_killed_leaves_no_process(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    client.start()
    client.start("s2")
    client.run("c1", LEAVE_PROCESSES)
    left = descendants(host.pid)
    assert len(left) >= 5
    os.kill(host.pid, signal.SIGKILL)
    assert gone(left, 5)
    client.process.wait(timeout=5)


def test_host_and_spawner_killed_together_take_the_kernel(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    kernel = client.start()["pid"]
    os.kill(host.pid, signal.SIGSTOP)
    os.kill(parents(kernel).pop(), signal.SIGKILL)
    os.kill(host.pid, signal.SIGKILL)
    assert gone({kernel}, 3)


def test_shutdown_leaves_no_process(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    client.start()
    client.run("c1", LEAVE_PROCESSES)
    client.execute("c2", "import time; time.sleep(100)")
    left = descendants(host.pid) | {host.pid}
    client.request("host/shutdown", timeout=15)
    end, dead = client.read(0)[-2:]
    assert (end["kind"], end["status"]) == ("cell-end", "stopped")
    assert (dead["kind"], dead["reason"]) == ("kernel-dead", "asked")
    client.request("host/shutdown", timeout=15)
    with pytest.raises(Failed) as failure:
        client.start(generation=2)
    assert failure.value.name == "shutting-down"
    client.close()
    assert gone(left, 5)
    assert not Path(host.config["socket"]).exists()
    assert [path.name for path in (host.root / "r").iterdir()] == ["ipython"]
    assert '"reason": "asked"' in (host.root / "state" / "host.json").read_text()


def test_host_survives_what_ends_its_starter(make_host: MakeHost) -> None:
    host = make_host()
    assert os.getsid(host.pid) == host.pid and host.ready["startTime"] == start_time(host.pid)
    for number in (signal.SIGHUP, signal.SIGINT):
        os.kill(host.pid, number)
    client = host.client()
    assert client.request("host/hello")["pid"] == host.pid
    os.kill(host.pid, signal.SIGTERM)
    assert gone({host.pid}, 5)


def test_kernel_that_cannot_start(make_either: MakeHost) -> None:
    host = make_either(kernelEnv={"PYTHONHOME": "/nowhere"})
    client = host.client()
    for _ in range(2):  # a start that failed may be repeated
        with pytest.raises(Failed) as failure:
            client.start()
        assert failure.value.name == "kernel-start-failed" and "encodings" in str(failure.value)
    assert client.read(0, wait_ms=0) == []
    assert [path.name for path in (host.root / "r").iterdir()] == []


def test_spawner_that_cannot_start(make_host: MakeHost) -> None:
    client = make_host(python="/nowhere/python").client()
    with pytest.raises(Failed) as failure:
        client.start()
    assert failure.value.name == "kernel-start-failed" and "spawner" in str(failure.value)


def test_workspace_that_is_gone_and_back(make_host: MakeHost) -> None:
    host = make_host()
    client = host.client()
    client.start()
    os.rename(host.root / "work", host.root / "work2")
    with pytest.raises(Failed) as failure:
        client.start("s2")
    assert failure.value.name == "kernel-start-failed"
    os.rename(host.root / "work2", host.root / "work")
    assert client.start("s2")["generation"] == 1


def test_nothing_waits_for_an_interrupt(make_either: MakeHost) -> None:
    client = make_either().client()
    kernel = client.start()
    client.execute("c1", "import time; time.sleep(60)")
    client.until("cell-begin")
    os.kill(kernel["pid"], signal.SIGSTOP)
    asked = time.monotonic()
    interrupts = [
        client.ask("kernel/interrupt", session="s1", generation=1, cell="c1", how="message") for _ in range(3)
    ]
    client.request("host/hello")
    assert time.monotonic() - asked < 0.8
    for _, answers in interrupts:
        client.answer(answers)


def test_interrupts_do_not_wait(make_either: MakeHost) -> None:
    client: Client = make_either().client()
    client.start()
    waits: list[Any] = [client.ask("journal/read", after=10**6, maxBytes=100, waitMs=20_000) for _ in range(60)]
    starting = client.ask("kernel/start", session="s2", generation=1, config={"params": {}, "seed": 1, "models": []})
    asked = time.monotonic()
    client.execute("c1", "import time; time.sleep(60)")
    client.until("cell-begin")
    time.sleep(0.2)
    client.request("kernel/interrupt", session="s1", generation=1, cell="c1", how="signal")
    client.until("cell-end")
    assert time.monotonic() - asked < 3
    for id, answers in waits:
        client.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}})
        assert answers.get(timeout=2)["error"]["code"] == -32800
    client.answer(starting[1])
