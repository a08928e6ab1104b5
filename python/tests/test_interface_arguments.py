"""Arguments are checked against the annotations before a function runs: what is taken, and what is said of the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from interface_process import CallFailed, InterfaceProcess, serving

FILE = """
    from dataclasses import dataclass, field
    from typing import Any, Literal, Optional, Union
    import numpy as np, torch

    @dataclass
    class Item:
        text: str
        weight: float = 1.0
        tags: tuple[str, ...] = ()

        def __post_init__(self):
            if self.text == "bad":
                raise ValueError("no bad ones")

    @dataclass(kw_only=True)
    class Box:
        items: list[Item]
        by_name: dict[str, Item] = field(default_factory=dict)

    ran = []

    def told(value):
        ran.append(1)
        if isinstance(value, (np.ndarray, torch.Tensor)):
            return {"kind": type(value).__name__, "dtype": str(value.dtype), "value": value}
        return {"kind": type(value).__name__, "value": repr(value)}

    @expose
    def count() -> int:
        return len(ran)

    @expose
    def three(a, /, b: int = 2, *, c: int = 3) -> list:
        return [a, b, c]

    @expose
    def skipped(a: int = 1, b: int = 2, /, c: int = 3) -> list:
        return [a, b, c]
"""
ANNOTATIONS = {
    "bool": "bool",
    "int": "int",
    "float": "float",
    "str": "str",
    "none": "None",
    "any": "Any",
    "list": "list",
    "ints": "list[int]",
    "rows": "list[list[float]]",
    "pair": "tuple[int, str]",
    "many": "tuple[int, ...]",
    "dict": "dict",
    "scores": "dict[str, float]",
    "maybe": "Optional[int]",
    "either": "Union[float, int, list[str]]",
    "choice": 'Literal["a", 1, True]',
    "item": "Item",
    "maybe_item": "Item | None",
    "box": "Box",
    "bytes": "bytes",
    "array": "np.ndarray",
    "tensor": "torch.Tensor",
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceProcess]:
    code = FILE
    for name, annotation in ANNOTATIONS.items():
        code += f"\n    @expose\n    def of_{name}(x: {annotation}) -> dict:\n        return told(x)\n"
    with serving(tmp_path_factory.mktemp("arguments"), code) as process:
        yield process


TAKEN = [
    ("bool", True, "bool True"),
    ("int", 2**60 + 1, f"int {2**60 + 1}"),
    ("float", 1.5, "float 1.5"),
    ("float", 3, "float 3.0"),
    ("float", math.inf, "float inf"),
    ("str", "3", "str '3'"),
    ("none", None, "NoneType None"),
    ("any", {"a": [1, None]}, "dict {'a': [1, None]}"),
    ("list", [1, "a"], "list [1, 'a']"),
    ("ints", [], "list []"),
    ("ints", (1, 2), "list [1, 2]"),
    ("rows", [[1, 2.5], []], "list [[1.0, 2.5], []]"),
    ("pair", [1, "a"], "tuple (1, 'a')"),
    ("many", [1, 2, 3], "tuple (1, 2, 3)"),
    ("dict", {"a": 1}, "dict {'a': 1}"),
    ("scores", {"a": 1, "b": 2.5}, "dict {'a': 1.0, 'b': 2.5}"),
    ("maybe", None, "NoneType None"),
    ("maybe", 3, "int 3"),
    ("either", 3, "int 3"),
    ("either", 3.0, "float 3.0"),
    ("either", ["a"], "list ['a']"),
    ("choice", 1, "int 1"),
    ("choice", True, "bool True"),
    ("item", {"text": "a"}, "Item Item(text='a', weight=1.0, tags=())"),
    ("item", {"text": "a", "weight": 2, "tags": ["x"]}, "Item Item(text='a', weight=2.0, tags=('x',))"),
    ("maybe_item", {"text": "a"}, "Item Item(text='a', weight=1.0, tags=())"),
    ("box", {"items": [{"text": "a"}]}, "Box Box(items=[Item(text='a', weight=1.0, tags=())], by_name={})"),
    ("bytes", b"\0a", "bytes b'\\x00a'"),
]


@pytest.mark.parametrize(("name", "value", "got"), TAKEN)
def test_what_is_taken(process: InterfaceProcess, name: str, value: Any, got: str) -> None:
    told = process.call(f"of_{name}", x=value)
    assert f"{told['kind']} {told['value']}" == got


ARRAYS = [
    ("array", [1, 2], "int64", [1, 2]),
    ("array", [[1, 2.5], [3, 4]], "float32", [[1, 2.5], [3, 4]]),
    ("array", [True, False], "bool", [True, False]),
    ("array", [], "float32", []),
    ("array", [[], []], "float32", [[], []]),
    ("array", [math.nan], "float32", [math.nan]),
    ("array", np.zeros((2, 2), np.uint8), "uint8", [[0, 0], [0, 0]]),
    ("array", torch.ones(2), "float32", [1, 1]),
    ("tensor", [[1], [2]], "torch.int64", [[1], [2]]),
    ("tensor", [0.5], "torch.float32", [0.5]),
    ("tensor", np.array(5), "torch.int64", 5),
    ("tensor", torch.ones(2, dtype=torch.bfloat16), "torch.bfloat16", [1, 1]),
]


@pytest.mark.parametrize(("name", "value", "dtype", "numbers"), ARRAYS, ids=str)
def test_arrays_also_as_lists(process: InterfaceProcess, name: str, value: Any, dtype: str, numbers: Any) -> None:
    told = process.call(f"of_{name}", x=value)
    assert told["dtype"] == dtype and told["kind"] == ("Tensor" if name == "tensor" else "ndarray")
    assert np.array_equal(told["value"].tolist(), numbers, equal_nan=True)


WRONG = [
    ("bool", 1, "x: expected bool, got int 1"),
    ("bool", "true", "x: expected bool, got str 'true'"),
    ("bool", None, "x: expected bool, got None"),
    ("int", True, "x: expected int, got bool True"),
    ("int", 3.0, "x: expected int, got float 3.0"),
    ("int", "3", "x: expected int, got str '3'"),
    ("float", "1.5", "x: expected float, got str '1.5'"),
    ("float", True, "x: expected float, got bool True"),
    ("float", 10**400, "x: expected a number that a float can be, got int 1000"),
    ("str", 3, "x: expected str, got int 3"),
    ("str", b"a", "x: expected str, got 1 bytes"),
    ("str", "x" * 0 or ["a"], "x: expected str, got a list with 1 item"),
    ("none", 0, "x: expected None, got int 0"),
    ("list", "ab", "x: expected list, got str 'ab'"),
    ("list", {"0": 1}, "x: expected list, got a dict with 1 item"),
    ("ints", [1, 2, "3"], "x[2]: expected int, got str '3'"),
    ("ints", [1, True], "x[1]: expected int, got bool True"),
    ("ints", [1, 2.0], "x[1]: expected int, got float 2.0"),
    ("rows", [[1.0], [2.0, None]], "x[1][1]: expected float, got None"),
    ("pair", [1], "x: expected tuple[int, str], got a list with 1 item"),
    ("pair", [1, "a", 2], "x: expected tuple[int, str], got a list with 3 items"),
    ("pair", ["a", 1], "x[0]: expected int, got str 'a'"),
    ("many", [1, None], "x[1]: expected int, got None"),
    ("many", 1, "x: expected tuple[int, ...], got int 1"),
    ("dict", [], "x: expected dict, got a list with 0 items"),
    ("scores", {"a": 1, "b c": "2"}, "x['b c']: expected float, got str '2'"),
    ("maybe", "3", "x: expected int | None, got str '3'"),
    ("either", "a", "x: expected float | int | list[str], got str 'a'"),
    ("either", True, "got bool True"),
    ("choice", "b", "x: expected one of 'a', 1, True, got str 'b'"),
    ("choice", 1.0, "x: expected one of 'a', 1, True, got float 1.0"),
    ("item", "a", "x: expected Item (a dict of its fields), got str 'a'"),
    ("item", {}, "x: the field 'text' of Item is missing"),
    ("item", {"text": "a", "txt": 1}, "x: Item has no field 'txt'; it has text, weight, tags"),
    ("item", {"text": "a", "__class__": 1}, "x: Item has no field '__class__'"),
    ("item", {"text": 5}, "x.text: expected str, got int 5"),
    ("item", {"text": "a", "tags": ["x", 1]}, "x.tags[1]: expected str, got int 1"),
    ("item", {"text": "bad"}, "x: Item refuses it: ValueError: no bad ones"),
    ("maybe_item", {"text": 5}, "x.text: expected str, got int 5"),
    ("maybe_item", 5, "x: expected Item | None, got int 5"),
    ("box", {"items": [{"text": "a"}, {"text": "b"}, {"text": None}]}, "x.items[2].text: expected str, got None"),
    ("box", {"items": [], "by_name": {"k": {"weight": 1}}}, "x.by_name['k']: the field 'text' of Item is missing"),
    ("bytes", "a", "x: expected bytes, got str 'a'"),
    ("array", 1.0, "x: expected np.ndarray, got float 1.0"),
    ("array", "ab", "x: expected np.ndarray, got str 'ab'"),
    ("array", [1, "2"], "x[1]: expected a number, got str '2'"),
    ("array", [1, True], "x: numbers, and True or False between them"),
    ("array", [[1, 2], [3, None]], "x[1][1]: expected a number, got None"),
    ("array", [[1, 2], [3]], "x[1]: a list of shape [1] beside one of [2]"),
    ("array", [[1, 2], 3], "x[1]: expected a list, as its neighbours are, got int 3"),
    ("array", [2**70], "its numbers do not fit into int64"),
    ("array", [1e300], "its numbers do not fit into float32"),
    ("array", torch.ones(2, dtype=torch.bfloat16), "a tensor of bfloat16 cannot be an array of numpy"),
    ("tensor", [["a"]], "x[0][0]: expected a number, got str 'a'"),
    ("tensor", b"", "x: expected torch.Tensor, got 0 bytes"),
    ("int", np.zeros((2, 3)), "x: expected int, got an array of float64 and shape (2, 3)"),
    ("str", torch.ones(2), "x: expected str, got a tensor of float32 and shape (2,)"),
    ("int", "x" * 10_000, "x: expected int, got str 'xxxxx"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG, ids=[f"{name} {said[:40]}" for name, _, said in WRONG])
def test_what_is_refused(process: InterfaceProcess, name: str, value: Any, said: str) -> None:
    before = process.call("count")
    with pytest.raises(CallFailed) as error:
        process.call(f"of_{name}", x=value)
    assert error.value.kind == "invalid-arguments" and not error.value.traceback
    assert error.value.message.startswith(f"of_{name}(): ") and said in error.value.message
    assert len(error.value.message) < 250
    assert process.call("count") == before, "it did not run"


def test_names_and_defaults(process: InterfaceProcess) -> None:
    assert process.call("three", a=1) == [1, 2, 3]
    assert process.call("three", c=9, a=None, b=8) == [None, 8, 9]
    assert process.call("skipped", b=5) == [1, 5, 3], "one by position that was left out before it"
    for arguments, said in [
        ({}, "three() is missing the argument 'a'"),
        ({"a": 1, "d": 2}, "three() has no parameter 'd'; it has a, b, c"),
        ({"a": 1, "bb": 2}, "three() has no parameter 'bb': did you mean 'b'?"),
        ({"a": 1, "x" * 100_000: 2}, "three() has no parameter 'xxx"),
    ]:
        with pytest.raises(CallFailed) as error:
            process.call("three", **arguments)
        assert error.value.kind == "invalid-arguments" and said in error.value.message
        assert len(error.value.message) < 250
    with pytest.raises(CallFailed, match="it takes no arguments"):
        process.call("count", a=1)
