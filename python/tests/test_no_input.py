"""Code that asks for input is told at once that nobody answers, and what to do."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from client import Client

numbers = itertools.count(1)


def run(client: Client, code: str) -> tuple[list[dict[str, Any]], str]:
    records = client.run(f"i{next(numbers)}", code)
    return [record["output"] for record in records if record["kind"] == "output"], records[-1]["status"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("input('Which layer? ')", "It was asked 'Which layer?'. Put the answer into the code"),
        ("input()", "no keyboard. Put the answer into the code"),
        ("import getpass\ngetpass.getpass()", "os.environ"),
        ("import getpass\ngetpass.getpass('Token: ', stream=None)", "os.environ"),
        ("import pdb\npdb.set_trace()\nx = 1", "A debugger cannot be used"),
    ],
)
def test_refused_at_once(shared: Client, code: str, words: str) -> None:
    outputs, status = run(shared, code)
    assert status == "error"
    error = next(output for output in outputs if output["output_type"] == "error")
    assert error["ename"] == "StdinNotImplementedError" and words in error["evalue"]
    assert "this kernel has no keyboard" in error["evalue"]


def test_after_an_error_in_post_mortem(shared: Client) -> None:
    run(shared, "1 / 0")
    outputs, status = run(shared, "%debug")
    assert status == "error" and "A debugger cannot be used" in outputs[-1]["evalue"]


def test_a_breakpoint_is_passed_by(shared: Client) -> None:
    outputs, status = run(shared, "def f():\n    breakpoint()\n    return 1\nprint(f())")
    assert status == "ok" and outputs[-1]["text"] == "1\n"


def test_it_can_be_caught_and_the_kernel_goes_on(shared: Client) -> None:
    code = "try:\n    input('?')\nexcept Exception as error:\n    print(type(error).__name__)"
    assert run(shared, code)[0][0]["text"] == "StdinNotImplementedError\n"
    assert run(shared, "import sys\nprint(repr(sys.stdin.read()), 1 + 1)")[0][0]["text"] == "'' 2\n"


def test_shell_commands_have_an_empty_input(shared: Client) -> None:
    name = "a b"
    outputs, status = run(shared, f'name = {name!r}\n!cat; echo "of {{name}}"; read x || echo none')
    assert status == "ok" and "".join(o["text"] for o in outputs).split() == ["of", "a", "b", "none"]
    outputs, _ = run(
        shared, "def local():\n    inner = 7\n    !echo $inner < /dev/null\nlocal()\n!exit 3\nprint(_exit_code)"
    )
    assert "".join(o["text"] for o in outputs).split() == ["7", "3"]


def test_a_thread_is_refused_too(shared: Client) -> None:
    code = """import threading
def ask():
    try: input("?")
    except Exception as error: told.append(type(error).__name__)
told = []
thread = threading.Thread(target=ask)
thread.start()
thread.join()
print(told)"""
    assert run(shared, code)[0][0]["text"] == "['StdinNotImplementedError']\n"
