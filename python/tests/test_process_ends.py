"""Processes beside the kernels, with and without a wall: how they end, and what they leave."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from client import Client, Failed, HostFixture
from process_client import read_on, sh, start, until_end
from test_deaths import gone

from seer_spawner.processes import descendants

MakeHost = Callable[..., HostFixture]
PYTHON = "python3"


@pytest.fixture
def client(make_either: MakeHost) -> Client:
    return make_either().client()


def test_streams_that_end_before_it_does(client: Client) -> None:
    before = time.monotonic()
    ended = sh(client, "echo first; exec 1>&- 2>&-; sleep 0.7; exit 5")
    assert (ended.text, ended.code) == ("first\n", 5)
    assert time.monotonic() - before >= 0.7


def test_what_it_leaves_in_the_background_lives_on(client: Client) -> None:
    before = time.monotonic()
    loop = (
        "import time\n"
        "for n in range(80): print('x' * 100000, flush=True); time.sleep(0.05)\n"
        "open('left', 'w').write('whole')"
    )
    ended = sh(client, f'{PYTHON} -c "$CODE" & echo begun', env={"CODE": loop})
    assert time.monotonic() - before < 3
    assert "begun\n" in ended.text and ended.code == 0
    assert sh(client, "for i in $(seq 100); do [ -s left ] && break; sleep 0.1; done; cat left").text == "whole"


LEAVE = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['sleep', '1000'])
subprocess.Popen(['sleep', '1000'], start_new_session=True)
subprocess.Popen(['sh', '-c', 'setsid sleep 1000 & exit']).wait()
print('ready', flush=True)
time.sleep(1000)
"""


def below(host: HostFixture) -> set[int]:
    return {pid for pid in descendants(host.pid) if b"sleep" in cmdline(pid) or b"signal.SIGTERM" in cmdline(pid)}


def cmdline(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


@pytest.mark.parametrize("how", ["kill", "deadline"])
def test_it_is_ended_with_all_it_started(make_either: MakeHost, how: str) -> None:
    host = make_either()
    client = host.client()
    process = start(client, PYTHON, "-c", LEAVE, seconds=4 if how == "deadline" else None)
    while read_on(client, process)["stdout"] == "":
        pass
    while len(started := below(host)) < 4:
        time.sleep(0.02)
    if how == "kill":
        client.request("process/kill", process=process)
        client.request("process/kill", process=process)
    ended = until_end(client, process, 20)
    assert (ended.ended["exitCode"], ended.ended["signal"]) == (None, "SIGKILL")
    assert ended.ended["because"] == ("it was asked to end" if how == "kill" else "it ran longer than 4 s")
    assert gone(started, 5)


def test_an_end_by_agreement(client: Client) -> None:
    ended = sh(client, "trap 'echo bye; exit 0' TERM; echo on; sleep 60 & wait", seconds=0.5)
    assert ended.text == "on\nbye\n"
    assert ended.ended | {"durationMs": 0} == {
        "exitCode": 0,
        "signal": None,
        "because": "it ran longer than 0.5 s",
        "lost": 0,
        "durationMs": 0,
    }


def test_a_kill_ends_also_what_was_left_behind(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    process = start(client, "/bin/sh", "-c", "sleep 1000 & true")
    assert until_end(client, process).code == 0
    left = below(host)
    assert len(left) == 1
    client.request("process/kill", process=process)
    assert gone(left, 5)
    with pytest.raises(Failed) as failure:
        client.request("process/kill", process="nobody")
    assert failure.value.name == "unknown-process"


def test_the_spawner_dies(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    process = start(client, "/bin/sh", "-c", "echo on; sleep 1000")
    spawner = next(pid for pid in descendants(host.pid) if b"spawner" in cmdline(pid) and b"bwrap" not in cmdline(pid))
    os.kill(spawner, 9)
    ended = until_end(client, process, 20)
    assert (ended.text, ended.ended["signal"]) == ("on\n", "SIGKILL")
    assert ended.ended["because"] == "everything in the sandbox was ended"
    assert sh(client, "echo again").text == "again\n"


def test_the_host_ends(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    process = start(client, "/bin/sh", "-c", "echo on; sleep 1000")
    while read_on(client, process)["stdout"] == "":
        pass
    started = descendants(host.pid)
    _, answers = client.ask("process/read", process=process, stdout=3, stderr=0, maxBytes=9, waitMs=60_000)
    client.request("host/shutdown")
    ended = client.answer(answers, 10)["ended"]
    assert (ended["signal"], ended["because"]) == ("SIGTERM", "the sandbox ended")
    assert until_end(client, process).ended == ended, "whoever is attached may still ask"
    assert gone(started | {host.pid}, 10)
