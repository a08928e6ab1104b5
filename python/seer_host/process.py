"""One process beside the kernels: a thread writes its stdin and keeps what it prints, until its end."""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .process_pipes import Pipes
from .process_text import KeptText
from .redact import Redactor
from .spawner_link import SpawnerLink

CHUNK_BYTES = 64 * 1024
#: What a process has left in the background may hold its streams. Its end is told when they are silent for this long.
GRACE_SECONDS = 0.2
#: As much as a pipe can hold, at most.
LAST_BYTES = 1024 * 1024
#: Between two looks at streams whose process has ended.
LEFT_SECONDS = 0.05
BECAUSE_SECONDS = 10.0
TERM_SECONDS = 2.0
KILL_SECONDS = 5.0


class Process:
    """`changed` is notified whenever there is more to read."""

    def __init__(
        self,
        id: str,
        folder: Path,
        max_bytes: int,
        redactor: Redactor | None,
        changed: threading.Condition,
        link: SpawnerLink,
    ) -> None:
        self.id = id
        self.changed = changed
        self.link = link
        #: By this the spawner knows it; no kernel has such an id.
        self.spawned_as = f"process:{id}"
        #: The byte stream that is its stdin, where it has one.
        self.stream = f"p:{id}"
        self.stdout = KeptText(folder / f"{id}.stdout", max_bytes, redactor)
        self.stderr = KeptText(folder / f"{id}.stderr", max_bytes, redactor)
        self.stdin = memoryview(b"")
        self.lock = threading.Lock()
        self.begun_at = time.monotonic()
        #: It runs, or it is known why it does not.
        self.begun = threading.Event()
        self.not_started: str | None = "it was not started"
        self.exit: tuple[int | None, str | None] | None = None
        self.exit_at = 0.0
        self.exited = threading.Event()
        #: Why it was ended, by us; and why it may be about to end, and when that was known.
        self.asked: str | None = None
        self.because: tuple[str, float] | None = None
        #: How it ended, once all that it printed is kept.
        self.ended: dict[str, Any] | None = None
        #: When that was told first.
        self.told_at: float | None = None
        self.left = False
        self.wake: int | None = None
        self.deadline: threading.Timer | None = None

    @property
    def runs(self) -> bool:
        """Also while it is being started."""
        return not self.begun.is_set() or (self.not_started is None and not self.exited.is_set())

    @property
    def kept(self) -> tuple[KeptText, KeptText]:
        return self.stdout, self.stderr

    def serve(self, pipes: Pipes, stdin: bytes, seconds: float | None, on_end: Callable[[], None]) -> None:
        """It was started. From now on in a thread of its own, to which the pipes belong."""
        self.stdin = memoryview(stdin)
        self.wake = pipes.wake_in
        if seconds is not None:
            self.deadline = threading.Timer(seconds, self.stop, (f"it ran longer than {seconds:.12g} s",))
            self.deadline.daemon = True
            self.deadline.start()
        threading.Thread(target=self._serve, args=(pipes, on_end), name=self.id, daemon=True).start()
        self.not_started = None

    def on_exit(self, exit_code: int | None, signal: str | None) -> None:
        with self.lock:
            self.exit_at = time.monotonic()
            self.exit = (exit_code, signal)
        self.exited.set()
        self._wake()

    def stop(self, because: str) -> None:
        """By agreement, then by force, then with the whole spawner."""
        if self.exited.is_set():
            return
        self.asked = self.asked or because
        self.link.signal(self.spawned_as, "SIGTERM", group=True)
        self.exited.wait(TERM_SECONDS)
        self.kill()
        if not self.exited.wait(KILL_SECONDS):
            self.link.end()

    def kill(self) -> None:
        """It, what it started, and what it has left in the background."""
        self.link.kill(self.spawned_as)

    def leave(self) -> None:
        """What it left in the background is not listened to any more."""
        self.left = True
        self._wake()

    def _wake(self) -> None:
        with self.lock:
            if self.wake is not None:
                os.write(self.wake, b"\0")

    def _serve(self, pipes: Pipes, on_end: Callable[[], None]) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(pipes.wake_out, selectors.EVENT_READ)
                selector.register(pipes.stdout, selectors.EVENT_READ, self.stdout)
                selector.register(pipes.stderr, selectors.EVENT_READ, self.stderr)
                if pipes.stdin is not None:
                    selector.register(pipes.stdin, selectors.EVENT_WRITE)
                self._listen(selector, pipes)
                self._end()
                on_end()
                self._drain(selector, pipes)
        finally:
            with self.lock:
                self.wake = None
            pipes.close_all()

    def _listen(self, selector: selectors.BaseSelector, pipes: Pipes) -> None:
        """Until it has ended and its streams are at their end, or only others still hold them."""
        while self.exit is None or pipes.stdout in pipes.opened or pipes.stderr in pipes.opened:
            patience = None if self.exit is None else self.exit_at + GRACE_SECONDS - time.monotonic()
            if patience is not None and patience <= 0:
                break
            for key, _ in selector.select(patience):
                if key.fd == pipes.stdin:
                    self._feed(selector, pipes, key.fd)
                elif isinstance(key.data, KeptText):
                    if self._read(selector, pipes, key.fd, key.data):
                        with self.changed:
                            self.changed.notify_all()
                else:
                    os.read(key.fd, CHUNK_BYTES)
        for fd, kept in ((pipes.stdout, self.stdout), (pipes.stderr, self.stderr)):
            left = LAST_BYTES
            while left > 0 and fd in pipes.opened and (taken := self._read(selector, pipes, fd, kept)):
                left -= taken

    def _feed(self, selector: selectors.BaseSelector, pipes: Pipes, stdin: int) -> None:
        try:
            if self.stdin:
                self.stdin = self.stdin[os.write(stdin, self.stdin[:CHUNK_BYTES]) :]
        except BlockingIOError:
            return
        except OSError:
            self.stdin = memoryview(b"")  # it reads no more
        if not self.stdin:
            selector.unregister(stdin)
            pipes.close(stdin)

    def _read(self, selector: selectors.BaseSelector, pipes: Pipes, fd: int, kept: KeptText | None) -> int:
        try:
            data = os.read(fd, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            selector.unregister(fd)
            pipes.close(fd)
        elif kept is not None:
            kept.take(data)
        return len(data)

    def _end(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        exit_code, signal = self.exit or (None, None)
        for kept in self.kept:
            kept.end()
        because = self.asked
        if because is None and exit_code != 0 and self.because and time.monotonic() - self.because[1] < BECAUSE_SECONDS:
            because = self.because[0]
        ended: dict[str, Any] = {"exitCode": exit_code, "signal": signal}
        if because is not None:
            ended["because"] = because
        ended["lost"] = sum(kept.lost for kept in self.kept)
        ended["durationMs"] = round((self.exit_at - self.begun_at) * 1000, 3)
        with self.changed:
            self.ended = ended
            self.changed.notify_all()

    def _drain(self, selector: selectors.BaseSelector, pipes: Pipes) -> None:
        """Reads on and throws away, without haste: what still writes there would otherwise be ended by it."""
        if pipes.stdin is not None and pipes.stdin in pipes.opened:
            selector.unregister(pipes.stdin)
            pipes.close(pipes.stdin)
        while not self.left and (pipes.stdout in pipes.opened or pipes.stderr in pipes.opened):
            for key, _ in selector.select():
                if isinstance(key.data, KeptText):
                    self._read(selector, pipes, key.fd, None)
                else:
                    os.read(key.fd, CHUNK_BYTES)
            time.sleep(LEFT_SECONDS)
