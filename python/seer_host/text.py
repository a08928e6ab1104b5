"""Text and JSON that any reader can take: UTF-8 without lone surrogates, no NaN, no number beyond a double."""

from __future__ import annotations

import json
from typing import Any

MAX_INT_DIGITS = 300


def encode_text(text: str) -> bytes:
    """UTF-8; lone surrogates, which UTF-8 has no bytes for, become U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")


def encode_json(value: Any) -> bytes:
    return encode_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _finite(text: str) -> float | None:
    number = float(text)
    return number if abs(number) != float("inf") else None


def _bounded_int(text: str) -> int | None:
    return int(text) if len(text) <= MAX_INT_DIGITS else None


def parse_json(raw: bytes) -> Any:
    """NaN, Infinity and numbers beyond a double become null. Raises ValueError, also for JSON that is too deep."""
    try:
        return json.loads(
            raw.decode("utf-8", "replace"),
            parse_constant=lambda _: None,
            parse_float=_finite,
            parse_int=_bounded_int,
        )
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def deeper_than(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested more than `limit` levels. Readers in other languages recurse."""
    level: list[Any] = [value]
    for _ in range(limit + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(v for v in item.values() if isinstance(v, (dict, list)))
            elif isinstance(item, list):
                below.extend(v for v in item if isinstance(v, (dict, list)))
        if not below:
            return False
        level = below
    return True
