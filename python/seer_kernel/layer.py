"""The agent's own packages, in a kernel: before those of the sandbox, and after all that the kernel itself is made of.

A kernel has imported what it needs when they come onto the path, so none of them can keep it from starting.
"""

from __future__ import annotations

import contextlib
import os
import site
import sys
from pathlib import Path

from seer_spawner.layer import ENVIRONMENT_FILE, layer_folders


def see_layer() -> None:
    """Makes them importable, also those that come later. Programs started by `sys.executable` see them too."""
    python = os.environ.get("PIP_PYTHON")
    if not python or not Path(python).exists():
        return
    sys.executable = python
    folders = [str(folder) for folder in layer_folders(Path(python).parent.parent)]
    own = set(site.getsitepackages())
    before = next((i for i, entry in enumerate(sys.path) if entry in own), len(sys.path))
    sys.path[before:before] = folders
    for folder in folders:
        _read_path_files(folder)


def _read_path_files(folder: str) -> None:
    """As Python does at its start: packages that are used from where they lie have such a file."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    known = set(sys.path)
    for name in names:
        if name.endswith(".pth") and not name.startswith(".") and name != ENVIRONMENT_FILE:
            # What goes wrong in one is told on stderr, and is no reason not to start.
            with contextlib.suppress(SystemExit), contextlib.redirect_stderr(sys.__stderr__):
                site.addpackage(folder, name, known)
