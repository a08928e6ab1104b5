"""What watches memory and disk where nothing else holds a sandbox to its limits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from client import HostFixture
from wall_fixture import needs_wall, wall_for

from seer_host.wall_plan import Limits
from seer_host.watch import Watch, disk_use, gigabytes

MakeHost = Callable[..., HostFixture]
MB = 10**6


def test_disk_use(tmp_path: Path) -> None:
    assert disk_use(tmp_path / "missing") == 0
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "data").write_bytes(b"x" * 10 * MB)
    (tmp_path / "elsewhere").symlink_to("/usr")
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(10**12)
    assert 10 * MB <= disk_use(tmp_path) < 11 * MB


def watch(folder: Path, disk_bytes: int) -> tuple[Watch, list[str]]:
    said: list[str] = []
    limits = Limits(memory_bytes=None, data_bytes=None, processes=None, disk_bytes=disk_bytes, watch_memory=False)
    return Watch(limits, [folder], lambda: os.getpid(), lambda: said.append("stop"), said.append), said


def test_over_its_disk_it_is_stopped_and_may_then_make_room(tmp_path: Path) -> None:
    one, said = watch(tmp_path, 10 * MB)

    def look() -> list[str]:
        one.next_disk = 0
        one.step()
        taken, said[:] = list(said), []
        return taken

    (tmp_path / "a").write_bytes(b"x" * 9 * MB)
    assert look() == []
    (tmp_path / "b").write_bytes(b"x" * 4 * MB)
    assert look() == ["the files of the sandbox took 13 MB, more than its 10 MB of disk", "stop"]
    assert look() == [], "it runs again, to remove files"
    (tmp_path / "c").write_bytes(b"x" * 1 * MB)
    assert look()[-1:] == ["stop"], "and is stopped when it takes still more"
    for name in ("a", "b", "c"):
        (tmp_path / name).unlink()
    assert look() == []
    (tmp_path / "d").write_bytes(b"x" * 11 * MB)
    assert look()[-1:] == ["stop"], "the limit itself holds again"


def test_sizes_for_people() -> None:
    assert [gigabytes(n) for n in (13 * MB, 18_900 * MB)] == ["13 MB", "18.9 GB"]


FILL = """
import time
blocks = []
while True:
    blocks.append(bytearray(b'x') * 20_000_000); time.sleep(0.05)
"""


@needs_wall
@pytest.mark.parametrize(
    ("limits", "code", "why"),
    [
        ({"memoryBytes": 400 * MB, "watchMemory": True}, FILL, "400 MB of memory"),
        (
            {"diskBytes": 50 * MB},
            "import time\nfor n in range(100):\n open(f'f{n}', 'wb').write(b'x' * 10_000_000)\ntime.sleep(60)",
            "50 MB of disk",
        ),
    ],
)
def test_a_kernel_over_a_watched_limit_ends_and_it_is_told_why(
    make_host: MakeHost, tmp_path: Path, limits: dict[str, int], code: str, why: str
) -> None:
    client = make_host(walled=True, limits=limits).client()
    client.start()
    client.execute("c1", code)
    dead = client.until("kernel-dead", timeout=40)[-1]
    assert dead["reason"] == "died" and dead["signal"] == "SIGKILL"
    assert why in dead["because"]
    client.start(generation=2)
    assert client.run("c2", "1", generation=2)[-1]["status"] == "ok"


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group of version 1, where this user may make one."""
    own = [line.rstrip().split(":", 2)[2] for line in open("/proc/self/cgroup") if ":memory:" in line]
    folder = Path(f"/sys/fs/cgroup/memory{own[0] if own else ''}/seer-test-{os.getpid()}")
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(400 * MB))
    except OSError:
        pytest.skip("no control group of version 1 can be made here")
    yield folder
    assert not folder.exists(), "the host removes it at its end"


@needs_wall
def test_a_kernel_that_the_system_ends_for_its_memory(make_host: MakeHost, memory_group: Path) -> None:
    host = make_host(
        walled=True,
        limits={"memoryBytes": 400 * MB},
        change=lambda wall: wall.update(cgroups=[str(memory_group)]),
    )
    client = host.client()
    kernel = client.start()
    assert str(kernel["pid"]) in (memory_group / "cgroup.procs").read_text().split()
    client.execute("c1", FILL)
    dead = client.until("kernel-dead", timeout=60)[-1]
    assert (dead["reason"], dead["signal"]) == ("died", "SIGKILL")
    assert "400 MB of memory" in dead["because"]
    client.start(generation=2)
    assert client.run("c2", "1", generation=2)[-1]["status"] == "ok", "the others live on"
    client.request("host/shutdown", timeout=15)


def test_the_fixture_takes_limits(tmp_path: Path) -> None:
    assert wall_for(tmp_path, processes=5)["limits"]["processes"] == 5
