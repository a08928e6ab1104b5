"""Ways to show a result: `format_result(name, value)` on a line, `summarize_list(values)` in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence


def format_result(name: str, value: object) -> str:
    """`name: value` on one line; long lists are summarised, numbers rounded to four decimals."""
    if isinstance(value, (list, tuple)) and len(value) > 8 and all(isinstance(one, (int, float)) for one in value):
        return f"{name}: {summarize_list(value)}"
    return f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}"


def summarize_list(values: Sequence[float]) -> str:
    """Length, mean, smallest and largest of some numbers."""
    if len(values) == 0:
        return "no values"
    mean = sum(values) / len(values)
    return f"{len(values)} values, mean {mean:.4f}, from {min(values):.4f} to {max(values):.4f}"
