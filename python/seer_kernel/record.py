"""`seer.record`: one row of results, on its way to a table of the run."""

from __future__ import annotations

import re
from typing import Any

from .plain import short, to_plain

MIME = "application/vnd.seer.record+json"
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def record(row: dict[str, Any], table: str = "trials") -> None:
    """Adds a row to a table of the run's results.

    Values may be numbers, text, booleans, None, lists and dicts of them, and scalars or arrays of numpy and torch.
    NaN and infinities become null; the row then says where, in `_non_finite`.
    """
    if not isinstance(row, dict):
        raise TypeError(f"a row is a dict, not a {type(row).__name__}")
    if not isinstance(table, str) or not _TABLE.fullmatch(table):
        raise ValueError(f"{table!r} is not a name for a table: letters, digits, _ and -")
    from IPython.display import publish_display_data

    non_finite: list[str] = []
    plain = to_plain(row, "", non_finite)
    if non_finite:
        plain["_non_finite"] = non_finite
    publish_display_data({MIME: {"table": table, "row": plain}, "text/plain": f"{table}: {short(plain)}"})
