"""JSON that says one thing only: no NaN, no number that no float can be, no key twice, and not deeply nested."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 100
#: Longer ones are not read by every Python.
MAX_INT_DIGITS = 4300
_NO_BRACKETS_OR_QUOTES = bytes(set(range(256)) - set(b'"[]{}'))


class BadJson(ValueError):
    """It cannot be read, and what it would be is anyone's guess."""


def parse_json(text: bytes | bytearray) -> Any:
    if _is_deep(text):
        raise BadJson(f"not JSON, or nested more than {MAX_DEPTH} deep")
    try:
        return json.loads(
            text.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded_int,
            object_pairs_hook=_no_key_twice,
        )
    except BadJson:
        raise
    except (ValueError, RecursionError):
        raise BadJson("not JSON") from None


def json_bytes(value: Any) -> bytes:
    """UTF-8. A lone surrogate, for which that has no bytes, is escaped as JSON can."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _is_deep(text: bytes | bytearray) -> bool:
    """Looks before anything parses it: a parser may recurse, and one million brackets are a small text."""
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return False
    bare = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_BRACKETS_OR_QUOTES)
    brackets = b"".join(bare.split(b'"')[::2])  # what stands between quotes is text
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _no_constant(name: str) -> Any:
    raise BadJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise BadJson("a number beyond what a float can be")
    return number


def _bounded_int(text: str) -> int:
    if len(text) > MAX_INT_DIGITS:
        raise BadJson(f"a number of more than {MAX_INT_DIGITS} digits")
    return int(text)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise BadJson(f"the name {twice[:80]!r} is there twice")
    return found
