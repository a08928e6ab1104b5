"""The one entry of Seer's Python.

`python -I boot.py host|relay|wall|spawner|forward|jupyter`, `python -s boot.py kernel|interface|forward|connect`.
"""

import importlib
import sys
from pathlib import Path

PARTS = {
    "host": "seer_host",
    "relay": "seer_host.relay",
    "wall": "seer_host.wall_launch",
    "spawner": "seer_spawner",
    "forward": "seer_spawner.forward",
    "connect": "seer_spawner.connect",
    "kernel": "seer_kernel",
    "interface": "seer_interface",
    "jupyter": "seer_jupyter",
}

if __name__ == "__main__":
    here = str(Path(__file__).resolve().parent)
    if sys.path[:1] != [here]:  # -I leaves the script's own folder out
        sys.path.insert(0, here)
    if len(sys.argv) < 2 or sys.argv[1] not in PARTS:
        sys.exit(f"usage: boot.py {'|'.join(PARTS)} …")
    module = PARTS[sys.argv[1]]
    entry = module if "." in module else f"{module}.main"
    sys.exit(importlib.import_module(entry).main(sys.argv[2:]))
