"""Exceptions as text that may be shown to whoever called: the interface's own frames, and no path of the machine."""

from __future__ import annotations

import linecache
import traceback

from .interrupting import CallCancelled
from .places import Places

#: Together less than the head of a message may have, also where each character is escaped.
MAX_MESSAGE_CHARS = 2000
MAX_TRACEBACK_CHARS = 6000
_MAX_FRAMES = 24
_MAX_CHAIN = 4


def described(error: BaseException, places: Places) -> dict[str, str]:
    """`message`, and `traceback` where there is one."""
    chain = _chain(error)
    parts = [_frames(one, places) for one in chain]
    lines: list[str] = []
    for earlier, frames in zip(reversed(chain[1:]), reversed(parts[1:]), strict=True):
        lines += [*frames, message_of(earlier, places), "After that:"]
    lines += parts[0]
    found: dict[str, str] = {"message": message_of(error, places)}
    if any(parts):
        text = clean("\n".join(["Traceback (most recent call last):", *lines]), places, MAX_TRACEBACK_CHARS)
        found["traceback"] = text
    return found


def message_of(error: BaseException, places: Places) -> str:
    try:
        text = str(error)
    except CallCancelled:
        raise
    except BaseException as other:  # noqa: BLE001
        text = f"(its text cannot be made: {type(other).__name__})"
    name = type(error).__name__
    return clean(f"{name}: {text}" if text else name, places, MAX_MESSAGE_CHARS)


def clean(text: str, places: Places, limit: int) -> str:
    """Without what UTF-8 has no bytes for, without paths, and cut."""
    more = len(text) - 2 * limit
    kept = places.hide(text[: 2 * limit].encode("utf-8", "replace").decode("utf-8"))
    more = max(more, 0) + max(len(kept) - limit, 0)
    return kept if more == 0 else f"{kept[:limit]}… {more} more characters"


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and len(chain) < _MAX_CHAIN:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if isinstance(one, CallCancelled):
            break
    return chain


def _frames(error: BaseException, places: Places) -> list[str]:
    """Frames of Seer's, above them, are left out; those of libraries are counted."""
    own: list[list[str]] = []
    foreign = 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        name = places.own(code.co_filename)
        if name is None:
            foreign += own != [] and not code.co_filename.startswith("<frozen importlib")
            continue
        own += _of_libraries(foreign)
        foreign = 0
        own.append(_entry(name, number, code.co_name, linecache.getline(code.co_filename, number, frame.f_globals)))
    own += _of_libraries(foreign)
    if isinstance(error, SyntaxError) and error.filename and (name := places.own(error.filename)) is not None:
        own.append(_entry(name, error.lineno or 0, None, error.text or ""))
    if len(own) > _MAX_FRAMES:
        half = _MAX_FRAMES // 2
        own[half:-half] = [[f"  … {len(own) - 2 * half} more frames"]]
    return [line for entry in own for line in entry]


def _entry(name: str, number: int, function: str | None, source: str) -> list[str]:
    where = f"  {name}, line {number}" + (f", in {function}" if function else "")
    return [where, f"    {source.strip()[:200]}"] if source.strip() else [where]


def _of_libraries(count: int) -> list[list[str]]:
    return [[f"  … {count} frame{'s' if count > 1 else ''} of libraries"]] if count else []
