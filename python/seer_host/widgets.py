"""What a kernel's widgets are now, from the comm messages that make and change them. Bounded, and pure of sockets.

A progress bar says ten times a second where it is. Only its last state counts, so that is all that is told: at the end
of a cell, and while it runs now and then, less and less often.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .cells import Cell
from .text import deeper_than, encode_json

TARGET = "jupyter.widget"
MAX_WIDGETS = 5_000
MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_BUFFERS = 1_000
MAX_PATH = 32
MAX_NAME_CHARS = 128  # in Python's characters: at most 256 of JavaScript's
MAX_LEFT = 100_000
MANY = 500
LONGEST_WAIT = 10.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

#: Where in a state a value is that is bytes: JSON has none.
Path = tuple["str | int", ...]


@dataclass
class Widget:
    state: dict[str, Any] = field(default_factory=dict)
    buffers: dict[Path, bytes] = field(default_factory=dict)
    #: Of each field of the state.
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(self.sizes.values()) + sum(map(len, self.buffers.values()))

    def changed(self, state: dict[str, Any], buffers: dict[Path, bytes]) -> Widget:
        """A message has whole fields, or bytes in their place or inside of them."""
        fields = {*state, *(str(place[0]) for place in buffers)}
        alone = {str(place[0]) for place in buffers if len(place) == 1}
        return Widget(
            {name: value for name, value in {**self.state, **state}.items() if name not in alone},
            {**{place: data for place, data in self.buffers.items() if place[0] not in fields}, **buffers},
            {**self.sizes, **{name: len(name) + len(encode_json(value)) for name, value in state.items()}},
        )


class Widgets:
    def __init__(self) -> None:
        #: The one that was changed last comes last.
        self.all: dict[str, Widget] = {}
        self.bytes = 0
        #: Those that are not told yet, with the cell that changed them last.
        self.untold: dict[str, Cell] = {}
        #: Those that there was no more room for.
        self.left: set[str] = set()
        #: Output widgets that capture what is printed, and for which request.
        self.capturing: dict[str, str] = {}
        self.tellings = 0
        self.told_at = 0.0

    @property
    def crowded(self) -> bool:
        """So many have changed that they are to be told now, before room is made for more."""
        return len(self.untold) >= MANY

    def take(self, kind: str, content: dict[str, Any], buffers: Sequence[bytes], cell: Cell) -> int:
        """A comm message. Returns how many states are lost by it, for want of room.

        Raises ValueError for one that has not the right shape.
        """
        id, data = content.get("comm_id"), content.get("data")
        if kind == "comm_open" and content.get("target_name") == TARGET:
            if not isinstance(id, str) or not _ID.fullmatch(id):
                raise ValueError("a widget without a good id")
            return self._change(id, Widget(), data, buffers, cell)
        if kind != "comm_msg" or not isinstance(data, dict) or data.get("method") != "update":
            return 0
        if id in self.left:
            return 1
        known = self.all.get(id) if isinstance(id, str) else None
        return 0 if known is None else self._change(str(id), known, data, buffers, cell)

    def close(self, content: dict[str, Any]) -> None:
        """It will not change any more. To be called when its last state was told."""
        id = content.get("comm_id")
        if isinstance(id, str):
            self._drop(id)

    def capturer(self, request: str | None) -> str | None:
        """The widget into which the output of a request goes: of several, the last one."""
        return next((id for id, of in reversed(self.capturing.items()) if of == request), None)

    def _drop(self, id: str) -> None:
        self.capturing.pop(id, None)
        if (known := self.all.pop(id, None)) is not None:
            self.bytes -= known.size
            self.untold.pop(id, None)

    def _change(self, id: str, old: Widget, data: Any, buffers: Sequence[bytes], cell: Cell) -> int:
        state, places = _parts(data, len(buffers))
        new = old.changed(state, dict(zip(places, map(bytes, buffers), strict=True)))
        self._drop(id)
        size, lost = new.size, 0
        if size > MAX_BYTES:
            return 1 + self._leave(id)
        while self.all and (len(self.all) >= MAX_WIDGETS or self.bytes + size > MAX_BYTES):
            lost += self._leave(next(iter(self.all)))
        self.all[id] = new
        self.bytes += size
        self.untold[id] = cell
        if new.state.get("_model_name") == "OutputModel" and new.state.get("msg_id"):
            self.capturing[id] = new.state["msg_id"]
        return lost

    def _leave(self, id: str) -> int:
        lost = int(id in self.untold)
        self._drop(id)
        if len(self.left) < MAX_LEFT:
            self.left.add(id)
        return lost

    def due(self, now: float) -> bool:
        """Whether what has changed is to be told although its cell still runs."""
        return bool(self.untold) and now - self.told_at >= min(LONGEST_WAIT, 1 + self.tellings / 30)

    def tell(self, now: float, only: object = None) -> Iterator[tuple[str, Cell, Widget]]:
        """What has changed since it was told last: of all, or of one."""
        ids = [only] if isinstance(only, str) else list(self.untold)
        if only is None:
            self.tellings += 1
            self.told_at = now
        for id in ids:
            cell = self.untold.pop(id, None)
            if cell is not None:
                yield id, cell, self.all[id]


def _parts(data: Any, buffers: int) -> tuple[dict[str, Any], list[Path]]:
    """The fields of a message, and where its bytes belong."""
    if not isinstance(data, dict):
        raise ValueError("a widget's message without data")
    state, paths = data.get("state", {}), data.get("buffer_paths", [])
    if not isinstance(state, dict) or deeper_than(state, MAX_DEPTH):
        raise ValueError("the state of a widget is not an object, or nested too deeply")
    if any(len(name) > MAX_NAME_CHARS for name in state):
        raise ValueError("the name of a widget's field is too long")
    if not isinstance(paths, list) or len(paths) != buffers or buffers > MAX_BUFFERS:
        raise ValueError("bytes of a widget without their places")
    return state, [_path(path) for path in paths]


def _path(path: Any) -> Path:
    if not isinstance(path, list) or not 1 <= len(path) <= MAX_PATH or not isinstance(path[0], str):
        raise ValueError("not a place in a widget's state")
    for part in path:
        is_index = isinstance(part, int) and not isinstance(part, bool) and 0 <= part < 2**31
        if not is_index and not (isinstance(part, str) and len(part) <= MAX_NAME_CHARS):
            raise ValueError("not a place in a widget's state")
    return tuple(path)
