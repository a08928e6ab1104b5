"""Looking into a kernel while its cell runs, which goes on undisturbed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from client import Client, Failed, HostFixture

from seer_host import peek as module
from seer_host.peek import Peek
from seer_host.wire import Message

numbers = itertools.count(1)


def peek(client: Client, code: str, seconds: float = 10, **more: Any) -> dict[str, Any]:
    params = {"session": "s1", "generation": 1, "peek": f"p{next(numbers)}", "code": code, "seconds": seconds}
    answer = client.request("kernel/peek", **{**params, **more})
    assert isinstance(answer, dict)
    return answer


def subshells(client: Client, cell: str) -> int:
    code = "import threading\nprint(len([t for t in threading.enumerate() if 'subshell' in t.name]))"
    return int(client.stdout_of(client.run(cell, code)))


def text_of(records: list[dict[str, Any]]) -> str:
    return "".join(r["output"].get("text", "") for r in records if r["kind"] == "output")


BUSY = """import time
print("begin", flush=True)
steps = 0
stop = False
while not stop:
    steps += 1
    time.sleep(0.02)
print("end", steps > 3, flush=True)
steps"""


def test_while_a_cell_runs(shared: Client) -> None:
    after = shared.request("host/hello")["lastSeq"]
    cell = f"k{next(numbers)}"
    shared.execute(cell, BUSY)
    shared.until("output", after, cell=cell)
    while peek(shared, "print(steps)")["text"] in ("0\n", "1\n"):
        time.sleep(0.05)
    assert peek(shared, "print('seen')\nsteps > 1") == {"status": "ok", "text": "seen\nTrue\n", "omitted": 0}
    failed = peek(shared, "1 / 0")
    assert failed["status"] == "error" and "ZeroDivisionError" in failed["text"]
    assert "no keyboard" in peek(shared, "input('?')")["text"]
    for code in ("raise SystemExit", "raise KeyboardInterrupt", "def", "steps = = 1", "%who", "await x"):
        assert peek(shared, code)["status"] == "error"
    assert peek(shared, "stop = True")["status"] == "ok"
    records = shared.until("cell-end", after, cell=cell)
    # The cell's own output is whole, and has nothing of the peeks.
    assert text_of(records) == "begin\nend True\n" and records[-1]["status"] == "ok"
    result = next(r["output"] for r in records if r["kind"] == "output" and "data" in r["output"])
    assert int(result["data"]["text/plain"]) > 3
    assert {r.get("cell") for r in records if r["kind"] != "kernel-ready"} == {cell}


def test_cells_behind_the_running_one_are_not_aborted_and_counts_do_not_change(shared: Client) -> None:
    first, second = f"k{next(numbers)}", f"k{next(numbers)}"
    after = shared.request("host/hello")["lastSeq"]
    shared.execute(first, "import time\nprint('go', flush=True)\ntime.sleep(1)")
    shared.execute(second, "print('second')")
    shared.until("output", after, cell=first)
    peek(shared, "raise ValueError")
    records = shared.until("cell-end", after, cell=second)
    ends = [r for r in records if r["kind"] == "cell-end"]
    assert [end["status"] for end in ends] == ["ok", "ok"]
    assert ends[1]["executionCount"] == ends[0]["executionCount"] + 1


def test_what_ipython_has_only_one_of_stays_the_cell_s(shared: Client) -> None:
    """Figures that are made step by step, and the value that the cell ends with."""
    code = """import threading
from IPython.display import display
class Slow:
    def __repr__(self):
        begun.set()
        goes_on.wait(30)
        return "the cell's own value"
