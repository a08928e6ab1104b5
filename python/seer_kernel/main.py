"""Launches the kernel: ipykernel with our channels, without history, with `seer` and `PARAMS` for the agent."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp
from traitlets import default
from traitlets.config import Config

from .api import make_module
from .iopub import NumberedIOPub
from .layer import see_layer
from .no_input import shell_commands_read_nothing
from .packing import SeerSession
from .seeding import seed_everything
from .threads import threads_print_under_their_cell


class SeerKernelApp(IPKernelApp):  # type: ignore[misc]
    """ipykernel's application. Its iopub socket drops nothing: at the default mark a paused reader lost 9 of 10."""

    @default("session")  # type: ignore[untyped-decorator]
    def _seer_session(self) -> SeerSession:
        return SeerSession(parent=self)

    def init_iopub(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.iopub_socket = context.socket(zmq.XPUB)
        self.iopub_socket.linger = 1000
        self.iopub_socket.setsockopt(zmq.SNDHWM, 0)
        self.iopub_port: int = self._bind_socket(self.iopub_socket, getattr(self, "iopub_port"))  # noqa: B009
        self.configure_tornado_logger()
        self.iopub_thread = NumberedIOPub(self.iopub_socket, pipe=True, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket


def _set_path(libraries: str | None) -> None:
    """The agent's code imports from the workspace and the libraries, and does not see our own folder."""
    ours = str(Path(__file__).resolve().parent.parent)
    sys.path[:] = [entry for entry in sys.path if entry not in (ours, "")]
    if libraries:
        sys.path.insert(0, libraries)
    sys.path.insert(0, "")  # the current folder


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="kernel")
    parser.add_argument("-f", dest="connection_file", required=True)
    parser.add_argument("--config", required=True)
    options = parser.parse_args(argv)
    config: dict[str, Any] = json.loads(Path(options.config).read_text(encoding="utf-8"))

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    settings = Config()
    settings.HistoryManager.enabled = False
    # Its tip of the day is drawn from the global `random`, again at each request for the kernel's info.
    settings.InteractiveShell.enable_tip = False
    # tqdm's warning that a widget is missing shows a folder of this machine, and nobody can act on it.
    warnings.filterwarnings("ignore", message="IProgress not found")
    settings.IPKernelApp.kernel_class = "seer_kernel.kernel.SeerKernel"
    settings.IPKernelApp.outstream_class = "seer_kernel.outstream.PiecewiseOutStream"
    settings.IPKernelApp.connection_file = options.connection_file
    namespace: dict[str, Any] = {}
    app = SeerKernelApp.instance(config=settings, user_ns=namespace)
    sys.argv = ["seer-kernel"]
    app.initialize([])
    user_ns = app.kernel.shell.user_ns
    module = make_module(config, user_ns)
    sys.modules["seer"] = module
    app.kernel.shell.push({"seer": module, "PARAMS": config["params"]}, interactive=False)
    _set_path(config["librariesDir"])
    see_layer()
    seed_everything(config["seed"])
    threads_print_under_their_cell()
    shell_commands_read_nothing()
    app.start()
    return 0
