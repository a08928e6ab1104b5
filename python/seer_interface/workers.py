"""Where calls run that are not made in the main thread: each in a thread of its own, or on the one event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable

from .call import Answer, Call, make, make_async, stopped
from .interrupting import CallCancelled, InMainThread, InOwnThread
from .places import Places

#: Notes how a call is stopped from now on; False where it is not wanted any more.
Begin = Callable[[Call, Callable[[], None]], bool]
Done = Callable[[Call, Answer], None]


def run(call: Call, place: InMainThread | InOwnThread, places: Places, begin: Begin) -> Answer:
    """In this thread."""
    if begin(call, place.stop):
        try:
            return place.run(lambda: make(call, places))
        except CallCancelled:
            pass
    return stopped(call)


def in_own_thread(call: Call, places: Places, begin: Begin, done: Done) -> None:
    """A new thread each time: what is raised in one to stop its call can never reach another call."""

    def body() -> None:
        done(call, run(call, InOwnThread(), places, begin))

    threading.Thread(target=body, name=f"call-{call.id}", daemon=True).start()


class Loop:
    """One event loop for all functions that are `async def`, so that they can share connections."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.lock = threading.Lock()

    def submit(self, call: Call, places: Places, begin: Begin, done: Done) -> None:
        loop = self._running()
        tasks: list[asyncio.Task[Answer]] = []

        def stop() -> None:
            loop.call_soon_threadsafe(cancel)

        def cancel() -> None:
            for task in tasks:
                task.cancel()

        def start() -> None:
            if not begin(call, stop):
                done(call, stopped(call))
                return
            task = loop.create_task(make_async(call, places))
            tasks.append(task)
            task.add_done_callback(lambda ended: done(call, _answer(ended, call)))

        loop.call_soon_threadsafe(start)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                threading.Thread(target=self._run, args=[self.loop], name="calls", daemon=True).start()
            return self.loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while True:
            try:
                loop.run_forever()
            except BaseException:  # noqa: BLE001  # SystemExit of a task that the file started
                traceback.print_exc(file=sys.stderr)


def _answer(task: asyncio.Task[Answer], call: Call) -> Answer:
    try:
        return task.result()
    except (asyncio.CancelledError, CallCancelled):
        return stopped(call)
