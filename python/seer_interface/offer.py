"""What an interface file finds without an import: `expose`, `get_model_path`, `PARAMS`."""

from __future__ import annotations

import inspect
import keyword
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .places import Places

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_TAKEN = {"InterfaceError"}


class InvalidInterface(Exception):
    """A file that cannot be served as it is. The text says where and why, to the researcher."""


@dataclass(frozen=True)
class Exposed:
    function: Callable[..., Any]
    name: str
    #: As in `interface.py, line 12`.
    place: str
    concurrent: bool
    seconds: float


class Offer:
    def __init__(self, models: list[dict[str, Any]], places: Places, aliases: dict[str, str]) -> None:
        self.models = models
        #: Other names of folders: as the sandbox's configuration has them, and of the model below an adapter.
        self.aliases = aliases
        self.places = places
        self.exposed: dict[str, Exposed] = {}

    def expose(self, function: Any = None, *, concurrent: bool = False, timeout: float = 600) -> Any:
        """Marks a function that an agent may call. Everything else in the file is hidden from it.

            @expose
            def get_embedding(text: str, layer: int = -1) -> dict: ...

            @expose(concurrent=True, timeout=30)
            async def ask(question: str) -> str: ...

        The agent sees its name, signature and docstring, and gets what it returns: numbers, text, lists, dicts,
        dataclasses, numpy arrays and torch tensors. Arguments are checked against the annotations before it runs.

        Calls run one after another, also those of different functions. `concurrent=True`: calls of this one may run
        beside others, each in a thread or, of an `async def`, on one event loop. After `timeout` seconds a call is
        stopped by an exception in it. The function itself is unchanged: other code of the file can call it.
        """
        self._check_options(concurrent, timeout)
        if function is None:
            return lambda marked: self._add(marked, concurrent, timeout)
        return self._add(function, concurrent, timeout)

    def get_model_path(self, name: str | None = None) -> str:
        """The folder of a model that the sandbox was given, for `from_pretrained`.

        `name` is the model's name (`google/gemma-2-9b`) or its `varName`; with one model it can be left out.
        """
        found = [one for one in self.models if name is None or name in (one["name"], one["varName"])]
        if found and (name is not None or len(found) == 1):
            return str(found[0]["path"])
        if name in self.aliases:
            return self.aliases[name]
        if not self.models:
            raise ValueError("this sandbox was given no models")
        asked = "there is more than one model" if name is None else f"this sandbox has no model {name!r}"
        names = ", ".join(f"{one['name']!r} ({one['varName']})" for one in self.models)
        raise ValueError(f"{asked}: name one of {names}" if self.places.loading else asked)

    def _check_options(self, concurrent: Any, timeout: Any) -> None:
        if not isinstance(concurrent, bool):
            raise InvalidInterface(f"{self.places.caller()}: concurrent is True or False, and not {concurrent!r}")
        is_number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
        if not is_number or not 0 < timeout <= 1e9 or not math.isfinite(timeout):
            raise InvalidInterface(f"{self.places.caller()}: timeout is a number of seconds, and not {timeout!r}")

    def _add(self, function: Any, concurrent: bool, seconds: float) -> Any:
        if isinstance(function, (bool, int, float, str)):
            raise InvalidInterface(
                f"{self.places.caller()}: @expose takes its options by name, as in @expose(timeout=30),"
                f" and not as {function!r:.40}"
            )
        if not inspect.isfunction(function):
            kind = "a class" if inspect.isclass(function) else f"of type {type(function).__name__}"
            name = getattr(function, "__name__", None) or "what it was given"
            raise InvalidInterface(
                f"{self.places.caller()}: @expose is for functions that begin with def, and {name} is {kind}"
            )
        place, name = self.places.of(function), function.__name__
        if problem := _problem_of(function):
            raise InvalidInterface(f"{place}: {problem}")
        if (other := self.exposed.get(name)) is not None:
            raise InvalidInterface(f"{place}: there is already an exposed function {name}, in {other.place}")
        self.exposed[name] = Exposed(function, name, place, concurrent, seconds)
        return function


def _problem_of(function: Callable[..., Any]) -> str | None:
    name = function.__name__
    if name == "<lambda>":
        return "a lambda cannot be exposed, since it has no name: use def"
    if name.startswith("_"):
        return f"{name} begins with an underscore, so it is not meant for others: give it another name, or no @expose"
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in _TAKEN:
        return f"{name} cannot be the name of an exposed function: use letters, digits and underscores, at most 64"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} is a generator: results do not travel piece by piece, so return a list"
    if "." in function.__qualname__.rpartition("<locals>.")[2]:
        return f"{name} is a method: expose a function that calls it"
    return None
