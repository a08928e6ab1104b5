"""ipykernel's kernel: no keyboard, plain Python in its subshells, and interrupts that stop code and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.subshell import SubshellThread

from .beside import run_beside
from .no_input import refuse, refuse_password

BETWEEN = "the interrupt came just before or behind the code of this cell"


class SeerKernel(IPythonKernel):  # type: ignore[misc]
    def raw_input(self, prompt: Any = "") -> str:
        """ipykernel puts this in place of `input` while a cell runs."""
        return refuse(str(prompt))

    def getpass(self, prompt: Any = "", stream: Any = None, *, echo_char: Any = None) -> str:
        return refuse_password()

    def pre_handler_hook(self) -> None:
        """ipykernel lets interrupts in from here on, and one that meets its own code takes the cell's reply with it."""
        self._is_interrupted = False
        signal.signal(signal.SIGINT, self._note_interrupt)

    def post_handler_hook(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _note_interrupt(self, *_: Any) -> None:
        self._is_interrupted = True

    async def do_execute(self, code: str, *args: Any, **kwargs: Any) -> Any:
        here = os.getpid()
        reply = await self._execute(code, *args, **kwargs)
        if os.getpid() != here:
            _end_copy(reply)
        return reply

    async def _execute(self, code: str, *args: Any, **kwargs: Any) -> Any:
        if isinstance(threading.current_thread(), SubshellThread):
            return {**run_beside(code, self.shell.user_ns), "execution_count": self.execution_count}
        number = self.shell.execution_count
        try:
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                if self._is_interrupted:
                    raise KeyboardInterrupt
                return await super().do_execute(code, *args, **kwargs)
            finally:
                signal.signal(signal.SIGINT, self._note_interrupt)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, self._note_interrupt)
            return self._interrupted_between(number)

    def _interrupted_between(self, number: int) -> dict[str, Any]:
        """Of an interrupt in the cell's own code, IPython has made a traceback and a reply."""
        self.shell.execution_count = number + 1
        error = {"ename": "KeyboardInterrupt", "evalue": BETWEEN, "traceback": [f"KeyboardInterrupt: {BETWEEN}"]}
        self.send_response(self.iopub_socket, "error", error)
        return {"status": "error", **error, "execution_count": number, "user_expressions": {}, "payload": []}


def _end_copy(reply: dict[str, Any]) -> None:
    """A process that the cell has forked came to the end of the cell, also by `sys.exit`: it must be no second kernel.

    It would answer for the cell, which may be waiting for that process to end.
    """
    try:
        if reply.get("status") == "error" and reply.get("ename") != "SystemExit":
            # Jupyter's message of it is sent by the kernel's own process only.
            print(*reply.get("traceback", []), sep="\n", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0 if reply.get("status") == "ok" else 1)
