"""What an interface says of itself, for each kind of annotation; and why a file cannot be served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from interface_process import serving, starting

FILE = '''
"""Tools for a model.

    More of it.
"""
import asyncio, functools
from dataclasses import dataclass, field
from typing import Any, Dict, List, Literal, Optional, Tuple, Union
import numpy as np, numpy.typing as npt, torch

@dataclass
class Inner:
    name: str
    weights: list[float] = field(default_factory=list)
    made: int = field(init=False, default=0)

@dataclass
class Outer:
    inner: Inner
    others: "dict[str, Inner]"
    mode: Literal["a", "b"] = "a"

'''
NUMBER, TEXT, WHOLE, TRUTH, NOTHING = ({"type": one} for one in ("number", "string", "integer", "boolean", "null"))
ARRAY = {"x-seer": "array", "description": "A numpy array, or nested lists of numbers."}
TENSOR = {"x-seer": "tensor", "description": "A torch tensor, a numpy array, or nested lists of numbers."}
INNER = {
    "type": "object",
    "title": "Inner",
    "properties": {"name": TEXT, "weights": {"type": "array", "items": NUMBER}},
    "required": ["name"],
    "additionalProperties": False,
}
OUTER = {
    "type": "object",
    "title": "Outer",
    "properties": {
        "inner": INNER,
        "others": {"type": "object", "additionalProperties": INNER},
        "mode": {"enum": ["a", "b"]},
    },
    "required": ["inner", "others"],
    "additionalProperties": False,
}


def either(*options: Any) -> Any:
    return {"anyOf": list(options)}


def items(item: Any) -> Any:
    return {"type": "array", "items": item}


def pair(*options: Any) -> Any:
    size = {"minItems": len(options), "maxItems": len(options)}
    return {"type": "array", "prefixItems": list(options), "items": False, **size}


ANNOTATIONS = [
    ("bool", "bool", TRUTH),
    ("int", "int", WHOLE),
    ("float", "float", NUMBER),
    ("str", "str", TEXT),
    ("None", "None", NOTHING),
    ("Any", "Any", {}),
    ("list", "list", {"type": "array"}),
    ("List[int]", "list[int]", items(WHOLE)),
    ("list[list[float]]", "list[list[float]]", items(items(NUMBER))),
    ("tuple", "tuple", {"type": "array"}),
    ("tuple[int, str]", "tuple[int, str]", pair(WHOLE, TEXT)),
    ("Tuple[float, ...]", "tuple[float, ...]", items(NUMBER)),
    ("tuple[()]", "tuple[()]", {"type": "array", "items": False, "minItems": 0, "maxItems": 0}),
    ("dict", "dict", {"type": "object"}),
    ("Dict[str, bool]", "dict[str, bool]", {"type": "object", "additionalProperties": TRUTH}),
    ("Optional[int]", "int | None", either(WHOLE, NOTHING)),
    ("Union[int, str, None]", "int | str | None", either(WHOLE, TEXT, NOTHING)),
    ("int | list[str]", "int | list[str]", either(WHOLE, items(TEXT))),
    ("Optional[Any]", "Any | None", {}),
    ('Literal["a", 1, True, None]', "Literal['a', 1, True, None]", {"enum": ["a", 1, True, None]}),
    ("'list[Inner]'", "list[Inner]", items(INNER)),
    ("Outer", "Outer", OUTER),
    ("bytes", "bytes", {"x-seer": "bytes", "description": "Bytes."}),
    ("np.ndarray", "np.ndarray", ARRAY),
    ("npt.NDArray[np.float32]", "np.ndarray", ARRAY),
    ("torch.Tensor", "torch.Tensor", TENSOR),
    ("list[torch.Tensor] | None", "list[torch.Tensor] | None", either(items(TENSOR), NOTHING)),
]


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same functions, their annotations as they are and as text."""
    code = FILE
    for number, (annotation, _, _) in enumerate(ANNOTATIONS):
        code += f"@expose\ndef f{number}(x: {annotation}) -> {annotation}: ...\n"
    found = []
    for first in ("", "from __future__ import annotations\n"):
        at = code.index("import asyncio")
        with serving(tmp_path_factory.mktemp("annotated"), code[:at] + first + code[at:]) as process:
            found.append(process.description)
    return found


def test_annotations_as_text_are_described_alike(annotated: Any) -> None:
    assert annotated[0] == annotated[1]
    assert annotated[0]["interface"] == 1 and annotated[0]["doc"] == "Tools for a model.\n\nMore of it."


