"""Order, several at once, and the end of calls that nobody waits for any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from interface_process import CallFailed, InterfaceProcess, serving

FILE = """
    import asyncio, ctypes, queue, threading, time

    LONG = 18
    log = []
    gate = threading.Event()
    running = peak = 0
    lock = threading.Lock()

    def counted(change):
        global running, peak
        with lock:
            running += change
            peak = max(peak, running)

    @expose(concurrent=True)
    def told() -> list:
        return list(log)

    @expose(concurrent=True)
    def open_gate() -> None:
        gate.set()

    @expose
    def step(n: int) -> int:
        log.append(n)
        return n

    @expose
    async def async_step(n: int) -> int:
        log.append(n)
        await asyncio.sleep(0.01)
        log.append(-n)
        return n

    @expose
    def thread() -> bool:
        return threading.current_thread() is threading.main_thread()

    @expose
    def wait_for_gate() -> str:
        gate.wait(60)
        return "open"

    @expose
    def stuck(how: str) -> str:
        log.append(how)
        try:
            if how == "loop":
                while True:
                    pass
            elif how == "sleep":
                time.sleep(1000)
            elif how == "lock":
                threading.Event().wait()
            elif how == "queue":
                queue.Queue().get()
            elif how == "c":
                sum(range(10**8))
                log.append("c ended")
                while True:
                    pass
            elif how == "except":
                while True:
                    try:
                        time.sleep(0.001)
                    except Exception:
                        log.append("caught")
            elif how == "subprocess":
                import subprocess
                subprocess.run(["sleep", "1000"])
        finally:
            log.append(f"{how} cleaned up")
        return "not reached"

    @expose
    async def async_stuck() -> None:
        log.append("async")
        try:
            await asyncio.sleep(1000)
        finally:
            log.append("async cleaned up")

    @expose(concurrent=True)
    def beside_stuck(how: str) -> None:
        log.append(how)
        try:
            while True:
                time.sleep(0.001)
        finally:
            log.append(f"{how} cleaned up")

    @expose(concurrent=True)
    async def beside_async_stuck() -> None:
        log.append("beside async")
        await asyncio.sleep(1000)

    @expose
    def stubborn(seconds: float) -> str:
        log.append("stubborn")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                time.sleep(0.01)
            except BaseException:
                pass
        return "done all the same"

    @expose
    def turns_it_into_another() -> None:
        log.append("turns")
        try:
            time.sleep(1000)
        except BaseException:
            raise ValueError("stopped")

    @expose(concurrent=True)
    def many(n: int) -> int:
        counted(1)
        gate.wait(60)
        counted(-1)
        return n

    @expose(concurrent=True)
    async def many_async(n: int) -> int:
        counted(1)
        while not gate.is_set():
            await asyncio.sleep(0.01)
        counted(-1)
        return n

    @expose
    def look() -> list:
        return [running, peak]

    @expose
    def open_it() -> None:
        gate.set()

    def times(n: int) -> range:
        return range(10**9 if n == LONG else n)

    @expose
    def brief(n: int) -> int:
        for _ in times(n):
            time.sleep(0.0001)
        return n

    @expose(concurrent=True)
    def brief_beside(n: int) -> int:
        return brief(n)

    @expose(concurrent=True)
    async def brief_async(n: int) -> int:
        for _ in times(n):
            await asyncio.sleep(0.0001)
        return n
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[InterfaceProcess]:
    with serving(tmp_path, FILE) as process:
        yield process


def until(process: InterfaceProcess, text: Any) -> None:
    deadline = time.monotonic() + 60
    while text not in process.call("told"):
        assert time.monotonic() < deadline, process.call("told")
        time.sleep(0.01)


def ending(process: InterfaceProcess, id: int, timeout: float = 60) -> tuple[str, str]:
    with pytest.raises(CallFailed) as error:
        process.result(id, timeout)
    assert not error.value.traceback
    return error.value.kind, error.value.message


def test_calls_run_one_after_another_in_their_order(process: InterfaceProcess) -> None:
    first = process.start("wait_for_gate")
    ids = [process.start("async_step" if n % 3 else "step", n=n) for n in range(1, 30)]
    process.call("open_gate")
    assert [process.result(id) for id in [first, *ids]] == ["open", *range(1, 30)]
    assert process.call("told") == [n for one in range(1, 30) for n in ([one, -one] if one % 3 else [one])]
    assert process.call("thread") is True


