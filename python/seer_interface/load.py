"""Loads an interface file as a module of its own name, with what it finds in it."""

from __future__ import annotations

import builtins
import dataclasses
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .describe import MAX_FUNCTIONS, as_decorated, description, serve
from .offer import Exposed, InvalidInterface, Offer
from .served import Served

_OURS = str(Path(__file__).resolve().parent.parent)


def load(file: Path, offer: Offer, params: dict[str, Any]) -> tuple[dict[str, Served], dict[str, Any]]:
    """Its functions by their names, and its description. Raises InvalidInterface, and whatever the file raises."""
    _set_path(file.parent)
    for name, value in {"expose": offer.expose, "get_model_path": offer.get_model_path, "PARAMS": params}.items():
        setattr(builtins, name, value)  # so that modules beside the file find them, too
    module = _import(file)
    if not offer.exposed:
        raise InvalidInterface(f"{file.name} exposes nothing: put @expose above each function that may be called")
    if len(offer.exposed) > MAX_FUNCTIONS:
        raise InvalidInterface(
            f"{file.name} exposes {len(offer.exposed)} functions, and at most {MAX_FUNCTIONS} can be"
        )
    found = [serve(_as_called(exposed)) for exposed in offer.exposed.values()]
    functions = {served.exposed.name: served for served, _ in found}
    return functions, description(module.__doc__, [described for _, described in found])


def _set_path(folder: Path) -> None:
    """Modules beside the file come first, and ours are not to be seen."""
    sys.path[:] = [entry for entry in sys.path if entry not in (_OURS, "")]
    sys.path.insert(0, str(folder))
    # A file that is written again within a second must not be taken for what was compiled before.
    sys.dont_write_bytecode = True


def _import(file: Path) -> ModuleType:
    name = file.stem
    if name in sys.modules or name in sys.stdlib_module_names:
        raise InvalidInterface(f"{file.name} has the name of a module of Python: give it another name")
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InvalidInterface(f"{file.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _as_called(exposed: Exposed) -> Exposed:
    return dataclasses.replace(exposed, function=as_decorated(exposed))