@pytest.mark.parametrize("number", range(len(ANNOTATIONS)), ids=[one for one, _, _ in ANNOTATIONS])
def test_each_annotation_has_its_schema(annotated: Any, number: int) -> None:
    _, short, schema = ANNOTATIONS[number]
    assert annotated[0]["functions"][number] == {
        "name": f"f{number}",
        "doc": "",
        "signature": f"(x: {short}) -> {short}",
        "parameters": [{"name": "x", "kind": "both", "required": True, "schema": schema}],
        "returns": schema,
        "concurrent": False,
        "seconds": 600,
    }


SIGNATURES = [
    ("def f():", "()", []),
    ("def f(a, b=None):", "(a, b=None)", [("a", "both", ()), ("b", "both", (None,))]),
    (
        "def f(a: int, /, b: str = 'x', *, c, d: float = 1.0) -> None:",
        "(a: int, /, b: str = 'x', *, c, d: float = 1.0) -> None",
        [("a", "positional", ()), ("b", "both", ("x",)), ("c", "keyword", ()), ("d", "keyword", (1.0,))],
    ),
    ("def f(a: int = None):", "(a: int | None = None)", [("a", "both", (None,))]),
    ("def f(a: 'int | None' = None):", "(a: int | None = None)", [("a", "both", (None,))]),
    ("def f(a=(1, (2,))):", "(a=[1, [2]])", [("a", "both", ([1, [2]],))]),
    ("def f(a=2**60 + 1):", "(a=1152921504606846977)", [("a", "both", (2**60 + 1,))]),
    ("def f(a: float = -float('inf')):", "(a: float = -inf)", [("a", "both", ({"$seer": "float", "value": "-inf"},))]),
    ("def f(a: Inner = Inner('n')):", "(a: Inner = {'name': 'n', 'weights': [], 'made': 0})", None),
    ("def f(__proto__, _b=1):", "(__proto__, _b=1)", [("__proto__", "both", ()), ("_b", "both", (1,))]),
    ("async def f(self, cls: str = '\"'):", "(self, cls: str = '\"')", [("self", "both", ()), ("cls", "both", ('"',))]),
]


@pytest.mark.parametrize(("code", "signature", "parameters"), SIGNATURES, ids=[one for one, _, _ in SIGNATURES])
def test_signatures(tmp_path: Path, code: str, signature: str, parameters: Any) -> None:
    with serving(tmp_path, f"{FILE}@expose\n{code} ...\n") as process:
        [described] = process.description["functions"]
    assert described["signature"] == signature
    found = [
        (one["name"], one["kind"], (one["default"],) if "default" in one else ()) for one in described["parameters"]
    ]
    assert found == parameters or parameters is None
    assert all(one["required"] == ("default" not in one) for one in described["parameters"])


def test_options_docstrings_and_what_is_put_around_a_function(tmp_path: Path) -> None:
    code = """
        import functools, torch
        from helper import ask, kept

        def twice(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return 2 * function(*args, **kwargs)
            return wrapper

        @expose(concurrent=True, timeout=1.5)
        def a(x: int) -> int:
            '''Says a.

            More.
            '''
            return x

        @twice
        @expose
        def b(x: int) -> int:
            return a(x)

        @expose
        @twice
        def c(x: int) -> int:
            return b(x)

        @expose()
        @torch.no_grad()
        def d() -> bool:
            return torch.is_grad_enabled() or kept() != "kept"
    """
    files = {"helper.py": "@expose\nasync def ask(): return PARAMS\n\n@expose\ndef kept(): return 'kept'\n"}
    with serving(tmp_path, code, files, params={"n": [1]}) as process:
        found = {one["name"]: one for one in process.description["functions"]}
        assert list(found) == ["ask", "kept", "a", "b", "c", "d"]
        assert (found["a"]["concurrent"], found["a"]["seconds"], found["a"]["doc"]) == (True, 1.5, "Says a.\n\nMore.")
        assert (found["b"]["concurrent"], found["b"]["seconds"]) == (False, 600)
        assert found["c"]["signature"] == "(x: int) -> int"
        # What stands above @expose is called, too.
        assert [process.call(name, x=1) for name in "abc"] == [1, 2, 4]
        assert process.call("d") is False and process.call("ask") == {"n": [1]}


