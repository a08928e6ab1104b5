"""Threads that a cell starts print under that cell, also after its end, as they do not in plain ipykernel 7."""

from __future__ import annotations

import concurrent.futures.thread as pool
import contextvars
import threading
from typing import Any


def threads_print_under_their_cell() -> None:
    """The cell that output belongs to is a context variable, which a new thread does not have by itself."""
    start = threading.Thread.start

    def start_in_context(self: threading.Thread) -> None:
        # A pool's workers serve whoever submits next, so for them the cell that runs now is the better guess.
        if getattr(self, "_target", None) is not getattr(pool, "_worker", None):
            context, run = contextvars.copy_context(), self.run

            def run_in_context(*args: Any) -> None:
                context.run(run)

            self.run = run_in_context  # type: ignore[method-assign]
        start(self)

    threading.Thread.start = start_in_context  # type: ignore[method-assign]
