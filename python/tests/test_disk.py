"""A full disk: the host lives, reads are answered, nothing is torn, and what was lost is told."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Failed, HostFixture

from seer_host.cells import AcceptedCells
from seer_host.journal import Journal


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_disk_full_and_free_again(make_host: object, small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "state").mkdir()
    host = make_host(stateDir=str(small_disk / "state"))  # type: ignore[operator]
    assert isinstance(host, HostFixture)
    client = host.client()
    client.start()
    client.run("c1", "print('kept')")
    records = client.run("c2", "import os\nfor i in range(80): print(os.urandom(50_000).hex(), flush=True)")
    lost = [r for r in records if r["kind"] == "output-lost"]
    assert len(lost) == 1 and lost[0]["reason"] == "cap" and lost[0]["bytes"] > 1_000_000
    assert records[-1]["status"] == "ok"
    for line in (small_disk / "state" / "journal.jsonl").read_bytes().splitlines():
        json.loads(line)
    with pytest.raises(Failed) as failure:
        client.execute("c3", "1")
    assert failure.value.name == "host-disk-full"
    assert client.stdout_of(client.read(0)).startswith("kept")
    for blob in list((small_disk / "state" / "blobs").iterdir()):
        blob.unlink()
    import time

    time.sleep(2.5)
    assert client.run("c4", "print('room again')")[-1]["status"] == "ok"
    assert client.run("c3", "print('never ran before')")[-1]["status"] == "ok"


def test_journal_tells_the_end_on_a_full_disk(small_disk: Path) -> None:
    journal = Journal(small_disk)
    (small_disk / "filler").write_bytes(b"x" * 2_000_000)
    while journal.append({"kind": "output", "text": "x" * 50_000}):
        pass
    with contextlib.suppress(OSError), open(small_disk / "filler", "ab", buffering=0) as filler:
        while filler.write(b"x" * 4096):  # what was left between two large records
            pass
    before = journal.last_seq
    assert not journal.append({"kind": "output", "text": "small"})
    for _ in range(100):  # more than the slack of a page
        assert journal.append({"kind": "cell-end", "text": "x" * 200}, must=True)
    assert journal.last_seq == before + 100 and b"cell-end" in journal.read(before + 99, 10_000)
    os.unlink(small_disk / "filler")
    journal.tick()
    assert journal.append({"kind": "output", "text": "small"})
    again = Journal(small_disk)
    assert again.last_seq == before + 101


def test_journal_cuts_a_torn_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for i in range(3):
        journal.append({"kind": "output", "i": i})
    with open(tmp_path / "journal.jsonl", "ab") as file:
        file.write(b'{"seq":4,"at":1,"ki' + b"x" * 500)
    again = Journal(tmp_path)
    assert again.last_seq == 3
    again.append({"kind": "output", "i": 3})
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert [(line["seq"], line["i"]) for line in lines] == [(1, 0), (2, 1), (3, 2), (4, 3)]


def test_accepted_cells_are_known_for_ever(tmp_path: Path) -> None:
    cells = AcceptedCells(tmp_path)
    assert cells.add("s1", "c1") and not cells.add("s1", "c1") and cells.add("s2", "c1")
    again = AcceptedCells(tmp_path)
    assert again.has("s1", "c1") and not again.add("s2", "c1") and again.add("s1", "c2")
