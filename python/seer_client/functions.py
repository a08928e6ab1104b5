"""Functions that call an interface, made of its description: with the signatures and docstrings that it has itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .connection import InterfaceError, call
from .signatures import signature_of


def offer(package: dict[str, Any]) -> None:
    """Makes the package of this namespace the interface that lies in `interface.json` beside it."""
    described = json.loads(Path(package["__file__"]).with_name("interface.json").read_text(encoding="utf-8"))
    for part in Path(package["__file__"]).parent.glob("*.py"):
        package.pop(part.stem, None)  # its modules: a function may have such a name
    InterfaceError.__module__ = package["__name__"]
    functions = [_function(entry, described["name"], package["__name__"]) for entry in described["functions"]]
    package.update({function.__name__: function for function in functions})
    package["__all__"] = [*(function.__name__ for function in functions), "InterfaceError"]
    package["__doc__"] = described["doc"]


def _function(entry: dict[str, Any], interface: str, package: str) -> Callable[..., Any]:
    name, signature = entry["name"], signature_of(entry)

    def function(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}() {error}") from None
        return call(interface, name, bound.arguments)

    function.__name__ = function.__qualname__ = name
    function.__module__ = package
    function.__doc__ = entry["doc"] or None
    said = {one.name: one.annotation for one in signature.parameters.values()} | {"return": signature.return_annotation}
    function.__annotations__ = {key: one for key, one in said.items() if one is not signature.empty}
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function
