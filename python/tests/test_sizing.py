"""Records stay small whatever the output is, and what was cut out is in a blob, whole."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from seer_host.blobs import Blobs
from seer_host.errors import RpcError
from seer_host.journal import MAX_LINE_BYTES
from seer_host.outputs import to_output
from seer_host.sizing import CellSpace, Sizer, Unfit
from seer_host.text import deeper_than, encode_json, encode_text, parse_json
from seer_host.wire import BadMessage, Gaps, Wire


def fit(folder: Path, output: dict[str, Any], space: CellSpace | None = None) -> list[dict[str, Any]]:
    parts = list(Sizer(Blobs(folder), space or CellSpace()).fit(output))
    for part in parts:
        assert len(encode_json(part)) < MAX_LINE_BYTES
    return parts


def display(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}, **more}


def test_small_values_stay(tmp_path: Path) -> None:
    output = display({"text/plain": "x" * 60_000, "application/json": {"a": [1, None]}})
    assert fit(tmp_path, output) == [output]
    assert list(tmp_path.iterdir()) == []


def test_long_text_becomes_a_blob_with_its_edges(tmp_path: Path) -> None:
    text = "".join(f"é{i}\n" for i in range(20_000))
    ref = fit(tmp_path, display({"text/plain": text}))[0]["data"]["text/plain"]
    stored = (tmp_path / ref["blob"]).read_bytes()
    assert stored.decode() == text and ref["bytes"] == len(stored) and ref["encoding"] == "text"
    assert hashlib.sha256(stored).hexdigest() == ref["blob"]
    assert ref["head"] == text[:2048] and ref["tail"] == text[-2048:]


def test_images_are_stored_decoded(tmp_path: Path) -> None:
    image = os.urandom(100_000)
    wrapped = base64.encodebytes(image).decode()
    parts = fit(
        tmp_path, display({"image/png": wrapped, "image/svg+xml": "<svg>" + "é" * 90_000, "image/gif": "?" * 90_000})
    )
    png, svg, gif = (parts[0]["data"][mime] for mime in ("image/png", "image/svg+xml", "image/gif"))
    assert (tmp_path / png["blob"]).read_bytes() == image
    assert png == {"blob": png["blob"], "bytes": 100_000, "encoding": "base64"}
    assert svg["encoding"] == "text" and gif["encoding"] == "text", "what is not base64 is kept as it is"


def test_json_values(tmp_path: Path) -> None:
    value = {"x": list(range(50_000))}
    ref = fit(tmp_path, display({"application/vnd.plotly.v1+json": value}))[0]["data"]["application/vnd.plotly.v1+json"]
    assert ref["encoding"] == "json" and json.loads((tmp_path / ref["blob"]).read_bytes()) == value


def test_after_a_mebibyte_inline_smaller_values_leave(tmp_path: Path) -> None:
    space = CellSpace()
    parts = [
        fit(tmp_path, {"output_type": "stream", "name": "stdout", "text": "x" * 5000}, space)[0] for _ in range(300)
    ]
    kinds = [type(part["text"]) for part in parts]
    assert kinds.index(dict) in range(208, 212) and kinds[-1] is dict
    assert isinstance(
        fit(tmp_path, {"output_type": "stream", "name": "stdout", "text": "x" * 4000}, space)[0]["text"], str
    )


def test_control_characters_count_as_they_are_written(tmp_path: Path) -> None:
    assert isinstance(fit(tmp_path, display({"text/plain": "\x00" * 30_000}))[0]["data"]["text/plain"], dict)


def test_a_huge_stream_text_is_several_records(tmp_path: Path) -> None:
    text = "😀" * 2_500_000
    parts = fit(tmp_path, {"output_type": "stream", "name": "stderr", "text": text})
    assert len(parts) == 3 and all(part["text"]["bytes"] <= 4 * 1024 * 1024 for part in parts)
    assert "".join((tmp_path / part["text"]["blob"]).read_text() for part in parts) == text


def test_a_bundle_of_many_values(tmp_path: Path) -> None:
    data = {f"text/x-{i}": "y" * 60_000 for i in range(100)}
    fitted = fit(tmp_path, display(data))[0]["data"]
    assert fitted.keys() == data.keys() and all("blob" in ref for ref in fitted.values())
    with pytest.raises(Unfit):
        fit(tmp_path, display({f"text/x-{i}": "y" for i in range(20_000)}))


def test_errors_and_metadata(tmp_path: Path) -> None:
    error = {"output_type": "error", "ename": "E" * 10**6, "evalue": "v" * 10**6, "traceback": ["t" * 1000] * 1000}
    fitted = fit(tmp_path, error)[0]
    assert len(fitted["ename"]) == 1024 and fitted["evalue"]["encoding"] == "text"
    # As text: its start and its end stand in the notebook, and are told the model.
    assert (tmp_path / fitted["traceback"]["blob"]).read_text() == "\n".join(error["traceback"])
    assert fitted["traceback"]["encoding"] == "text" and fitted["traceback"]["head"].count("\n") == 2
    trimmed = fit(tmp_path, {**display({}), "metadata": {"a": "x" * 10**6}})[0]
    assert trimmed["metadata"]["seer"]["trimmedBytes"] > 10**6


def test_json_that_looks_like_a_blob_or_is_too_deep(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    forged = {"blob": "0" * 64, "bytes": 1, "encoding": "text"}
    fitted = fit(tmp_path, display({"application/json": forged, "a/b+json": deep}))[0]["data"]
    assert json.loads((tmp_path / fitted["application/json"]["blob"]).read_bytes()) == forged
    assert fitted["a/b+json"]["encoding"] == "json"
    assert deeper_than(deep, 64) and not deeper_than(deep, 300)


def test_numbers_and_text_that_others_cannot_read() -> None:
    assert parse_json(b"[NaN, Infinity, 1e999, 1.5, %s]" % (b"9" * 5000)) == [None, None, None, 1.5, None]
    assert encode_text("a\ud83d\ude00\ud800b").decode() == "a😀\ufffdb"
    json.loads(encode_json({"k\udfff": ["\ud800"]}))
    with pytest.raises(ValueError):
        parse_json(b"[" * 200_000)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("stream", {"name": "log", "text": "x"}),
        ("stream", {"name": "stdout", "text": 3}),
        ("display_data", {"data": []}),
        ("display_data", {"data": {"x" * 300: ""}}),
        ("display_data", {"data": {}, "transient": {"display_id": 5}}),
        ("update_display_data", {"data": {}, "metadata": {}}),
        ("error", {"ename": "E", "evalue": "v", "traceback": "no list"}),
    ],
)
def test_invalid_outputs(kind: str, content: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        to_output(kind, content)


def test_only_blobs_are_read(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    (tmp_path / "secret").write_text("x")
    sha256, written = blobs.put(b"abc")
    assert written == 3 and blobs.put(b"abc") == (sha256, 0) and blobs.read(sha256, 1, 9) == (b"bc", 3)
    for name in ("../secret", "part-1", sha256.upper(), ""):
        with pytest.raises(RpcError):
            blobs.read(name, 0, 1)


def test_signatures() -> None:
    ours, theirs = Wire("a"), Wire("b")
    id, parts = ours.request("status", {"execution_state": "idle"})
    assert ours.parse([b"topic", b"seer-seq:7", *parts]).id == id
    assert ours.parse([b"seer-seq:7", *parts]).sequence == 7
    for bad in (
        parts[:-1],
        [b"x"],
        theirs.request("status", {})[1],
        [*parts[:-1], b"{}"],
        [*parts[:2], b"[]", *parts[3:]],
    ):
        with pytest.raises(BadMessage):
            ours.parse(bad)


def test_gaps() -> None:
    gaps = Gaps()
    assert [gaps.missing(n) for n in (5, 6, None, 9, 9, 8, 10, 110)] == [0, 0, 0, 2, -1, -1, 0, 99]
