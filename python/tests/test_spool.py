"""The spool, fed with messages: losses are told, cells end though a message is missing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from seer_host import spool as module
from seer_host.blobs import Blobs
from seer_host.cells import Cell
from seer_host.journal import Journal
from seer_host.spool import Spool
from seer_host.wire import Message, Wire


class Fed:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wire = Wire("key")
        self.spool = Spool({"session": "s", "generation": 1}, self.wire, Journal(folder), Blobs(folder / "b"), 1 << 30)
        self.spool.accept("r1", Cell("c1"))
        self.next = 0

    def feed(self, kind: str, skip: int = 0, parent: str = "r1", **content: Any) -> None:
        self.next += 1 + skip
        _, parts = self.wire.request(kind, content)
        parts[3] = json.dumps({"msg_id": parent}).encode()
        parts[1] = self.wire._sign(parts[2:6])
        message = self.spool.parse([b"topic", b"seer-seq:%d" % self.next, *parts])
        if message is not None:
            self.spool.iopub(message)

    def reply(self, status: str = "ok") -> None:
        self.spool.reply(Message("execute_reply", "x", "r1", {"status": status, "execution_count": 1}, None, 10))

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "journal.jsonl").read_text().splitlines()]

    def kinds(self) -> list[str]:
        return [record["kind"] for record in self.records()]


@pytest.fixture
def fed(tmp_path: Path) -> Fed:
    fed = Fed(tmp_path)
    fed.feed("status", execution_state="busy")
    fed.feed("execute_input", execution_count=1)
    return fed


def test_ends_at_reply_and_idle_in_either_order(fed: Fed) -> None:
    fed.feed("status", execution_state="idle")
    assert fed.kinds() == ["cell-begin"]
    fed.reply()
    assert fed.kinds() == ["cell-begin", "cell-end"]


def test_a_gap_is_told_in_the_cell_that_ran(fed: Fed) -> None:
    fed.feed("stream", name="stdout", text="a")
    fed.feed("stream", skip=3, name="stdout", text="b")
    fed.feed("stream", skip=2, name="stdout", text="c")
    fed.feed("status", execution_state="idle")
    fed.reply()
    lost = [(r["cell"], r["reason"], r["messages"]) for r in fed.records() if r["kind"] == "output-lost"]
    assert lost == [("c1", "gap", 5)]


def test_nothing_comes_twice(fed: Fed) -> None:
    fed.feed("stream", name="stdout", text="a")
    fed.next -= 1
    fed.feed("stream", name="stdout", text="a")
    assert fed.kinds() == ["cell-begin", "output"]


def test_a_lost_idle(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.1)
    fed.reply("error")
    assert fed.spool.settle() is not None and fed.kinds() == ["cell-begin"]
    time.sleep(0.15)
    fed.spool.settle()
    assert fed.records()[-1]["status"] == "error" and fed.spool.settle() is None


def test_a_lost_reply(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPLY_PATIENCE_SECONDS", 0.1)
    fed.feed("status", execution_state="idle")
    time.sleep(0.15)
    fed.spool.settle()
    assert fed.records()[-1] | {"status": "error"} == fed.records()[-1]


def test_invalid_messages_are_counted(fed: Fed) -> None:
    assert fed.spool.parse([b"no message"]) is None
    fed.feed("stream", name="stdout", text=5)
    fed.feed("display_data", data={f"a/{i}": "" for i in range(20_000)}, metadata={})
    fed.reply("made up")
    fed.feed("status", execution_state="idle")
    lost, end = fed.records()[-2:]
    assert (lost["reason"], lost["messages"]) == ("invalid", 3) and end["status"] == "error"


def test_outputs_of_others_are_not_recorded(fed: Fed) -> None:
    fed.feed("stream", parent="other", name="stdout", text="x")
    assert fed.kinds() == ["cell-begin"]
