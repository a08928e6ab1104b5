"""An interface as a package that is imported: its names, signatures, docstrings, errors."""

from __future__ import annotations

import inspect
import pickle
import pydoc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from fake_seer import FakeSeer, import_library, seer_with

FILE = '''
    """Tools for a model."""
    from dataclasses import dataclass
    from typing import Literal
    import numpy as np, torch
    import helper

    @dataclass
    class Item:
        text: str
        k: int = 3

    @expose
    def embed(
        text: str, /, layer: int = -1, *, scale: float = float("inf"), mode: Literal["a", "b"] = "a"
    ) -> np.ndarray:
        """Where a text lies.

        More of it.
        """
        return np.full((2, 3), layer, dtype=np.float32)

    @expose
    def values(items: list[Item] | None = None) -> list: return items
    @expose
    def frames(__proto__, self=1) -> dict: return {"__proto__": __proto__, "self": self}
    @expose
    def tensor(dtype: str): return torch.ones(3, dtype=getattr(torch, dtype))
    @expose
    def echo(value): return value
    @expose
    def fails(n: int): helper.fail(n)
    @expose
    def too_much(): return np.zeros(2**27)
    @expose
    def open(): return "mine"
'''


@pytest.fixture(scope="module")
def seer() -> Iterator[FakeSeer]:
    with seer_with(FILE, {"helper.py": "def fail(n):\n    raise ValueError(f'no layer {n}')\n"}) as seer:
        yield seer


@pytest.fixture
def tools(seer: FakeSeer, monkeypatch: pytest.MonkeyPatch) -> Any:
    seer.asked.clear()
    return import_library(seer, monkeypatch)


NAMES = ["embed", "values", "frames", "tensor", "echo", "fails", "too_much", "open"]


def test_it_has_its_functions_and_nothing_else(tools: Any) -> None:
    assert tools.__all__ == [*NAMES, "InterfaceError"]
    assert sorted(name for name in vars(tools) if not name.startswith("_")) == sorted(tools.__all__)
    assert tools.__doc__ == "Tools for a model."
    assert tools.open() == "mine"
    namespace: dict[str, Any] = {}
    exec("from model_tools import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(tools.__all__)


def test_functions_look_like_those_of_the_file(tools: Any) -> None:
    embed = tools.embed
    text = "(text: str, /, layer: int = -1, *, scale: float = inf, mode: Literal['a', 'b'] = 'a') -> np.ndarray"
    assert str(inspect.signature(embed)) == text
    assert (embed.__name__, embed.__qualname__, embed.__module__) == ("embed", "embed", "model_tools")
    assert embed.__doc__ == "Where a text lies.\n\nMore of it." and tools.echo.__doc__ is None
    assert embed.__annotations__ == {
        "text": "str", "layer": "int", "scale": "float", "mode": "Literal['a', 'b']", "return": "np.ndarray"
    }  # fmt: skip
    assert inspect.signature(embed).parameters["scale"].default == float("inf")
    assert tools.echo.__annotations__ == {}
    assert str(inspect.signature(tools.values)) == "(items: list[Item] | None = None) -> list"
    assert text in pydoc.plain(pydoc.render_doc(embed))


def test_values_of_all_kinds(tools: Any) -> None:
    embedded = tools.embed("x", 5)
    assert isinstance(embedded, np.ndarray) and embedded.tolist() == [[5] * 3] * 2
    embedded += 1
    assert torch.equal(tools.tensor("bfloat16"), torch.ones(3, dtype=torch.bfloat16))
    assert tools.values([{"text": "a"}]) == [{"text": "a", "k": 3}]
    assert tools.frames(1) == {"__proto__": 1, "self": 1}
    assert tools.frames(self=2, __proto__={"__proto__": 3}) == {"__proto__": {"__proto__": 3}, "self": 2}
    value: list[Any] = [None, True, 2**60 + 1, -0.0, 1.0, "é\ud800", b"\0", [], {"a": {}}]
    assert repr(tools.echo(value)) == repr(value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda tools: tools.embed(), r"embed\(\) missing a required argument: 'text'"),
        (lambda tools: tools.embed(text="a"), r"embed\(\) .*'text'.*positional"),
        (lambda tools: tools.embed("a", 1, 2), r"embed\(\) too many positional arguments"),
        (lambda tools: tools.embed("a", layers=1), r"embed\(\) got an unexpected keyword argument 'layers'"),
        (lambda tools: tools.embed("a", 1, layer=1), r"embed\(\) multiple values for argument 'layer'"),
        (lambda tools: tools.echo(), r"echo\(\) missing a required argument: 'value'"),
    ],
)
def test_wrong_arguments_are_told_at_once(seer: FakeSeer, tools: Any, call: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        call(tools)
    assert seer.asked == []


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ({"a": {1}}, "unserializable", 'model_tools.echo: arguments["value"]["a"]: a set cannot travel: pass numbers'),
        (np.zeros(2**27), "too-large", "arguments has arrays of 1024.0 MiB or more, and at most 64.0 MiB"),
    ],
)
def test_what_cannot_be_passed_is_told_at_once(seer: FakeSeer, tools: Any, value: Any, kind: str, said: str) -> None:
    with pytest.raises(tools.InterfaceError) as error:
        tools.echo(value)
    assert error.value.kind == kind and said in str(error.value) and seer.asked == []


