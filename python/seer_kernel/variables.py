"""What the agent's variables are, in a few words each. No code of theirs is run: their own `repr` may do anything."""

from __future__ import annotations

import json
import types
from typing import Any

MAX_WORDS = 120
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_SIZED = (list, tuple, dict, set, frozenset, bytearray, range)
_HIDDEN = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)


def list_variables(user_ns: dict[str, Any], before: frozenset[str], options: str) -> None:
    """Prints JSON. `before`: names that were there before any code of the agent's ran."""
    asked = json.loads(options)
    show_all, matching, limit = asked["all"], asked["matching"], asked["limit"]
    names = [
        name
        for name, value in list(user_ns.items())
        if isinstance(name, str)
        and matching in name
        and (show_all or (not name.startswith("_") and name not in before and not isinstance(value, _HIDDEN)))
    ]
    shown = [_describe(name, user_ns[name]) for name in names[-limit:] if name in user_ns]
    print(json.dumps({"variables": shown, "more": len(names) - len(names[-limit:])}))


def _describe(name: str, value: Any) -> dict[str, Any]:
    kind = type(value)
    module = kind.__module__.split(".")[0] if isinstance(kind.__module__, str) else ""
    about, size = "", None
    if kind in _PLAIN:
        about = _plain(value)
    elif kind in _SIZED:
        about = f"of {len(value)}"
    elif module in ("torch", "numpy", "pandas", "polars", "jax", "jaxlib"):
        about, size = _array(value)
    return {"name": name[:MAX_WORDS], "type": _named(kind), "about": about, "bytes": size}


def _named(kind: type) -> str:
    module = kind.__module__ if isinstance(kind.__module__, str) else ""
    short = kind.__qualname__[:MAX_WORDS]
    return short if module in ("builtins", "__main__") else f"{module.split('.')[0][:MAX_WORDS]}.{short}"


def _plain(value: Any) -> str:
    if isinstance(value, (str, bytes)) and len(value) > MAX_WORDS:
        return f"of {len(value)}: {value[: MAX_WORDS // 2]!r}…"
    if type(value) is int and value.bit_length() > 4 * MAX_WORDS:
        return f"of {value.bit_length()} bits"
    return repr(value)


def _array(value: Any) -> tuple[str, int | None]:
    """Shape, type of numbers, device. These libraries answer from what they hold, without computing."""
    words, size = [], None
    for part in ("shape", "dtype", "device"):
        try:
            found = getattr(value, part)
        except Exception:  # noqa: BLE001 - then it has none
            continue
        if not callable(found):
            words.append(str(tuple(found)) if part == "shape" else str(found).removeprefix("torch.")[:40])
    try:
        found = value.nbytes
        size = int(found) if isinstance(found, int) else None
    except Exception:  # noqa: BLE001 - then it does not say
        pass
    return " ".join(words)[:MAX_WORDS], size
