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


def stop_after(seconds: float, place: InMainThread | InOwnThread) -> threading.Thread:
    def body() -> None:
        time.sleep(seconds)
        place.stop()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


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
    came = []
    for n in range(400):
        place = make()
        stopping = stop_after(n % 40 / 20_000, place)

        def work(n: int = n) -> str:
            end = time.monotonic() + n % 7 / 4000
            while time.monotonic() < end:
                pass
            return "done"

        came.append(run(place, work))
        stopping.join()
    assert set(came) == {"done", "stopped"}


def test_what_is_raised_meanwhile_is_not_mixed_up() -> None:
    """The work fails at about the moment it is stopped: it is one or the other."""
    kinds = set()
    for n in range(400):
        place = InOwnThread()

        def work(n: int = n) -> None:
            end = time.monotonic() + n % 7 / 4000
            while time.monotonic() < end:
                pass
            raise ValueError("failed")

        def fails(work: Callable[[], None] = work) -> Any:
            try:
                work()
            except ValueError:
                return "failed"

        stopping = stop_after(n % 40 / 20_000, place)
        kinds.add(in_thread(place, fails))
        stopping.join()
    assert kinds == {"failed", "stopped"}
