"""The three pipes between the host and a process. Their other ends are all that is passed through the wall."""

from __future__ import annotations

import os


class Pipes:
    """`stdin`, `stdout`, `stderr`: our ends, which never block. `theirs`: what the process gets. `wake`: ours alone."""

    def __init__(self, owner: int | None) -> None:
        self.opened: list[int] = []
        try:
            for _ in range(4):
                self.opened += os.pipe()
            in_read, self.stdin, self.stdout, out_write, self.stderr, err_write, *wake = self.opened
            self.wake_out, self.wake_in = wake
            self.theirs = (in_read, out_write, err_write)
            for ours in (self.stdin, self.stdout, self.stderr):
                os.set_blocking(ours, False)
            if owner is not None:
                for fd in self.theirs:
                    os.fchown(fd, owner, owner)  # as whoever opens /dev/stdout there
        except OSError:
            self.close(*self.opened)
            raise

    def close(self, *descriptors: int) -> None:
        for fd in descriptors:
            if fd in self.opened:
                self.opened.remove(fd)
                os.close(fd)

    def close_theirs(self) -> None:
        self.close(*self.theirs)

    def close_all(self) -> None:
        self.close(*list(self.opened))