begun, goes_on, drawn = threading.Event(), threading.Event(), []
get_ipython().events.register("post_execute", lambda: drawn.append("post_execute"))
Slow()"""
    name = f"k{next(numbers)}"
    after = shared.request("host/hello")["lastSeq"]
    shared.execute(name, code)
    assert peek(shared, "begun.wait(30)\n'the peek'")["text"] == "'the peek'\n"
    assert peek(shared, "drawn")["text"] == "[]\n"
    assert peek(shared, "goes_on.set()\n7")["text"] == "7\n"
    records = shared.until("cell-end", after, cell=name)
    shown = [r["output"]["data"]["text/plain"] for r in records if r["kind"] == "output" and "data" in r["output"]]
    assert shown == ["the cell's own value"]
    assert peek(shared, "drawn")["text"] == "['post_execute']\n"


def test_the_error_names_the_lines_of_the_peek_and_no_folder_of_ours(shared: Client) -> None:
    told = peek(shared, "def f(x):\n    return x / 0\nf(1)")
    assert told["status"] == "error" and "seer" not in told["text"]
    assert 'File "<peek>", line 2, in f\n    return x / 0' in told["text"]


def test_between_cells(shared: Client) -> None:
    shared.run(f"k{next(numbers)}", "kept = [1, 2]")
    assert peek(shared, "kept.append(3)\nkept")["text"] == "[1, 2, 3]\n"
    assert shared.stdout_of(shared.run(f"k{next(numbers)}", "print(kept)")) == "[1, 2, 3]\n"
    assert (
        shared.stdout_of(
            shared.run(
                f"k{next(numbers)}",
                "import threading\nprint(len([t for t in threading.enumerate() if 'subshell' in t.name]))",
            )
        )
        == "0\n"
    )


def test_a_repeated_request_runs_nothing_again(shared: Client) -> None:
    shared.run(f"k{next(numbers)}", "times = 0")
    first = peek(shared, "times += 1\ntimes", peek="same")
    assert peek(shared, "times += 1\ntimes", peek="same") == first
    assert peek(shared, "times")["text"] == "1\n"


def test_one_that_does_not_end_is_given_up_and_the_kernel_goes_on(make_host: Callable[..., HostFixture]) -> None:
    host = make_host()
    client = host.client()
    client.start()
    client.run("c1", "import threading\ngo = threading.Event()")
    began = time.monotonic()
    for _ in range(module.MAX_UNFINISHED):
        told = peek(client, "print('begun', flush=True)\ngo.wait()", seconds=0.5)
        assert (told["status"], told["why"]) == ("unfinished", "it had not ended after 0.5 s")
    assert time.monotonic() - began < 60
    refused = peek(client, "1", seconds=0.5)
    assert refused["status"] == "refused" and "have not ended yet" in refused["why"]
    assert client.stdout_of(client.run("c2", "print('cells run')")) == "cells run\n"
    # When they have ended after all, there is room again, and nothing of theirs stays.
    client.run("c3", "go.set()\nimport time\ntime.sleep(0.5)")
    assert peek(client, "'again'")["text"] == "'again'\n"
    assert subshells(client, "c4") == 0


def test_two_at_once(shared: Client) -> None:
    shared.run(f"k{next(numbers)}", "import threading\nboth = threading.Barrier(2)")
    params = {"session": "s1", "generation": 1, "code": "both.wait(20)\n'met'", "seconds": 20}
    asked = [shared.ask("kernel/peek", peek=f"p{next(numbers)}", **params)[1] for _ in range(2)]
    assert [shared.answer(answers)["text"] for answers in asked] == ["'met'\n", "'met'\n"]


def test_a_cell_that_lets_no_other_thread_run(make_host: Callable[..., HostFixture]) -> None:
    client = make_host().client()
    client.start()
    after = client.request("host/hello")["lastSeq"]
    client.execute("c1", HOLD)
    client.until("output", after, cell="c1")
    time.sleep(1)
    told = peek(client, "1", seconds=1)
    assert told["status"] == "unfinished"
    client.until("cell-end", after, cell="c1")
    assert peek(client, "2")["text"] == "2\n"
    assert subshells(client, "c2") == 0


# PyDLL keeps the lock that all threads need, also the one that sends what was printed before.
HOLD = """import ctypes, time
print("go", flush=True)
time.sleep(0.5)
ctypes.PyDLL(None).usleep(5_000_000)"""


def test_a_kernel_that_dies_meanwhile(make_host: Callable[..., HostFixture]) -> None:
    client = make_host().client()
    client.start()
    for code in ("import os\nos._exit(3)", "1"):
        with pytest.raises(Failed) as failed:
            peek(client, code, seconds=20)
        assert failed.value.name == "kernel-gone"


def test_secrets_are_hidden_and_much_is_cut(make_host: Callable[..., HostFixture]) -> None:
    client = make_host(redact=[{"name": "TOKEN", "forms": ["s3cret-value"]}]).client()
    client.start()
    assert peek(client, "print('s3cret', end='', flush=True)\nprint('-value')")["text"] == "[secret TOKEN]\n"
    told = peek(client, "print('x' * 100_000)")
    assert len(told["text"]) == module.MAX_CHARS and told["omitted"] == 100_001 - module.MAX_CHARS


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "x" * (16 * 1024 + 1)},
        {"code": 1},
        {"seconds": 21},
        {"seconds": 0},
        {"seconds": None},
        {"peek": "../x"},
        {"session": "none"},
        {"generation": 2},
    ],
)
def test_refused(shared: Client, wrong: dict[str, Any]) -> None:
    with pytest.raises(Failed):
        peek(shared, **{"code": "1", **wrong})


@pytest.mark.parametrize("content", [{}, {"text": 5}, {"data": []}, {"data": {"text/plain": 5}}, {"traceback": 7}])
@pytest.mark.parametrize("kind", ["stream", "execute_result", "display_data", "error", "status", "other"])
def test_messages_of_any_form(kind: str, content: dict[str, Any]) -> None:
    found = Peek()
    found.take(Message(kind, "id", "request", content, None, 1))
    assert all(isinstance(part, str) for part in found.parts) and not found.idle.is_set()
