"""Messages of a kernel's iopub channel as outputs of nbformat. What does not have the right shape raises ValueError."""

from __future__ import annotations

from typing import Any

MAX_NAME_CHARS = 128  # in Python's characters: at most 256 of JavaScript's


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _bundle(content: dict[str, Any]) -> dict[str, Any]:
    data = _object(content.get("data"))
    if any(len(mime) > MAX_NAME_CHARS for mime in data):
        raise ValueError("the name of a mime type is too long")
    return {"data": data, "metadata": _object(content.get("metadata", {}))}


def _display_id(content: dict[str, Any]) -> dict[str, Any]:
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    if display_id is None:
        return {}
    if len(_text(display_id)) > MAX_NAME_CHARS:
        raise ValueError("a display_id is too long")
    return {"display_id": display_id}


def count(value: Any) -> int | None:
    """An execution count, or null where it is not one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def to_output(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    """None for a message that is not an output."""
    if kind == "stream":
        if content.get("name") not in ("stdout", "stderr"):
            raise ValueError("no such stream")
        return {"output_type": kind, "name": content["name"], "text": _text(content.get("text"))}
    if kind == "display_data":
        return {"output_type": kind, **_bundle(content), **_display_id(content)}
    if kind == "update_display_data":
        named = _display_id(content)
        if not named:
            raise ValueError("an update without display_id")
        return {"output_type": kind, **_bundle(content), **named}
    if kind == "execute_result":
        number = count(content.get("execution_count"))
        return {"output_type": kind, **_bundle(content), "execution_count": number, **_display_id(content)}
    if kind == "error":
        lines = content.get("traceback")
        if not isinstance(lines, list):
            raise ValueError("a traceback that is not a list")
        return {
            "output_type": kind,
            "ename": _text(content.get("ename")),
            "evalue": _text(content.get("evalue")),
            "traceback": [_text(line) for line in lines],
        }
    if kind == "clear_output":
        return {"output_type": kind, "wait": bool(content.get("wait"))}
    return None
