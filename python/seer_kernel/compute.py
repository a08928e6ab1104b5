"""The machine facts on which numbers may depend, published once by the set-up cell."""

from __future__ import annotations

import platform
import sys
from typing import Any

MIME = "application/vnd.seer.compute+json"


def describe() -> dict[str, Any]:
    """Python, torch (None where nothing has imported it), instruction set, torch's threads and device."""
    torch = sys.modules.get("torch")
    facts: dict[str, Any] = {"python": platform.python_version(), "torch": None, "isa": platform.machine()}
    facts |= {"threads": None, "device": "cpu"}
    if torch is None:
        return facts
    cuda = torch.cuda.is_available()
    return facts | {
        "torch": torch.__version__,
        "isa": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(0) if cuda else "cpu",
    }


def publish() -> None:
    from IPython.display import display

    facts = describe()
    text = ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)
    display({MIME: facts, "text/plain": text}, raw=True)
