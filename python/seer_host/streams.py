"""Byte streams through the host: clients on sockets in the shared folder, and processes whose stdin is one.

One thread waits for all sockets. Who writes sends at once where the socket takes it, and a read that waits is answered
by that thread: on the way of a call nothing is handed from thread to thread.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter

from .config import HostConfig
from .errors import INVALID_PARAMS, RpcError, named
from .log import log
from .stream_listener import Listener
from .stream_pieces import Pieces
from .stream_poller import READ, WRITE, Poller
from .stream_readers import Reader, Readers, give
from .stream_socket import Stream

#: Of one listener, and of all. One that has ended counts until its end was read.
MAX_CLIENTS = 128
MAX_ALL_CLIENTS = 256
#: What the other sides of all streams together have not taken yet.
MAX_OUT_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
#: Of one stream, and of one listener, before the others have their turn.
CHUNKS = 4
ACCEPTS = 16
#: Code that connects in a loop, or a lack of descriptors, is not to take the processor.
PAUSE_SECONDS = 0.05
FLUSH_SECONDS = 10.0


class Streams:
    def __init__(self, config: HostConfig) -> None:
        self.config = config
        self.lock = threading.Lock()
        self.poller = Poller()
        self.pieces = Pieces()
        self.readers = Readers(self.pieces, self._forget)
        self.listeners: dict[str, Listener] = {}
        #: Until their end was read.
        self.streams: dict[str, Stream] = {}
        self.clients: Counter[str] = Counter()
        self.last_client = 0
        #: They end once what is to be written is written, or what was written is read.
        self.leaving: set[Stream] = set()
        self.out_bytes = 0
        self.thread: threading.Thread | None = None
        #: When the thread wakes by itself.
        self.wakes_at = 0.0

    # For any thread

    def listen(self, name: str) -> str:
        """The path of the socket, as the code inside sees it. One whose file was taken away is made anew."""
        with self.lock:
            self._begin()
            listener = self.listeners.get(name)
            if listener is None or not listener.in_place:
                made = Listener(self.config, name)
                if listener is not None:
                    self._close_listener(listener)
                self.listeners[name] = listener = made
                self.poller.watch(made, READ)
            return listener.inside

    def unlisten(self, name: str) -> None:
        with self.lock:
            listener = self.listeners.pop(name, None)
            if listener is not None:
                self._close_listener(listener)
            for stream in self.streams.values():
                if stream.listener == name:
                    self._close(stream)
        self.poller.wake()

    def adopt(self, name: str, sock: socket.socket) -> None:
        """The other end of a process's stdin. The socket is its own from now on."""
        with self.lock:
            self._begin()
            self.streams[name] = stream = Stream(name, sock)
            self._watch(stream)

    def finish(self, name: str) -> None:
        """Its process has ended, or was not started: what it has written is read, then it is closed."""
        with self.lock:
            stream = self.streams.get(name)
            if stream is not None and not stream.ended:
                stream.expect_no_more()
                self.leaving.add(stream)
        self.poller.wake()

    def read(self, reader: Reader) -> None:
        """Answers it now, or as soon as there is something."""
        with self.lock:
            self._begin()
            self.readers.waiting.append(reader)
            answers = self.readers.answers()
            is_sooner = reader.until < self.wakes_at
        give(answers)
        if is_sooner:
            self.poller.wake()

    def write(self, name: str, offset: int, data: bytes) -> int:
        """How many bytes it has taken in all."""
        with self.lock:
            stream = self.streams.get(name)
            if stream is None or not stream.takes:
                raise named("unknown-stream", "there is no such stream, or it has ended")
            if offset > stream.accepted:
                raise RpcError(INVALID_PARAMS, f"it has taken {stream.accepted} bytes until now")
            new = memoryview(data)[stream.accepted - offset :]
            if new:
                self.out_bytes += stream.write(new, MAX_OUT_BYTES - self.out_bytes)
                self._watch(stream)
            if not stream.takes:
                raise named("unknown-stream", "its other side has closed it")
            return stream.accepted

    def allow(self, name: str, in_all: int) -> None:
        """Its reader takes so many bytes of it, counted from its first."""
        with self.lock:
            stream = self.streams.get(name)
            if stream is None or stream.ended or in_all <= stream.allowed:
                return
            stream.allowed = in_all
            self._watch(stream)
            is_leaving = stream in self.leaving
        if is_leaving:
            self.poller.wake()

    def close(self, name: str) -> None:
        with self.lock:
            stream = self.streams.get(name)
            if stream is not None:
                self._close(stream)
        self.poller.wake()

    def close_all(self) -> None:
        """At once, and nobody is to read what they have brought."""
        with self.lock:
            for listener in self.listeners.values():
                self._close_listener(listener)
            self.listeners.clear()
            for stream in self.streams.values():
                self._end(stream)
            self.streams.clear()
            self.clients.clear()
            self.pieces.forget_all()

    def wake(self) -> None:
        """For whoever has cancelled a read."""
        self.poller.wake()

    # Under the lock

    def _begin(self) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, name="streams", daemon=True)
            self.thread.start()

    def _watch(self, stream: Stream) -> None:
        self.poller.watch(stream, stream.wanted)

    def _close(self, stream: Stream) -> None:
        if not stream.ended:
            stream.close_until(time.monotonic() + FLUSH_SECONDS)
            self._watch(stream)
            self.leaving.add(stream)

    def _end(self, stream: Stream) -> None:
        if stream.ended:
            return
        stream.ended = True
        self._watch(stream)
        self.leaving.discard(stream)
        stream.sock.close()
        self.out_bytes -= len(stream.out)
        stream.out.clear()
        self.pieces.add(stream.name, "end")

    def _forget(self, name: str) -> None:
        stream = self.streams.pop(name, None)
        if stream is not None and stream.listener is not None:
            self.clients[stream.listener] -= 1

    def _close_listener(self, listener: Listener) -> None:
        self.poller.watch(listener, 0)
        listener.close()

    # The thread

    def _run(self) -> None:
        patience: float | None = 0.0
        while True:
            try:
                ready = self.poller.wait(patience)
                with self.lock:
                    for what, mask in ready:
                        self._ready(what, mask)
                    self._tend()
                    answers = self.readers.answers()
                    patience = self._patience()
                give(answers)
            except Exception as error:  # noqa: BLE001 - the others go on
                log(f"streams: {error!r}")
                patience = PAUSE_SECONDS

    def _patience(self) -> float | None:
        times = [reader.until for reader in self.readers.waiting]
        times += [stream.closing_until for stream in self.leaving if stream.closing_until is not None]
        times += [one.paused_until for one in self.listeners.values() if one.paused_until is not None]
        self.wakes_at = min(times, default=float("inf"))
        return max(0.0, self.wakes_at - time.monotonic()) if times else None

    def _ready(self, what: object, mask: int) -> None:
        if isinstance(what, Listener) and self.listeners.get(what.name) is what:
            self._accept(what)
        elif isinstance(what, Stream) and not what.ended:
            if mask & WRITE:
                self.out_bytes -= what.flush()
            if mask & READ:
                self._receive(what)
            self._watch(what)

    def _tend(self) -> None:
        now = time.monotonic()
        for stream in list(self.leaving):
            if stream.closing_until is None:
                self._receive(stream)
                self._watch(stream)
            elif stream.is_written or stream.closing_until <= now:
                self._end(stream)
        for listener in self.listeners.values():
            if listener.paused_until is not None and listener.paused_until <= now:
                listener.paused_until = None
                self.poller.watch(listener, READ)

    def _receive(self, stream: Stream) -> None:
        for _ in range(CHUNKS):
            chunk = stream.receive(CHUNK_BYTES)
            if chunk is None:
                return
            if not chunk:
                self._end(stream)
                return
            stream.tail = self.pieces.add_data(stream.name, chunk, stream.tail)
            if len(chunk) < CHUNK_BYTES and stream.last_bytes is None:
                return

    def _accept(self, listener: Listener) -> None:
        is_full = False
        for _ in range(ACCEPTS):
            try:
                sock = listener.accept()
            except OSError:
                is_full = True
                break
            if sock is None:
                break
            if self.clients[listener.name] >= MAX_CLIENTS or self.clients.total() >= MAX_ALL_CLIENTS:
                sock.close()
                is_full = True
                continue
            self.last_client += 1
            stream = self.streams[f"s{self.last_client}"] = Stream(f"s{self.last_client}", sock, listener.name)
            self.clients[listener.name] += 1
            self.pieces.add(stream.name, "open", listener.name)
            self._receive(stream)
            self._watch(stream)
        if is_full:
            listener.paused_until = time.monotonic() + PAUSE_SECONDS
            self.poller.watch(listener, 0)
