"""Sends whole messages to a peer, from many threads: those that may wait for it, and those that must not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from .frames import frame


class Sender:
    """`lost` is called where the peer takes nothing any more."""

    def __init__(self, sock: socket.socket, lost: Callable[[], None]) -> None:
        self.sock = sock
        self.lost = lost
        self.lock = threading.Lock()

    def send(self, body: bytes) -> None:
        self.lock.acquire()
        self._send_rest(frame(body))

    def send_now(self, body: bytes) -> None:
        """What the peer does not take at once is sent by a thread of its own."""
        data = frame(body)
        if not self.lock.acquire(blocking=False):
            threading.Thread(target=self.send, args=(body,), name="answer", daemon=True).start()
            return
        try:
            sent = self.sock.send(data, socket.MSG_DONTWAIT)
        except OSError:
            sent = 0  # also where it is closed, which the other one says
        if sent == len(data):
            self.lock.release()
        else:
            threading.Thread(target=self._send_rest, args=(data[sent:],), name="answer", daemon=True).start()

    def _send_rest(self, data: bytes) -> None:
        """Under the lock, which is free afterwards."""
        try:
            self.sock.sendall(data)
        except OSError:
            self.lost()
        finally:
            self.lock.release()
