"""Stopping a function from another thread by an exception in it: in that call, never in the next or in our own code."""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class CallCancelled(BaseException):
    """Nobody waits for this call any more. Clean up on its way, and let it pass."""


class InMainThread:
    """By a signal whose handler raises. It reaches every wait, and code in C once that returns.

    The exception is raised at most once, and only while `run` runs: the handler disarms as it raises, and the end of
    `run` disarms before anything can come after it.
    """

    armed: InMainThread | None = None

    def __init__(self) -> None:
        self.asked = False

    def run(self, work: Callable[[], T]) -> T:
        try:
            InMainThread.armed = self
            if self.asked:  # before it was armed
                InMainThread.armed = None
                raise CallCancelled
            return work()
        finally:
            InMainThread.armed = None

    def stop(self) -> None:
        self.asked = True
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    @staticmethod
    def prepare() -> None:
        signal.signal(signal.SIGUSR1, _on_signal)


def _on_signal(*_: object) -> None:
    armed = InMainThread.armed
    if armed is not None and armed.asked:
        InMainThread.armed = None
        raise CallCancelled


class InOwnThread:
    """By an asynchronous exception, in a thread that makes one call and then ends. It does not reach waits in C.

    There is one token, from when `run` may be stopped until it ends. Who takes it decides: `stop`, which then raises;
    or the end of `run`, after which nothing is raised.
    """

    def __init__(self) -> None:
        self.asked = False
        self.raised = False
        self.token: list[bool] = []
        self.thread = 0

    def run(self, work: Callable[[], T]) -> T:
        try:
            self.thread = threading.get_ident()
            self.token.append(True)
            if self.asked:  # before there was a token
                raise CallCancelled
            return work()
        finally:
            self._settle()

    def stop(self) -> None:
        self.asked = True
        if self._take():
            _raise_in(self.thread, CallCancelled)
            self.raised = True

    def _take(self) -> bool:
        try:
            return self.token.pop()
        except IndexError:
            return False

    def _settle(self) -> None:
        if self._take():
            return
        while not self.raised:  # `stop` is about to
            time.sleep(0.001)
        _raise_in(self.thread, None)  # what was not delivered yet is taken back


def _raise_in(thread: int, kind: Any) -> None:
    what = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
