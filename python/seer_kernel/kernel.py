"""ipykernel's kernel, without a keyboard, and with plain Python in its subshells."""

from __future__ import annotations

import threading
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.subshell import SubshellThread

from .beside import run_beside
from .no_input import refuse, refuse_password


class SeerKernel(IPythonKernel):  # type: ignore[misc]
    def raw_input(self, prompt: Any = "") -> str:
        """ipykernel puts this in place of `input` while a cell runs."""
        return refuse(str(prompt))

    def getpass(self, prompt: Any = "", stream: Any = None, *, echo_char: Any = None) -> str:
        return refuse_password()

    async def do_execute(self, code: str, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(threading.current_thread(), SubshellThread):
            return await super().do_execute(code, *args, **kwargs)
        return {**run_beside(code, self.shell.user_ns), "execution_count": self.execution_count}
