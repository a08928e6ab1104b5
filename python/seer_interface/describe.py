"""What an interface offers, as Seer, its library and its tools are told: made once, after the file is loaded."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from typing import Any

from seer_client.signatures import KINDS, Written
from seer_client.strict_json import json_bytes, parse_json
from seer_client.values import TooLarge, Unserializable, decode, encode

from .offer import Exposed, InvalidInterface
from .served import Parameter, Served
from .shape import Schema, Shape, Unsupported
from .shape_of import shape_of

MAX_FUNCTIONS = 256
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = {kind: word for word, kind in KINDS.items()}


def serve(exposed: Exposed) -> tuple[Served, dict[str, Any]]:
    """How a function is called, and its description. Raises InvalidInterface."""
    function = exposed.function
    where = f"{exposed.place}: {exposed.name}"
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:
        raise InvalidInterface(f"{where}: its annotations cannot be read: {type(error).__name__}: {error}") from error
    signature = inspect.signature(function)
    parameters = {one.name: _parameter(one, hints.get(one.name, Any), where) for one in signature.parameters.values()}
    returns = _shape(hints.get("return", Any), f"{where}: what it returns")
    described = [_described(one, f"{where}: the parameter {one.name}") for one in parameters.values()]
    shown = inspect.Signature(
        [_shown(signature.parameters[one["name"]], parameters[one["name"]].shape, one) for one in described],
        return_annotation=_annotation(signature.return_annotation, returns),
    )
    return Served(exposed, parameters, inspect.iscoroutinefunction(inspect.unwrap(function))), {
        "name": exposed.name,
        "doc": inspect.getdoc(function) or "",
        "signature": str(shown),
        "parameters": described,
        "returns": returns.schema,
        "concurrent": exposed.concurrent,
        "seconds": exposed.seconds,
    }


def as_decorated(exposed: Exposed) -> Any:
    """The function with what was put around it above `@expose`, as `@torch.no_grad()`: callers are to get that."""
    module = sys.modules.get(exposed.function.__module__)
    named = getattr(module, exposed.name, None)
    return named if callable(named) and inspect.unwrap(named) is exposed.function else exposed.function


def _parameter(parameter: inspect.Parameter, hint: Any, where: str) -> Parameter:
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
        raise InvalidInterface(f"{where}: {star}{name} cannot be offered: name each parameter, or take a list or dict")
    if not _NAME.fullmatch(name):
        raise InvalidInterface(f"{where}: the parameter {name} is to be named with letters, digits and underscores")
    if parameter.default is None and hint is not Any:
        hint = _or_none(hint)
    shape = _shape(hint, f"{where}: the parameter {name}")
    return Parameter(name, _WORDS[parameter.kind], parameter.default, shape)


def _or_none(hint: Any) -> Any:
    try:
        return typing.Optional[hint]  # noqa: UP045  # joined with what it is already
    except TypeError:
        return hint


def _shape(hint: Any, where: str) -> Shape:
    try:
        return shape_of(hint)
    except Unsupported as error:
        raise InvalidInterface(f"{where}: {error}") from None
    except Exception as error:  # the annotations of a dataclass
        raise InvalidInterface(f"{where}: {type(error).__name__}: {error}") from error


def _described(parameter: Parameter, where: str) -> dict[str, Any]:
    described: dict[str, Any] = {"name": parameter.name, "kind": parameter.kind, "required": parameter.required}
    if not parameter.required:
        try:
            body, buffers = encode(parameter.default, "the default")
        except (Unserializable, TooLarge) as error:
            raise InvalidInterface(f"{where}: {error}; or take None, and make it inside") from None
        if buffers:
            raise InvalidInterface(f"{where}: its default has arrays or bytes in it: take None, and make it inside")
        described["default"] = parse_json(body)
    return {**described, "schema": parameter.shape.schema}


def _shown(parameter: inspect.Parameter, shape: Shape, described: dict[str, Any]) -> inspect.Parameter:
    shown = parameter.replace(annotation=_annotation(parameter.annotation, shape))
    if described["required"]:
        return shown
    # As it arrives on the other side, where it is shown again: (1, 2) is a list there.
    return shown.replace(default=Written(repr(decode(json_bytes(described["default"]), []))))


def _annotation(written: Any, shape: Shape) -> Any:
    return inspect.Signature.empty if written is inspect.Signature.empty else Written(shape.name)


def description(doc: str | None, functions: list[dict[str, Any]]) -> Schema:
    return {"interface": 1, "doc": inspect.cleandoc(doc or ""), "functions": functions}
