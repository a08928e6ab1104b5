"""Waits for many sockets in one thread. Any thread may change what is waited for, or wake the one that waits."""

from __future__ import annotations

import selectors
import socket
from typing import Protocol

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Polled(Protocol):
    sock: socket.socket
    #: What it is watched for: that of the poller alone.
    watched: int


class Poller:
    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.wake_out, self.wake_in = socket.socketpair()
        for end in (self.wake_out, self.wake_in):
            end.setblocking(False)
        self.selector.register(self.wake_out, READ)

    def watch(self, what: Polled, wanted: int) -> None:
        """Under its caller's lock. The system takes it at once, also while a thread waits."""
        if wanted == what.watched:
            return
        if what.watched == 0:
            self.selector.register(what.sock, wanted, what)
        elif wanted == 0:
            self.selector.unregister(what.sock)
        else:
            self.selector.modify(what.sock, wanted, what)
        what.watched = wanted

    def wait(self, patience: float | None) -> list[tuple[object, int]]:
        """What is ready, and for what. It may have been closed meanwhile."""
        events = self.selector.select(patience)
        if any(key.data is None for key, _ in events):
            try:
                self.wake_out.recv(4096)
            except OSError:
                pass
        return [(key.data, mask) for key, mask in events if key.data is not None]

    def wake(self) -> None:
        try:
            self.wake_in.send(b"\0")
        except OSError:
            pass  # it has enough to wake for