REFUSED = [
    ("@expose\ndef f(*args): ...", "interface.py, line 1: f: *args cannot be offered"),
    ("\n\n@expose\ndef f(a, **more): ...", "interface.py, line 3: f: **more cannot be offered"),
    ("f = expose(lambda x: x)", "interface.py, line 1: a lambda cannot be exposed"),
    (
        "@expose\ndef f(): ...\n@expose\ndef f(): ...",
        "line 3: there is already an exposed function f, in interface.py, line 1",
    ),
    ("@expose\ndef f(a=object()): ...", "line 1: f: the parameter a: the default: an object cannot travel"),
    ("@expose\ndef f(a=b'x'): ...", "the parameter a: its default has arrays or bytes in it: take None"),
    ("import numpy as np\n@expose\ndef f(a=np.zeros(2)): ...", "line 2: f: the parameter a: its default has arrays"),
    ("def f(): ...", "interface.py exposes nothing: put @expose above"),
    ("", "interface.py exposes nothing"),
    ("@expose\nclass A: ...", "line 1: @expose is for functions that begin with def, and A is a class"),
    (
        "@expose(30)\ndef f(): ...",
        "line 1: @expose takes its options by name, as in @expose(timeout=30), and not as 30",
    ),
    (
        "import functools\nexpose(functools.partial(print))",
        "line 2: @expose is for functions that begin with def, and what it was given is of type partial",
    ),
    ("expose(print)", "and print is of type builtin_function_or_method"),
    ("@expose\ndef f(): yield", "line 1: f is a generator"),
    ("@expose\nasync def f(): yield", "line 1: f is a generator"),
    ("class A:\n  @expose\n  def f(self): ...", "line 2: f is a method"),
    ("@expose\ndef _f(): ...", "line 1: _f begins with an underscore"),
    ("@expose\ndef __proto__(): ...", "__proto__ begins with an underscore"),
    ("@expose\ndef é(): ...", "line 1: é cannot be the name"),
    ("@expose\ndef InterfaceError(): ...", "InterfaceError cannot be the name"),
    (f"@expose\ndef {'f' * 65}(): ...", "at most 64"),
    ("@expose\ndef f(é): ...", "the parameter é is to be named with letters"),
    ("@expose(timeout=0)\ndef f(): ...", "line 1: timeout is a number of seconds, and not 0"),
    ("@expose(timeout=float('nan'))\ndef f(): ...", "timeout is a number of seconds, and not nan"),
    ("@expose(timeout='9')\ndef f(): ...", "not '9'"),
    ("\n@expose(concurrent=1)\ndef f(): ...", "line 2: concurrent is True or False, and not 1"),
    ("@expose\ndef f(a: set[int]): ...", "line 1: f: the parameter a: set[int] cannot travel: use a list"),
    ("@expose\ndef f(a: complex): ...", "complex cannot travel: use two floats"),
    ("import pathlib\n@expose\ndef f(a: pathlib.Path): ...", "Path cannot travel: use str"),
    (
        "import enum\nclass E(enum.Enum): A = 1\n@expose\ndef f(a: E): ...",
        "line 3: f: the parameter a: E cannot travel: use Literal",
    ),
    ("class C: ...\n@expose\ndef f(a: list[C]): ...", "the parameter a: C cannot travel: use bool, int, float, str"),
    ("@expose\ndef f() -> set: ...", "f: what it returns: set cannot travel: use a list"),
    ("@expose\ndef f(a: dict[int, str]): ...", "keys of text on its way, and not of int: use dict[str, …]"),
    ("from typing import Literal\n@expose\ndef f(a: Literal[b'x']): ...", "b'x' of a Literal cannot travel"),
    ("from typing import Callable\n@expose\ndef f(a: Callable[[], int]): ...", "Callable[[], int] cannot travel"),
    (
        "@expose\ndef f(a: 'Missing'): ...",
        "line 1: f: its annotations cannot be read: NameError: name 'Missing' is not defined",
    ),
    ("@expose\ndef f(a: 3): ...", "f: "),
    (
        "import dataclasses as d\n@d.dataclass\nclass C:\n  x: 'list[C]'\n@expose\ndef f(a: C): ...",
        "in the dataclass C, the field x: the dataclass C is made of itself",
    ),
    (
        "import dataclasses as d\n@d.dataclass\nclass C:\n  x: set\n@expose\ndef f(a: C): ...",
        "line 5: f: the parameter a: in the dataclass C, the field x: set cannot travel",
    ),
    (
        "import dataclasses as d\n@d.dataclass\nclass C:\n  x: 'Gone'\n@expose\ndef f(a: C): ...",
        "the parameter a: NameError: name 'Gone' is not defined",
    ),
    ("for n in range(257):\n  exec(f'@expose\\ndef f{n}(): ...')", "exposes 257 functions, and at most 256 can be"),
]


@pytest.mark.parametrize(("code", "said"), REFUSED, ids=[one[:40] for one, _ in REFUSED])
def test_why_a_file_cannot_be_served(tmp_path: Path, code: str, said: str) -> None:
    with starting(tmp_path, code) as process:
        error = process.load_error()
        assert error.kind == "import-failed" and said in error.message
        assert not error.traceback and str(tmp_path) not in error.message and process.stderr == ""