@pytest.mark.parametrize("how", ["loop", "sleep", "lock", "queue", "c", "except", "subprocess"])
def test_a_cancel_reaches_what_runs(process: InterfaceProcess, how: str) -> None:
    id = process.start("stuck", how=how)
    until(process, how)
    process.cancel(id)
    assert ending(process, id) == ("cancelled", "the call of stuck() was cancelled")
    assert process.call("step", n=1) == 1, "and the next one runs"
    log = process.call("told")
    assert log[-2:] == [f"{how} cleaned up", 1] and "caught" not in log
    assert ("c ended" in log) == (how == "c"), "code in C ends first"


def test_a_timeout_says_so(process: InterfaceProcess) -> None:
    id = process.start("stuck", how="sleep")
    until(process, "sleep")
    waits = process.start("step", n=1)
    process.cancel(waits, "timeout")
    assert ending(process, waits) == ("timeout", "step() waited 600 s for other calls to end, and was not run")
    process.cancel(id, "timeout")
    assert ending(process, id) == ("timeout", "stuck() ran longer than 600 s and was stopped")


def test_coroutines_and_threads_are_cancelled(process: InterfaceProcess) -> None:
    for function, arguments, said in [
        ("async_stuck", {}, "async"),
        ("beside_async_stuck", {}, "beside async"),
        ("beside_stuck", {"how": "thread"}, "thread"),
    ]:
        id = process.start(function, **arguments)
        until(process, said)
        process.cancel(id)
        assert ending(process, id) == ("cancelled", f"the call of {function}() was cancelled")
    assert process.call("told")[-1] == "thread cleaned up"
    assert process.call("step", n=1) == 1


def test_one_that_waits_is_answered_at_once_and_never_runs(process: InterfaceProcess) -> None:
    running = process.start("wait_for_gate")
    waiting = [process.start("step", n=1), process.start("async_step", n=2), process.start("step", n=3)]
    for id in waiting[:2]:
        process.cancel(id)
        assert ending(process, id, 10)[0] == "cancelled"
    process.call("open_gate")
    assert process.result(running) == "open" and process.result(waiting[2]) == 3
    assert process.call("told") == [3]


def test_what_goes_on_all_the_same_is_told_once(process: InterfaceProcess) -> None:
    id = process.start("stubborn", seconds=8)
    until(process, "stubborn")
    before = time.monotonic()
    process.cancel(id)
    process.cancel(id, "timeout")
    next = process.start("step", n=1)
    assert process.hear(id).head == {"kind": "busy", "id": id}
    assert time.monotonic() - before >= 4.9
    assert process.result(id) == "done all the same"
    assert process.result(next) == 1
    assert process.heard[id].empty()


def test_a_call_that_ends_by_another_exception_was_cancelled_too(process: InterfaceProcess) -> None:
    id = process.start("turns_it_into_another")
    until(process, "turns")
    process.cancel(id)
    assert ending(process, id)[0] == "cancelled"


@pytest.mark.parametrize("function", ["many", "many_async"])
def test_at_most_32_at_a_time(process: InterfaceProcess, function: str) -> None:
    ids = [process.start(function, n=n) for n in range(80)]
    deadline = time.monotonic() + 60
    while process.call("look")[0] < 32:
        assert time.monotonic() < deadline
    for id in ids[40:42]:
        process.cancel(id)
        assert ending(process, id, 10)[0] == "cancelled", "it waits"
    assert process.call("look") == [32, 32]
    process.call("open_it")
    assert [process.result(id) for id in ids[:40] + ids[42:]] == [*range(40), *range(42, 80)]
    assert process.call("look") == [0, 32]


@pytest.mark.parametrize("function", ["brief", "brief_beside", "brief_async"])
def test_a_cancel_at_any_moment_reaches_its_own_call_only(process: InterfaceProcess, function: str) -> None:
    """Many short calls, each cancelled at about its end: each has one answer, and nothing else is hit."""
    for round in range(30):
        ids = []
        for n in range(20):
            ids.append(process.start(function, n=n % 19))
            if n % 2:
                time.sleep((n * 7919 % 13) / 20_000)
            if n != 19:
                process.cancel(ids[-1])
        kinds = []
        for id in ids:
            head = process.hear(id).head
            kinds.append(head["kind"] if head["kind"] == "result" else head["error"]["kind"])
        assert set(kinds) <= {"result", "cancelled"} and kinds[18:] == ["cancelled", "result"]
        assert process.call("step", n=round) == round
    assert process.call("told") == list(range(30))
    assert all(process.heard[id].empty() for id in list(process.heard)) and process.stderr == ""
