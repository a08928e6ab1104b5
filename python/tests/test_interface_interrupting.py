"""Stopping a stretch of work at each moment that matters: before it, in it, just after it; and never what is beside."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seer_interface.interrupting import CallCancelled, InMainThread, InOwnThread


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGUSR1)
    InMainThread.prepare()
    yield
    signal.signal(signal.SIGUSR1, before)


def in_thread(place: InOwnThread, work: Callable[[], Any]) -> Any:
    """What came of it, in a thread that goes on for a while after it."""
    came: list[Any] = []

    def body() -> None:
        try:
            came.append(place.run(work))
        except CallCancelled:
            came.append("stopped")
        for _ in range(1000):
            pass
        came.append("went on")

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(60)
    assert came[1:] == ["went on"], "the exception came after its end"
    return came[0]


def in_main(place: InMainThread, work: Callable[[], Any]) -> Any:
    try:
        came = place.run(work)
    except CallCancelled:
        came = "stopped"
    for _ in range(1000):
        pass
    return came


def stop_after(n: int, place: InMainThread | InOwnThread) -> threading.Thread:
    def body() -> None:
        time.sleep(n % 40 / 20_000)
        place.stop()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def busy(n: int) -> str:
    """For about as long as `stop_after` waits; each fortieth time until it is stopped."""
    end = time.monotonic() + (1000 if n % 40 == 39 else n % 7 / 4000)
    while time.monotonic() < end:
        pass
    return "done"


@pytest.mark.parametrize(("make", "run"), [(InMainThread, in_main), (InOwnThread, in_thread)])
def test_before_it_it_does_not_begin(make: Any, run: Any) -> None:
    begun: list[int] = []
    place = make()
    place.stop()
    assert run(place, lambda: begun.append(1)) == "stopped" and not begun


@pytest.mark.parametrize(("make", "run"), [(InMainThread, in_main), (InOwnThread, in_thread)])
def test_after_it_nothing_is_raised(make: Any, run: Any) -> None:
    place = make()
    assert run(place, lambda: 5) == 5
    place.stop()
    assert run(make(), lambda: 6) == 6
    with pytest.raises(ZeroDivisionError):
        make().run(lambda: 1 / 0)
    place.stop()


def test_after_it_the_thread_itself_goes_on() -> None:
    place = InOwnThread()
    came: list[str] = []

    def body() -> None:
        place.run(lambda: None)
        place.stop()
        for _ in range(1000):
            pass
        came.append("went on")

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(60)
    assert came == ["went on"]


@pytest.mark.parametrize(("make", "run"), [(InMainThread, in_main), (InOwnThread, in_thread)])
def test_in_it(make: Any, run: Any) -> None:
    place = make()

    def work() -> None:
        threading.Thread(target=place.stop).start()
        while True:
            time.sleep(0.001)

    assert run(place, work) == "stopped"
    assert run(make(), lambda: 6) == 6


def test_a_signal_that_comes_late_does_not_hit_the_next() -> None:
    def work() -> int:
        signal.raise_signal(signal.SIGUSR1)
        return 7

    signal.raise_signal(signal.SIGUSR1)
    assert InMainThread().run(work) == 7


@pytest.mark.parametrize(("make", "run"), [(InMainThread, in_main), (InOwnThread, in_thread)])
def test_at_any_moment_of_it(make: Any, run: Any) -> None:
    for n in range(400):
        place = make()
        stopping = stop_after(n, place)
        came = run(place, lambda n=n: busy(n))
        stopping.join()
        assert came in (["stopped"] if n % 40 == 39 else ["done", "stopped"])
        assert run(make(), lambda n=n: n) == n


def test_what_is_raised_meanwhile_is_not_mixed_up() -> None:
    """The work fails at about the moment it is stopped: it is one or the other."""
    for n in range(400):
        place = InOwnThread()

        def fails(n: int = n) -> Any:
            try:
                busy(n)
                raise ValueError("failed")
            except ValueError:
                return "failed"

        stopping = stop_after(n, place)
        came = in_thread(place, fails)
        stopping.join()
        assert came in (["stopped"] if n % 40 == 39 else ["failed", "stopped"])
