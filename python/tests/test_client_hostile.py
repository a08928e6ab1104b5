"""Text and tags as no encoder writes them: each is refused, and none is run, allocated or followed."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from seer_client.strict_json import BadJson, parse_json
from seer_client.values import BadValue, decode


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def tag(kind: str = "array", **more: Any) -> dict[str, Any]:
    return {
        "$seer": kind,
        **({"dtype": "float32", "shape": [2], "buffer": 0} if kind in ("array", "tensor") else {}),
        **more,
    }


HOSTILE = [
    tag(shape=[3]),
    tag(shape=[1]),
    tag(shape=[]),
    tag(shape=[-1, -2]),
    tag(shape=[-2]),
    tag(shape=[True, 2]),
    tag(shape=[2.0]),
    tag(shape=["2"]),
    tag(shape=[2, None]),
    tag(shape="2"),
    tag(shape={"0": 2}),
    tag(shape=[2**32, 2**32]),
    tag(shape=[2**62, 4]),
    tag(shape=[1 << 61]),
    tag(shape=[2**64 + 2]),
    tag(shape=[10**4000]),
    tag(shape=[1] * 31 + [2, 1]),
    tag(shape=[1] * 40_000),
    tag(buffer=1, shape=[0, 2**62]),
    tag(buffer=1, shape=[0, 2**59, 2**59]),
    tag(buffer=1, shape=[0, 10**30]),
    tag(buffer=2),
    tag(buffer=-1),
    tag(buffer=True),
    tag(buffer=0.0),
    tag(buffer="0"),
    tag(buffer=None),
    tag(buffer=10**30),
    tag(dtype="object"),
    tag(dtype="O"),
    tag(dtype="float31"),
    tag(dtype="<f4"),
    tag(dtype="f4"),
    tag(dtype="bfloat16", shape=[4]),
    tag(dtype="str"),
    tag(dtype="__class__"),
    tag(dtype=["float32"]),
    tag(dtype={"a": 1}),
    tag(dtype=None),
    tag(dtype="bool", shape=[8]),
    tag("tensor", dtype="qint8", shape=[8]),
    tag("tensor", dtype="load", shape=[8]),
    tag("tensor", dtype="bool", shape=[8]),
    tag("tensor", buffer=1, shape=[0, 2**62]),
    tag("tensor", shape=[3]),
    tag(extra=1),
    tag(__proto__=1),
    {"$seer": "array", "dtype": "float32", "shape": [2]},
    {"$seer": "float", "value": "NaN"},
    {"$seer": "float", "value": "1e5"},
    {"$seer": "float", "value": 1},
    {"$seer": "float", "value": ["nan"]},
    {"$seer": "float"},
    {"$seer": "float", "value": "nan", "buffer": 0},
    {"$seer": "bytes"},
    {"$seer": "bytes", "buffer": 9},
    {"$seer": "bytes", "buffer": 0, "size": 8},
    {"$seer": "pickle", "buffer": 0},
    {"$seer": "__class__"},
    {"$seer": ["array"]},
    {"$seer": {"$seer": "float", "value": "nan"}},
    {"$seer": None},
    {"$seer": True},
    [tag(), tag()],
    [tag(), {"$seer": "bytes", "buffer": 0}],
    {"a": {"b": [1, tag(shape=[9])]}},
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: json.dumps(value)[:60])
def test_what_no_encoder_writes_is_refused(value: Any) -> None:
    with pytest.raises(BadValue):
        decode(json.dumps(value).encode(), [bytearray(b"\x07" * 8), bytearray()])


def test_the_tags_that_the_hostile_ones_are_made_of_are_good() -> None:
    assert decode(json.dumps(tag()).encode(), [bytearray(8)]).tolist() == [0, 0]
    assert decode(json.dumps(tag(shape=[0, 5])).encode(), [bytearray()]).shape == (0, 5)
    assert decode(json.dumps(tag("tensor", dtype="bfloat16", shape=[4])).encode(), [bytearray(8)]).shape == (4,)
    assert decode(b'{"$seer":"float","value":"-inf"}', []) == -math.inf


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1,]",
        b"NaN",
        b"[-Infinity]",
        b"1e999",
        b"-1e999",
        b'{"a":1,"a":1}',
        b'[{"x":{"b":1,"\\u0062":2}}]',
        b"\xff",
        b'"\xed\xa0\x80"',
        b"1" * 4301,
        b"[" * 101 + b"]" * 101,
        b"[" * 1_000_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000,
        b'["\\\\",' + b"[" * 100 + b"]" * 100 + b"]",
        b"\x00",
        "[1]".encode("utf-16"),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_text_that_is_no_plain_json(text: bytes) -> None:
    with pytest.raises(BadJson):
        parse_json(text)


@pytest.mark.parametrize(
    "value",
    [
        nested(100),
        ["[" * 500, '"[{' * 300, "\\[" * 300, '\\"[' * 300],
        [[[]], {}, {"[": []}] * 300,
        ["\\", *[[]] * 300, '\\"', '"', *[{}] * 300],
        "[" * 1_000_000,
    ],
)
def test_brackets_in_text_are_text(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
