"""What is told of an exception, of a result that cannot travel, of a file that does not load; and no path in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from interface_process import CallFailed, InterfaceProcess, serving, starting

FILE = """
    import json, os, sys, pathlib
    import helper

    @expose
    def deep(n: int):
        return helper.first(n)

    @expose
    def through_library():
        return json.loads("[1, }")

    @expose
    def between():
        return sorted([1, 2], key=helper.key)

    @expose
    def parsed():
        return json.loads("1.0", parse_float=helper.key)

    @expose
    def chained():
        try:
            {}["layer"]
        except KeyError as error:
            raise ValueError("no such layer") from error

    @expose
    def hidden_cause():
        try:
            {}["layer"]
        except KeyError:
            raise ValueError("no such layer") from None

    @expose
    def endless(n: int = 0):
        return endless(n + 1)

    @expose
    def leave(kind: str):
        raise {"exit": SystemExit(3), "interrupt": KeyboardInterrupt(), "base": BaseException("b")}[kind]

    class Raises(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    class Exits(Exception):
        def __str__(self):
            raise SystemExit(5)

    class Long(Exception):
        def __str__(self):
            return "x" * 100_000_000

    class NoText(Exception):
        def __str__(self):
            return 5

    @expose
    def hostile(kind: str):
        if kind == "surrogate":
            raise ValueError("\\ud800 and \\0 and 💡")
        if kind == "recursive":
            error = ValueError("a")
            error.__cause__ = KeyError("b")
            error.__cause__.__cause__ = error
            raise error
        raise {"raises": Raises, "exits": Exits, "long": Long, "no text": NoText}[kind]()

    @expose
    def say(text: str):
        raise ValueError(text)

    @expose
    def paths(kind: str):
        here = pathlib.Path(__file__)
        raise OSError({
            "here": str(here),
            "beside": str(here.parent / "data" / "x.json"),
            "folder": str(here.parent),
            "python": os.__file__,
            "executable": sys.executable,
            "seer": sys.modules["seer_interface"].__file__,
            "home": str(pathlib.Path.home() / "x"),
            "model": get_model_path("subject") + "/config.json",
            "name": "org/secret-9b and org/secret-9b-it, org/base are no folders",
            "base": get_model_path("org/base") + "/x",
            "elsewhere": "'/etc/ssl/x.pem' and file:///usr/lib/y.so, /usr/bin/python3",
            "no paths": "and/or 1/2 https://example.com/usr/lib /v1/generate a/b",
        }[kind])

    @expose
    def opened():
        open(str(pathlib.Path(__file__).parent / "missing.json"))

    @expose
    def result(kind: str):
        return {
            "object": {"model": [1, {"x": helper.Model()}]},
            "keys": {1: 2},
            "set": {1},
            "large": ["x" * 1000] * 9000,
            "function": result,
            "coroutine": (n for n in []),
        }[kind]

    @expose
    def breaks():
        return helper.Strange()

    @expose
    def fine() -> int:
        return 1
"""
HELPER = """
class Model: ...

class Strange(dict):
    def items(self):
        raise ValueError("no items")

def first(n):
    if n:
        return first(n - 1)
    raise ValueError("at the bottom")

def key(item):
    raise ValueError("in the key")
"""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceProcess]:
    folder = tmp_path_factory.mktemp("errors")
    models = [{"name": "org/secret-9b", "varName": "subject", "path": "/tmp/models/org--secret-9b"}]
    aliases = {"org/secret-9b-it": "/tmp/models/org--secret-9b", "org/base": "/tmp/models/base"}
    with serving(folder, FILE, {"helper.py": HELPER}, models=models, aliases=aliases) as process:
        yield process


def failure(process: InterfaceProcess, function: str, /, **arguments: Any) -> CallFailed:
    with pytest.raises(CallFailed) as error:
        process.call(function, **arguments)
    told = error.value
    assert len(told.message) < 2100 and len(told.traceback) < 6100
    for path in (str(process.folder), sys.prefix, str(Path(__file__).parent.parent), "/tmp/models"):
        assert path not in told.message + told.traceback
    assert process.call("fine") == 1
    return told


def test_a_traceback_has_the_files_own_frames(process: InterfaceProcess) -> None:
    error = failure(process, "deep", n=2)
    assert (error.kind, error.message) == ("raised", "ValueError: at the bottom")
    assert error.traceback.splitlines() == [
        "Traceback (most recent call last):",
        "  interface.py, line 7, in deep",
        "    return helper.first(n)",
        "  helper.py, line 10, in first",
        "    return first(n - 1)",
        "  helper.py, line 10, in first",
        "    return first(n - 1)",
        "  helper.py, line 11, in first",
        '    raise ValueError("at the bottom")',
    ]


def test_frames_of_libraries_are_counted(process: InterfaceProcess) -> None:
    error = failure(process, "through_library")
    assert error.message.startswith("JSONDecodeError: Expecting value: line 1")
    assert re.fullmatch(r"  … \d+ frames of libraries", error.traceback.splitlines()[-1])
    assert len(error.traceback.splitlines()) == 4
    lines = failure(process, "parsed").traceback.splitlines()
    assert re.fullmatch(r"  … \d frames of libraries", lines[3]) and lines[4] == "  helper.py, line 14, in key"
    assert "libraries" not in failure(process, "between").traceback, "sorted is no frame"


def test_what_came_before_is_told_where_python_would(process: InterfaceProcess) -> None:
    error = failure(process, "chained")
    assert error.message == "ValueError: no such layer"
    lines = error.traceback.splitlines()
    assert lines[2:5] == ['    {}["layer"]', "KeyError: 'layer'", "After that:"] and len(lines) == 7
    assert "KeyError:" not in failure(process, "hidden_cause").traceback


def test_endless_recursion_is_short(process: InterfaceProcess) -> None:
    error = failure(process, "endless")
    assert error.message.startswith("RecursionError: maximum recursion depth")
    assert re.search(r"\n  … \d+ more frames\n", error.traceback) and error.traceback.count("\n") < 60


@pytest.mark.parametrize(
    ("kind", "message"), [("exit", "SystemExit: 3"), ("interrupt", "KeyboardInterrupt"), ("base", "BaseException: b")]
)
def test_nothing_that_is_raised_ends_the_process(process: InterfaceProcess, kind: str, message: str) -> None:
    error = failure(process, "leave", kind=kind)
    assert (error.kind, error.message) == ("raised", message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("raises", "Raises: (its text cannot be made: RuntimeError)"),
        ("exits", "Exits: (its text cannot be made: SystemExit)"),
        ("no text", "NoText: (its text cannot be made: TypeError)"),
        ("surrogate", "ValueError: ? and \0 and 💡"),
        ("recursive", "ValueError: a"),
    ],
)
def test_exceptions_that_are_strange_themselves(process: InterfaceProcess, kind: str, message: str) -> None:
    assert failure(process, "hostile", kind=kind).message == message


def test_a_text_without_end_is_cut(process: InterfaceProcess) -> None:
    message = failure(process, "hostile", kind="long").message
    assert message.startswith("Long: xxx") and message.endswith("x… 99998006 more characters")
    for text in ("\0" * 10_000, "💡" * 10_000, "\ud800" * 10_000, '"' * 10_000):
        assert failure(process, "say", text=text).message.endswith("more characters"), "fits into the head of a message"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("here", "interface.py"),
        ("beside", "data/x.json"),
        ("folder", ""),
        ("python", r"<python>/lib/python3\.\d+/os\.py"),
        ("executable", r"<python>/bin/python\S*"),
        ("seer", r"<seer>/seer_interface/__init__\.py"),
        ("home", "~/x"),
        ("model", "<model>/config.json"),
        ("name", "<model> and <model>, <model> are no folders"),
        ("base", "<model>/x"),
        ("elsewhere", "'…/x.pem' and …/y.so, …/python3"),
        ("no paths", r"and/or 1/2 https://example\.com/usr/lib /v1/generate a/b"),
    ],
)
def test_paths_are_told_by_short_names(process: InterfaceProcess, kind: str, text: str) -> None:
    assert re.fullmatch(f"OSError: {text}", failure(process, "paths", kind=kind).message)


def test_a_missing_file_by_its_name_in_the_folder(process: InterfaceProcess) -> None:
    message = failure(process, "opened").message
    assert message == "FileNotFoundError: [Errno 2] No such file or directory: 'missing.json'"


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        (
            "object",
            "unserializable",
            'result["model"][1]["x"]: a Model cannot travel: return numbers, text, lists, dicts',
        ),
        ("keys", "unserializable", "result: a dict with the key 1"),
        ("set", "unserializable", "result: a set cannot travel"),
        ("function", "unserializable", "result: a function cannot travel"),
        ("coroutine", "unserializable", "result: a generator cannot travel"),
        ("large", "too-large", "result is 8.6 MiB or more as JSON, and at most 8.0 MiB can travel at once"),
    ],
)
def test_results_that_cannot_travel(process: InterfaceProcess, kind: str, error: str, said: str) -> None:
    told = failure(process, "result", kind=kind)
    assert told.kind == error and told.message.startswith(said) and not told.traceback


def test_a_result_whose_own_code_fails(process: InterfaceProcess) -> None:
    error = failure(process, "breaks")
    assert (error.kind, error.message) == ("raised", "ValueError: no items")
    assert "helper.py, line 6, in items" in error.traceback


NOT_LOADED = [
    (
        "import helper, no_such_module",
        "ModuleNotFoundError: No module named 'no_such_module'",
        "interface.py, line 1, in <module>\n    import helper, no_such_module",
    ),
    (
        "from .helper import x",
        "ImportError: attempted relative import with no known parent package. The file is no part of a package:"
        " import what lies beside it by its name, without a dot",
        "interface.py, line 1, in <module>\n    from .helper import x",
    ),
    ("from broken import x", "ZeroDivisionError: division by zero", "broken.py, line 3, in <module>\n    1 / 0"),
    ("def f(:\n  pass", "SyntaxError: invalid syntax (interface.py, line 1)", "interface.py, line 1\n    def f(:"),
    (
        "import bad_syntax",
        "SyntaxError: '(' was never closed (bad_syntax.py, line 2)",
        "bad_syntax.py, line 2\n    x = (",
    ),
    ("raise SystemExit('no GPU')", "SystemExit: no GPU", "line 1, in <module>"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt", "line 1, in <module>"),
    ("get_model_path()", "ValueError: there is more than one model: name one of 'org/a' (a), 'org/b' (b)", "line 1"),
    (
        "get_model_path('c')",
        "ValueError: this sandbox has no model 'c': name one of 'org/a' (a), 'org/b' (b)",
        "line 1",
    ),
    (
        "import json\njson.loads('')",
        "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "frames of libraries",
    ),
    ("open('/etc/nothing/x')", "FileNotFoundError: [Errno 2] No such file or directory: '…/x'", "line 1, in <module>"),
]


@pytest.mark.parametrize(("code", "message", "said"), NOT_LOADED, ids=[one[:30] for one, _, _ in NOT_LOADED])
def test_a_file_that_does_not_load(tmp_path: Path, code: str, message: str, said: str) -> None:
    files = {"helper.py": "", "broken.py": "\n\n1 / 0\n", "bad_syntax.py": "\nx = (\n"}
    models = [{"name": f"org/{one}", "varName": one, "path": f"/m/{one}"} for one in "ab"]
    with starting(tmp_path, code, files, models=models) as process:
        error = process.load_error()
        assert (error.kind, error.message) == ("import-failed", message)
        assert said in error.traceback and str(tmp_path) not in error.traceback
        assert "seer_interface" not in error.traceback and "importlib" not in error.traceback


@pytest.mark.parametrize(
    ("main", "code", "said"),
    [
        ("json.py", "", "json.py has the name of a module of Python"),
        ("interface.txt", "", "interface.txt is no Python file"),
        ("interface.py", b"\xff\xfe", "SyntaxError"),
        ("interface.py", b"x = 1\0", "SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, main: str, code: str | bytes, said: str) -> None:
    with starting(tmp_path, code, main=main) as process:
        assert said in process.load_error().message
