"""`boot.py jupyter`: the first line of stdin says what is asked; the first line of stdout says where it is served.

It ends, and takes its folder along, when its stdin does: that is, with the process that started it, however that ends.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from .settings import NOTEBOOK, config_of, environment, lay_out


def main(args: list[str]) -> int:
    asked = json.loads(sys.stdin.readline())
    os.umask(0o077)
    folder = Path(tempfile.mkdtemp(prefix="seer-jupyter-"))
    threading.Thread(target=_end_with_stdin, args=(folder,), daemon=True).start()
    try:
        _serve(asked, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _end_with_stdin(folder: Path) -> None:
    while sys.stdin.read(1024):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _serve(asked: dict[str, Any], folder: Path) -> None:
    places = lay_out(folder)
    os.environ.update(environment(places))
    os.chdir(places["home"])
    # Only now: they read these variables as they are imported.
    from jupyterlab.labapp import LabApp

    from .server import close_gate

    index_html = Path(LabApp().static_dir, "index.html").read_text()
    LabApp.clear_instance()
    app = LabApp.initialize_server(argv=[], load_other_extensions=False, config=_traitlets(asked, places, index_html))
    close_gate(app.web_app)
    ready = json.dumps({"port": app.port, "copy": str(places["copy"] / NOTEBOOK)})
    # Behind what makes it listen, which waits for the loop, too.
    app.io_loop.add_callback(lambda: print(ready, flush=True))
    app.start()


def _traitlets(asked: dict[str, Any], places: dict[str, Path], index_html: str) -> Any:
    from traitlets.config import Config

    return Config(config_of(asked, places, index_html))
