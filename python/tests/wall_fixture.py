"""Walls for tests: the product's own arguments (`wall-args.json`), around the Python that runs the tests."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

PYTHON_DIR = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).resolve().parent / "wall-args.json"
#: As in `src/sandbox/local/wall/wall.ts`.
USER_OF_ROOTS_SANDBOXES = 65521
IS_ROOT = os.geteuid() == 0

needs_wall = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("bwrap") is None, reason="bubblewrap is not installed"
)


def wall_for(root: Path, **limits: int | bool | None) -> dict[str, Any]:
    """What a host is told of its wall, for a host whose folders are in `root`."""
    work, runtime = root / "work", root / "r"
    for folder in (work, runtime):
        folder.mkdir(mode=0o700, exist_ok=True)
        if IS_ROOT:
            os.chown(folder, USER_OF_ROOTS_SANDBOXES, USER_OF_ROOTS_SANDBOXES)
    places = {
        "{base}": os.path.realpath(sys.base_prefix),
        "{environment}": sys.prefix,
        "{seer}": str(PYTHON_DIR),
        "{workspace}": str(work),
        "{runtime}": str(runtime),
    }
    text = GOLDEN.read_text()
    for name, place in places.items():
        text = text.replace(name, place)
    plan = json.loads(text)["root" if IS_ROOT else "user"]
    return {
        "program": shutil.which("bwrap"),
        "args": plan["args"],
        "stageAt": "/mnt",
        "stage": plan["stage"],
        "dropTo": USER_OF_ROOTS_SANDBOXES if IS_ROOT else None,
        "cgroups": [],
        "inside": {
            "python": "/opt/environment/bin/python",
            "pythonDir": "/opt/seer",
            "workspace": "/workspace",
            "runtimeDir": "/run/seer",
            "librariesDir": "/workspace/libraries",
        },
        "limits": {
            "memoryBytes": None,
            "dataBytes": None,
            "processes": None,
            "diskBytes": None,
            "watchMemory": False,
            **limits,
        },
        "readOnly": plan["readOnly"],
        "writable": plan["writable"],
        "hidden": [],
    }
