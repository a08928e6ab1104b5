"""Where the agent's own packages go: a virtual environment in the workspace that sees the sandbox's read-only one.

pip is led to it by `PIP_PYTHON`. What the sandbox has counts as installed; another version can be installed beside it.
"""

from __future__ import annotations

import os
import shlex
import site
import stat
import sys
import sysconfig
from pathlib import Path

#: Read by the layer's interpreter at its start, after its own packages: theirs come first.
ENVIRONMENT_FILE = "_environment.pth"


def layer_folders(layer: Path) -> list[Path]:
    """Where pip puts modules: one folder, or two where compiled ones have their own."""
    scheme = "venv" if "venv" in sysconfig.get_scheme_names() else "posix_prefix"
    base = {"base": str(layer), "platbase": str(layer)}
    return list(dict.fromkeys(Path(sysconfig.get_path(name, scheme, base)) for name in ("purelib", "platlib")))


def make_layer(python: Path) -> None:
    """`python` is `<layer>/bin/python`. What is there is kept; where there is no room, pip says that it is missing."""
    layer = python.parent.parent
    interpreter = getattr(sys, "_base_executable", sys.executable)
    environment = "".join(f"import site; site.addsitedir({folder!r})\n" for folder in site.getsitepackages())
    config = f"home = {Path(interpreter).parent}\ninclude-system-site-packages = false\n"
    # A program's first line may hold no path with a space; and pip is to be asked only once.
    pip = f'#!/bin/sh\nunset PIP_PYTHON\nexec {shlex.quote(str(python))} -m pip "$@"\n'
    try:
        for folder in [python.parent, *layer_folders(layer)]:
            folder.mkdir(parents=True, exist_ok=True)
        _link(Path(sys.executable), python)
        _write(layer / "pyvenv.cfg", config)
        _write(layer_folders(layer)[0] / ENVIRONMENT_FILE, environment)
        for name in ("pip", "pip3"):
            _write(python.parent / name, pip, mode=0o755)
    except OSError as error:
        print(f"seer spawner: no place for the agent's packages: {error}", file=sys.stderr)


def _link(target: Path, path: Path) -> None:
    if path.is_symlink() and os.readlink(path) == str(target):
        return
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    content = text.encode()
    if _holds(path, content):
        return
    # Not through a link, and not into a file that something reads at this moment.
    aside = path.with_name(f"{path.name}.part")
    aside.unlink(missing_ok=True)
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    aside.replace(path)


def _holds(path: Path, content: bytes) -> bool:
    """Never waits, whatever the agent's code has put there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        return stat.S_ISREG(found.st_mode) and found.st_size == len(content) and file.read(len(content)) == content
