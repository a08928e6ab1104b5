"""The three pipes between the host and a process. Their other ends are all that is passed through the wall."""

from __future__ import annotations

import os
import socket


class Pipes:
    """`stdin`, `stdout`, `stderr`: our ends, which never block. `theirs`: what the process gets. `wake`: ours alone.

    With `streams` its stdin is a socket instead, of which our end is `stream`: whoever takes it closes it.
    """

    def __init__(self, owner: int | None, streams: bool = False) -> None:
        self.opened: list[int] = []
        self.stdin: int | None = None
        self.stream: socket.socket | None = None
        try:
            in_read = self._open_stream() if streams else self._open_stdin()
            for _ in range(3):
                self.opened += os.pipe()
            self.stdout, out_write, self.stderr, err_write, *wake = self.opened[-6:]
            self.wake_out, self.wake_in = wake
            self.theirs = (in_read, out_write, err_write)
            for ours in (self.stdout, self.stderr):
                os.set_blocking(ours, False)
            if owner is not None:
                for fd in self.theirs:
                    os.fchown(fd, owner, owner)  # as whoever opens /dev/stdout there
        except OSError:
            self.close(*self.opened)
            if self.stream is not None:
                self.stream.close()
            raise

    def _open_stdin(self) -> int:
        in_read, self.stdin = os.pipe()
        self.opened += (in_read, self.stdin)
        os.set_blocking(self.stdin, False)
        return in_read

    def _open_stream(self) -> int:
        self.stream, theirs = socket.socketpair()
        self.opened.append(theirs.detach())
        return self.opened[-1]

    def close(self, *descriptors: int) -> None:
        for fd in descriptors:
            if fd in self.opened:
                self.opened.remove(fd)
                os.close(fd)

    def close_theirs(self) -> None:
        self.close(*self.theirs)

    def close_all(self) -> None:
        self.close(*list(self.opened))
