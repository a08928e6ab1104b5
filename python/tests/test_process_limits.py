"""Processes that take more than their sandbox may: of memory, of disk, of the host's own disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from client import Failed, HostFixture
from process_client import run, sh, start, until_end
from test_disk import small_disk
from test_watch import FILL, MB
from wall_fixture import needs_wall

from seer_host.process import Process
from seer_host.process_table import TOLD_SECONDS, ProcessTable

__all__ = ["small_disk"]
MakeHost = Callable[..., HostFixture]


@needs_wall
@pytest.mark.parametrize(
    ("limits", "argv", "why"),
    [
        ({"memoryBytes": 400 * MB, "watchMemory": True}, ["python3", "-c", FILL], "400 MB of memory"),
        (
            {"memoryBytes": 400 * MB, "watchMemory": True},
            ["/bin/sh", "-c", 'python3 -c "$1"; exit $?', "sh", FILL],
            "400 MB",
        ),
        ({"diskBytes": 50 * MB}, ["/bin/sh", "-c", "head -c 90000000 /dev/zero > big; sleep 60"], "50 MB of disk"),
    ],
)
def test_over_a_watched_limit_it_ends_and_it_is_told_why(
    make_host: MakeHost, limits: dict[str, int], argv: list[str], why: str
) -> None:
    client = make_host(walled=True, limits=limits).client()
    ended = run(client, *argv).ended
    assert ended["signal"] == "SIGKILL" or ended["exitCode"] == 137
    assert why in ended["because"]
    assert sh(client, "echo on").text == "on\n"


@needs_wall
def test_no_room_for_another_process(make_host: MakeHost) -> None:
    client = make_host(walled=True, limits={"processes": 12}).client()
    running = [start(client, "/bin/sleep", "60") for _ in range(4)]
    refused = 0
    for _ in range(20):
        try:
            running.append(start(client, "/bin/sleep", "60"))
        except Failed as failure:
            assert failure.name == "process-start-failed"
            assert "Resource temporarily unavailable" in str(failure)
            refused += 1
    assert refused > 0
    for process in running:
        client.request("process/kill", process=process)
    assert sh(client, "echo on").text == "on\n"


def test_a_full_disk_of_the_host(make_host: MakeHost, small_disk: Path) -> None:
    (small_disk / "state").mkdir(exist_ok=True)
    client = make_host(stateDir=str(small_disk / "state")).client()
    ended = until_end(client, start(client, "/bin/sh", "-c", "yes | head -c 9000000", maxBytes=1 << 30))
    assert ended.code == 0
    assert len(ended.stdout) > 1_000_000 and len(ended.stdout) + ended.ended["lost"] == 9_000_000
    assert ended.stdout == (b"y\n" * 4_500_000)[: len(ended.stdout)]
    with open(small_disk / "filler", "wb", buffering=0) as filler, pytest.raises(OSError):
        while True:
            filler.write(b"x" * 4096)
    with pytest.raises(Failed) as failure:
        for _ in range(200):
            sh(client, "echo little")
    assert failure.value.name == "host-disk-full"
    for path in (small_disk / "state" / "processes").iterdir():
        path.unlink()
    assert sh(client, "echo room again").text == "room again\n"


def test_what_was_told_long_ago_is_forgotten(tmp_path: Path) -> None:
    table = ProcessTable.__new__(ProcessTable)
    table.known = {}
    for number, told in enumerate([None, 0.0, TOLD_SECONDS + 1]):
        process = Process(f"p{number}", tmp_path, 100, None, threading.Condition(), None)  # type: ignore[arg-type]
        process.stdout.take(b"x")
        process.told_at = None if told is None else time.monotonic() - told
        table.known[process.id] = process
    table._forget()
    assert list(table.known) == ["p0", "p1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p0.stdout", "p1.stdout"]