def test_errors_say_which_call_and_why(tools: Any) -> None:
    with pytest.raises(tools.InterfaceError) as error:
        tools.fails(7)
    raised: Any = error.value
    assert issubclass(type(raised), RuntimeError) and type(raised).__module__ == "model_tools"
    assert (raised.kind, raised.interface, raised.function) == ("raised", "model_tools", "fails")
    assert str(raised).splitlines()[:2] == [
        "model_tools.fails: ValueError: no layer 7",
        "Traceback (most recent call last):",
    ]
    assert str(raised).endswith("helper.py, line 2, in fail\n    raise ValueError(f'no layer {n}')")
    again = pickle.loads(pickle.dumps(raised))
    assert str(again) == str(raised) and again.kind == "raised" and again.function == "fails"
    for function, arguments, kind, said in [
        ("fails", ["x"], "invalid-arguments", "model_tools.fails: fails(): n: expected int, got str 'x'"),
        ("too_much", [], "too-large", "result has arrays of 1024.0 MiB"),
    ]:
        with pytest.raises(tools.InterfaceError) as error:
            getattr(tools, function)(*arguments)
        assert error.value.kind == kind and said in str(error.value)


def test_two_interfaces_side_by_side(seer: FakeSeer, monkeypatch: pytest.MonkeyPatch) -> None:
    seer.write_library("other_tools")
    one, other = import_library(seer, monkeypatch), import_library(seer, monkeypatch, "other_tools")
    seer.asked.clear()
    assert (one.echo(1), other.echo(2)) == (1, 2)
    assert [asked["interface"] for asked in seer.asked] == ["model_tools", "other_tools"]
    assert one.InterfaceError is not other.InterfaceError


def test_it_needs_nothing_but_python(seer: FakeSeer) -> None:
    code = """
        import sys
        for name in ("numpy", "torch"):
            sys.modules[name] = None
        import model_tools
        print(model_tools.echo([1.0, b"x"]), model_tools.values([]))
        try:
            model_tools.embed("a")
        except model_tools.InterfaceError as error:
            print(error.kind, error)
        del sys.modules["numpy"]
        print(type(model_tools.tensor("float32")).__name__)
        try:
            model_tools.tensor("bfloat16")
        except model_tools.InterfaceError as error:
            print(error.kind, "bfloat16" in str(error) and "no torch" in str(error))
        print(model_tools.echo(5))
    """
    assert seer.run_python(code).splitlines() == [
        "[1.0, b'x'] []",
        "invalid-frame model_tools.embed: what was answered cannot be read: an array, and this Python has no numpy",
        "ndarray",
        "invalid-frame True",
        "5",
    ]
    imported = "import sys; before = set(sys.modules); import model_tools; print(sorted(set(sys.modules) - before))"
    modules = eval(seer.run_python(imported))
    assert not [name for name in modules if name.split(".")[0] in ("numpy", "torch", "asyncio", "seer_client")]
