"""Where things are, in words that name no folder of the machine. An agent may read them."""

from __future__ import annotations

import inspect
import os
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

_OURS = Path(__file__).resolve().parent.parent
_PATH = re.compile(r"(?<![\w.:/~>])/([\w.@+-]+)(?:/[\w.@+~-]+)*/([\w.@+~-]+)")


class Places:
    """`folder` is that of the interface file; `models` are folders by the names that they may be asked for."""

    def __init__(self, folder: Path, models: list[tuple[str, str]]) -> None:
        self.folder = str(folder)
        names = [
            *((path, "<model>") for _, path in models),
            (self.folder, ""),
            (str(_OURS), "<seer>"),
            (os.getcwd(), ""),
            (sys.prefix, "<python>"),
            (sys.base_prefix, "<python>"),
            (str(Path.home()), "~"),
        ]
        known = {real: name for path, name in names for real in (path, os.path.realpath(path)) if len(real) > 1}
        # The longest first: one may lie in another. A folder of the system alone says nothing: `/usr`.
        self.known = [
            (re.compile(re.escape(path) + ("(?![\\w.-])" if name else "(?:/|(?![\\w.-]))")), name)
            for path, name in sorted(known.items(), key=lambda item: -len(item[0]))
            if path.count("/") > 1 or name == "~"
        ]
        #: What is told meanwhile is for the researcher, what is told after it may be read by an agent.
        self.loading = True
        # Of the hub: whoever was not told which model it is must not find its name in an error.
        self.models = sorted({name for name, _ in models if "/" in name}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        for path, name in self.known:
            text = path.sub(name, text)
        for name in [] if self.loading else self.models:
            text = text.replace(name, "<model>")
        return _PATH.sub(_shortened, text.replace("file:///", "/"))

    def own(self, file: str) -> str | None:
        """The name of a file of the interface, relative to its folder."""
        path = os.path.realpath(file)
        parts = Path(path).parts
        foreign = "site-packages" in parts or path.startswith(f"{_OURS}{os.sep}")
        if foreign or not path.startswith(os.path.realpath(self.folder) + os.sep):
            return None
        return os.path.relpath(path, os.path.realpath(self.folder))

    def of(self, function: Callable[..., Any]) -> str:
        code = getattr(inspect.unwrap(function), "__code__", None)
        return self._line(code.co_filename, code.co_firstlineno) if code is not None else "a function"

    def caller(self) -> str:
        """The line of the file's that runs at the moment."""
        frame: types.FrameType | None = sys._getframe()
        while frame is not None and self.own(frame.f_code.co_filename) is None:
            frame = frame.f_back
        return "the interface" if frame is None else self._line(frame.f_code.co_filename, frame.f_lineno)

    def _line(self, file: str, line: int) -> str:
        return f"{self.own(file) or os.path.basename(file)}, line {line}"


def _shortened(found: re.Match[str]) -> str:
    """An absolute path that is one here by its last part; what only looks like one is left."""
    return f"…/{found[2]}" if os.path.isdir(f"/{found[1]}") else found[0]
