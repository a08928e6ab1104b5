"""The stream to Seer: what was stdin, put where the interface's own code does not find it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any

from seer_client.frames import Buffer, Frame, read_frame, send_frame


class Wire:
    """Written by one thread at a time, read by one."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # A child that the file forks is not who answers.
        os.register_at_fork(after_in_child=sock.close)

    def send(self, head: dict[str, Any], body: bytes = b"", buffers: Sequence[Buffer] = ()) -> None:
        try:
            send_frame(self.sock, head, body, buffers)
        except OSError:
            pass  # it is closed, which whoever reads notices

    def read(self) -> Frame | None:
        return read_frame(self.sock)


def take_stdin() -> Wire:
    """Raises OSError where it is no socket. Code that reads stdin, and children, find it empty."""
    sock = socket.socket(fileno=os.dup(0))
    sock.setblocking(True)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return Wire(sock)
