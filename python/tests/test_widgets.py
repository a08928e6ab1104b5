"""What is kept of widgets: their last state, bounded, whatever a kernel sends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from client import Client

from seer_host import widgets as module
from seer_host.blobs import Blobs
from seer_host.cells import Cell
from seer_host.journal import Journal
from seer_host.redact import Redactor
from seer_host.spool import Spool
from seer_host.widgets import Widgets
from seer_host.wire import Message, Wire

CELL = Cell("c1")
HELLO = {"_model_name": "LabelModel", "value": "hello"}


def comm_open(id: Any, state: Any, paths: Any = None, target: str = module.TARGET) -> dict[str, Any]:
    data = {"state": state, "buffer_paths": paths or []}
    return {"comm_id": id, "target_name": target, "data": data}


def update(id: str, state: Any, paths: Any = None) -> dict[str, Any]:
    return {"comm_id": id, "data": {"method": "update", "state": state, "buffer_paths": paths or []}}


def states(widgets: Widgets) -> dict[str, dict[str, Any]]:
    return {id: widget.state for id, _, widget in widgets.tell(time.monotonic())}


def test_the_last_state_is_told_once() -> None:
    widgets = Widgets()
    widgets.take("comm_open", comm_open("a", HELLO), [], CELL)
    for n in range(1000):
        widgets.take("comm_msg", update("a", {"value": n}), [], CELL)
    assert states(widgets) == {"a": {"_model_name": "LabelModel", "value": 999}}
    assert states(widgets) == {} and not widgets.due(time.monotonic() + 100)


def test_only_widgets_and_only_their_states() -> None:
    widgets = Widgets()
    widgets.take("comm_open", comm_open("other", HELLO, target="my.target"), [], CELL)
    widgets.take("comm_msg", update("other", {"value": 1}), [], CELL)
    widgets.take("comm_open", comm_open("a", HELLO), [], CELL)
    for method in ("custom", "echo_update", None):
        widgets.take("comm_msg", {"comm_id": "a", "data": {"method": method, "state": {"value": 1}}}, [], CELL)
    assert states(widgets) == {"a": HELLO}


def test_bytes_are_kept_by_their_place() -> None:
    widgets = Widgets()
    widgets.take("comm_open", comm_open("a", {"list": [None, 1]}, [["value"], ["list", 0]]), [b"one", b"two"], CELL)
    _, _, widget = next(widgets.tell(0))
    assert widget.state == {"list": [None, 1]}
    assert widget.buffers == {("value",): b"one", ("list", 0): b"two"}
    widgets.take("comm_msg", update("a", {"list": []}), [], CELL)
    widgets.take("comm_msg", update("a", {}, [["value"]]), [b"three"], CELL)
    _, _, widget = next(widgets.tell(0))
    assert widget.buffers == {("value",): b"three"} and widget.size == len("list[]") + len("three")


@pytest.mark.parametrize(
    ("content", "buffers"),
    [
        (comm_open(7, HELLO), []),
        (comm_open("a/b", HELLO), []),
        (comm_open("x" * 129, HELLO), []),
        (comm_open("a", ["no", "object"]), []),
        (comm_open("a", {"n" * 129: 1}), []),
        ({**comm_open("a", HELLO), "data": "text"}, []),
        (comm_open("a", HELLO, [["value"]]), []),
        (comm_open("a", HELLO, "value"), [b"x"]),
        (comm_open("a", HELLO, [[]]), [b"x"]),
        (comm_open("a", HELLO, [[0]]), [b"x"]),
        (comm_open("a", HELLO, [["value", -1]]), [b"x"]),
        (comm_open("a", HELLO, [["value", True]]), [b"x"]),
        (comm_open("a", HELLO, [["value", 1.5]]), [b"x"]),
        (comm_open("a", HELLO, [["value"] * 33]), [b"x"]),
        (comm_open("a", HELLO, [["value"]] * 1001), [b"x"] * 1001),
    ],
)
def test_other_shapes_are_refused_and_change_nothing(content: dict[str, Any], buffers: list[bytes]) -> None:
    widgets = Widgets()
    with pytest.raises(ValueError):
        widgets.take("comm_open", content, buffers, CELL)
    assert widgets.all == {} and widgets.bytes == 0 and states(widgets) == {}


def test_deep_states_are_refused() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ValueError):
        Widgets().take("comm_open", comm_open("a", {"value": deep}), [], CELL)


def test_room_is_made_by_those_that_changed_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WIDGETS", 3)
    widgets = Widgets()
    for id in "abc":
        assert widgets.take("comm_open", comm_open(id, HELLO), [], CELL) == 0
    widgets.take("comm_msg", update("a", {"value": "newer"}), [], CELL)
    assert widgets.take("comm_open", comm_open("d", HELLO), [], CELL) == 1, "b was not told yet"
    assert list(states(widgets)) == ["c", "a", "d"]
    assert widgets.take("comm_open", comm_open("e", HELLO), [], CELL) == 0, "c was told"
    assert widgets.take("comm_msg", update("c", {"value": 1}), [], CELL) == 1, "and is not known any more"
    assert widgets.bytes == sum(widget.size for widget in widgets.all.values())


def test_one_that_is_too_large_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    widgets = Widgets()
    assert widgets.take("comm_open", comm_open("a", {"value": "x" * 2000}), [], CELL) == 1
    assert widgets.take("comm_open", comm_open("b", {}, [["value"]]), [b"x" * 600], CELL) == 0
    assert widgets.take("comm_open", comm_open("c", {}, [["value"]]), [b"x" * 600], CELL) == 1
    assert list(states(widgets)) == ["c"] and widgets.bytes == 600


def test_less_and_less_often() -> None:
    widgets = Widgets()
    widgets.take("comm_open", comm_open("a", HELLO), [], CELL)
    now, told = 1000.0, 0
    for _ in range(3600):
        now += 1
        widgets.take("comm_msg", update("a", {"value": now}), [], CELL)
        if widgets.due(now):
            told += len(list(widgets.tell(now)))
    assert 300 < told < 700


def test_an_output_widget_captures_for_its_request() -> None:
    widgets = Widgets()
    widgets.take("comm_open", comm_open("a", {"_model_name": "OutputModel", "msg_id": ""}), [], CELL)
    assert widgets.capturer("r1") is None
    widgets.take("comm_msg", update("a", {"msg_id": "r1"}), [], CELL)
    assert widgets.capturer("r1") == "a" and widgets.capturer("r2") is None and widgets.capturer(None) is None
    widgets.take("comm_msg", update("a", {"msg_id": ""}), [], CELL)
    assert widgets.capturer("r1") is None


class Fed:
    def __init__(self, folder: Path, secrets: Redactor | None = None, cap: int = 10**9) -> None:
        self.folder = folder
        journal, blobs = Journal(folder), Blobs(folder / "blobs")
        stamp = {"session": "s1", "generation": 1}
        self.spool = Spool(stamp, Wire("key"), journal, blobs, cap, secrets)
        self.spool.accept("request", Cell("c1"))

    def feed(self, kind: str, content: dict[str, Any], buffers: tuple[bytes, ...] = ()) -> None:
        self.spool.iopub(Message(kind, "id", "request", content, None, 100, buffers))

    def records(self, kind: str = "widget") -> list[dict[str, Any]]:
        lines = (self.folder / "journal.jsonl").read_text().splitlines()
        return [record for line in lines if (record := json.loads(line))["kind"] == kind]


def test_a_state_is_a_record_before_the_cell_ends(tmp_path: Path) -> None:
    fed = Fed(tmp_path)
    fed.feed("comm_open", comm_open("a", {**HELLO, "long": "x" * 50_000}, [["bytes"]]), (b"\x89PNG",))
    fed.feed("status", {"execution_state": "idle"})
    reply = Message("execute_reply", "id", "request", {"status": "ok", "execution_count": 1}, None, 1)
    assert fed.records() == []
    fed.spool.reply(reply)
    (record,) = fed.records()
    assert (record["cell"], record["model"]) == ("c1", "a")
    state, buffers = record["widget"]["state"], record["widget"]["buffers"]
    assert state["value"] == "hello" and state["long"]["bytes"] == 50_000
    assert buffers == [
        {"path": ["bytes"], "data": {"blob": buffers[0]["data"]["blob"], "bytes": 4, "encoding": "base64"}}
    ]
    assert fed.records("cell-end")[0]["seq"] > record["seq"]


def test_a_closed_one_is_told_and_forgotten(tmp_path: Path) -> None:
    fed = Fed(tmp_path)
    fed.feed("comm_open", comm_open("a", HELLO))
    fed.feed("comm_open", comm_open("b", HELLO))
    fed.feed("comm_close", {"comm_id": "a", "data": {}})
    assert [record["model"] for record in fed.records()] == ["a"]
    assert list(fed.spool.widgets.all) == ["b"]


def test_many_at_once_are_told_before_room_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WIDGETS", 60)
    monkeypatch.setattr(module, "MANY", 50)
    fed = Fed(tmp_path)
    for n in range(500):
        fed.feed("comm_open", comm_open(f"w{n}", HELLO))
    fed.spool.kernel_died(1, None, "died")
    assert len(fed.records()) == 500 and fed.records("output-lost") == []


def test_secrets_are_hidden_in_them(tmp_path: Path) -> None:
    fed = Fed(tmp_path, Redactor([("TOKEN", ["s3cret-value"])]))
    fed.feed("comm_open", comm_open("a", {"value": "it is s3cret-value", "list": [{"s3cret-value": 1}]}))
    fed.spool.kernel_died(1, None, "died")
    assert "s3cret" not in (tmp_path / "journal.jsonl").read_text()
    assert fed.records()[0]["widget"]["state"]["value"] == "it is [secret TOKEN]"


def test_beyond_the_cell_s_room_they_are_counted(tmp_path: Path) -> None:
    fed = Fed(tmp_path, cap=10)
    fed.feed("comm_open", comm_open("a", HELLO))
    fed.feed("comm_close", {"comm_id": "a"})
    fed.feed("comm_open", comm_open("b", HELLO))
    fed.feed("comm_open", comm_open("c", "no object"))
    fed.spool.kernel_died(1, None, "died")
    assert len(fed.records()) == 1
    assert [(r["reason"], r["messages"]) for r in fed.records("output-lost")] == [("invalid", 1), ("cap", 1)]


CODE = """
from ipykernel.comm import Comm
comm = Comm("jupyter.widget", data={"state": {"value": 0}, "buffer_paths": []}, comm_id="bar")
for n in range(500): comm.send({"method": "update", "state": {"value": n}, "buffer_paths": []})
comm.send({"method": "update", "state": {}, "buffer_paths": [["raw"]]}, buffers=[b"bytes"])
"""


def test_from_a_real_kernel(shared: Client) -> None:
    records = shared.run("w1", CODE)
    found = [record for record in records if record["kind"] == "widget"]
    assert 1 <= len(found) <= 5
    assert found[-1]["model"] == "bar" and found[-1]["widget"]["state"] == {"value": 499}
    assert found[-1]["widget"]["buffers"][0]["path"] == ["raw"]
    assert records[-1]["kind"] == "cell-end" and records[-1]["status"] == "ok"
