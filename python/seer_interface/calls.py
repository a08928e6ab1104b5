"""All calls of an interface: which of them run, in what order, and how they are stopped."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable

from seer_client.frames import Frame, FrameError

from .call import Answer, Call, failed, stopped
from .interrupting import InMainThread
from .places import Places
from .served import Served
from .wire import Wire
from .workers import Loop, in_own_thread, run

MAX_CONCURRENT = 32
#: After it was told to stop, so long until it is told that a function goes on all the same.
BUSY_SECONDS = 5.0


class Calls:
    def __init__(self, name: str, wire: Wire, places: Places) -> None:
        self.name = name
        self.wire = wire
        self.places = places
        self.functions: dict[str, Served] = {}
        self.lock = threading.Lock()
        self.telling = threading.Lock()
        self.pid = os.getpid()
        self.known: dict[int, Call] = {}
        #: For the main thread; a number ends it, with that exit code.
        self.next: queue.SimpleQueue[Call | int] = queue.SimpleQueue()
        self.waiting: deque[Call] = deque()
        self.beside = 0
        self.loop = Loop()

    def take(self, frame: Frame) -> None:
        """What Seer says. Raises FrameError for what it would never say."""
        head = frame.head
        id = head.get("id")
        if type(id) is not int:
            raise FrameError("a message without a number")
        if head.get("kind") == "cancel":
            self.cancel(id, str(head.get("why")))
        elif head.get("kind") == "call":
            self._accept(id, head.get("function"), head.get("seconds"), frame)
        else:
            raise FrameError("a message of a kind that is not known")

    def _accept(self, id: int, name: object, seconds: object, frame: Frame) -> None:
        if not isinstance(name, str) or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise FrameError("a call that does not say of what")
        served = self.functions.get(name)
        if served is None:
            error = {"message": f"{self.name} has no function {name[:80]!r}"}
            with self.telling:
                self.wire.send({**failed("unknown-function", error).head, "id": id})
            return
        call = Call(id, served, seconds, frame.body, frame.buffers)
        with self.lock:
            if id in self.known:
                raise FrameError("two calls of one number")
            self.known[id] = call
            is_next = not served.exposed.concurrent
            has_room = is_next or self.beside < MAX_CONCURRENT
            if not has_room:
                self.waiting.append(call)
            elif not is_next:
                self.beside += 1
        if is_next:
            self.next.put(call)
        elif has_room:
            self._start_beside(call)

    def cancel(self, id: int, why: str) -> None:
        """One that waits is answered at once. One that has ended is not known any more."""
        with self.lock:
            call = self.known.get(id)
            if call is None or call.why is not None:
                return
            call.why = why
            if call.stop is not None:
                call.timer = threading.Timer(BUSY_SECONDS, self._tell_busy, [call])
                call.timer.daemon = True
                call.timer.start()
        if call.stop is None:
            self._answer(call, stopped(call))
        else:
            call.stop()

    def end(self, code: int) -> None:
        """The main thread ends once its call does; all are told to."""
        for id in list(self.known):
            self.cancel(id, "the process ends")
        self.next.put(code)

    def serve(self) -> int:
        """In the main thread. The exit code."""
        while isinstance(call := self.next.get(), Call):
            if call.served.is_async:
                ended = threading.Event()
                self.loop.submit(call, self.places, self._begin, self._and_then(ended.set))
                ended.wait()
            else:
                self._answer(call, run(call, InMainThread(), self.places, self._begin))
        return call

    def _start_beside(self, call: Call) -> None:
        start = self.loop.submit if call.served.is_async else in_own_thread
        start(call, self.places, self._begin, self._and_then(self._next_beside))

    def _next_beside(self) -> None:
        with self.lock:
            while self.waiting and self.waiting[0].why is not None:
                self.waiting.popleft()
            call = self.waiting.popleft() if self.waiting else None
            if call is None:
                self.beside -= 1
        if call is not None:
            self._start_beside(call)

    def _and_then(self, then: Callable[[], None]) -> Callable[[Call, Answer], None]:
        def done(call: Call, answer: Answer) -> None:
            try:
                self._answer(call, answer)
            finally:
                then()

        return done

    def _begin(self, call: Call, stop: Callable[[], None]) -> bool:
        """Whether it is still wanted."""
        with self.lock:
            if call.why is not None:
                return False
            call.stop = stop
            return True

    def _answer(self, call: Call, answer: Answer) -> None:
        if os.getpid() != self.pid:
            os._exit(0)  # a child that the function forked, and let return from it
        with self.lock:
            self.known.pop(call.id, None)
            if call.timer is not None:
                call.timer.cancel()
        with self.telling:
            if not call.answered:
                call.answered = True
                self.wire.send({**answer.head, "id": call.id}, answer.body, answer.buffers)

    def _tell_busy(self, call: Call) -> None:
        with self.telling:
            if not call.answered:
                self.wire.send({"kind": "busy", "id": call.id})
