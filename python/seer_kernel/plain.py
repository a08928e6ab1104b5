"""Python values as plain JSON, for rows and saved values.

Scalars and arrays of numpy and torch become numbers and lists. JSON has no NaN: it, and the infinities, become null,
and the caller is told where, so that a missing number is never mistaken for one that was not measured.
"""

from __future__ import annotations

import json
import math
from typing import Any


def to_plain(value: Any, where: str, non_finite: list[str]) -> Any:
    """`where` names the value in errors; places of numbers that became null are added to `non_finite`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        non_finite.append(where)
        return None
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{where}: the key {key!r} is a {type(key).__name__}; JSON has only text keys")
        return {key: to_plain(item, f"{where}.{key}" if where else key, non_finite) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item, f"{where}[{index}]", non_finite) for index, item in enumerate(value)]
    if callable(convert := getattr(value, "tolist", None)):  # scalars and arrays of numpy and torch
        if callable(detach := getattr(value, "detach", None)):
            convert = detach().tolist
        return to_plain(convert(), where, non_finite)
    raise TypeError(f"{where or 'the value'} is a {type(value).__name__}, which JSON does not have")


def short(value: Any, limit: int = 200) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[: limit - 1] + "…"
