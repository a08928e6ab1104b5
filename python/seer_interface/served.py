"""An exposed function as it is called: its parameters with their shapes, and what came made into its arguments."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass
from typing import Any

from .offer import Exposed
from .shape import Mismatch, Shape, quoted


class InvalidArguments(Exception):
    """They are not what the function takes. The text says which, where in it, and what was expected."""


@dataclass(frozen=True)
class Parameter:
    name: str
    #: `positional`, `both` or `keyword`.
    kind: str
    default: Any
    shape: Shape

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Served:
    exposed: Exposed
    parameters: dict[str, Parameter]
    is_async: bool

    def arguments(self, given: Any) -> tuple[list[Any], dict[str, Any]]:
        """Those by position and those by name."""
        name = self.exposed.name
        if not isinstance(given, dict):
            raise InvalidArguments(f"{name}() takes arguments by their names, as an object")
        for key in given:
            if key not in self.parameters:
                raise InvalidArguments(f"{name}() has no parameter {quoted(key)}{self._instead(key)}")
        by_position: list[Any] = []
        by_name: dict[str, Any] = {}
        for one in self.parameters.values():
            if one.name in given:
                value = self._take(one, given[one.name])
            elif one.required:
                raise InvalidArguments(f"{name}() is missing the argument {one.name!r}")
            elif one.kind == "positional":
                value = one.default  # another may come after it
            else:
                continue
            if one.kind == "positional":
                by_position.append(value)
            else:
                by_name[one.name] = value
        return by_position, by_name

    def _take(self, parameter: Parameter, value: Any) -> Any:
        try:
            return parameter.shape.take(value)
        except Mismatch as mismatch:
            raise InvalidArguments(f"{self.exposed.name}(): {mismatch.text(parameter.name)}") from None

    def _instead(self, key: str) -> str:
        names = list(self.parameters)
        if near := difflib.get_close_matches(key[:80], names, 1):
            return f": did you mean {near[0]!r}?"
        return f"; it has {', '.join(names)}" if names else ": it takes no arguments"
