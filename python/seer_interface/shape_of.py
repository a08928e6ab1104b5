"""From an annotation of Python to its shape."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import pathlib
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

from .shape import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    NONE,
    STR,
    Mismatch,
    Shape,
    Unsupported,
    dict_of,
    fixed_tuple,
    list_of,
    literal,
    quoted,
    tuple_of,
    union,
)
from .shape_arrays import ARRAY, BYTES, TENSOR

_SIMPLE: dict[Any, Shape] = {
    Any: ANY,
    inspect.Parameter.empty: ANY,
    bool: BOOL,
    int: INT,
    float: FLOAT,
    str: STR,
    None: NONE,
    type(None): NONE,
    list: list_of(None),
    dict: dict_of(None),
    tuple: tuple_of(None),
    bytes: BYTES,
}
_ALLOWED = (
    "bool, int, float, str, None, list, tuple, dict, Optional, Union, Literal, a dataclass, bytes, np.ndarray,"
    " torch.Tensor, or no annotation"
)


def shape_of(hint: Any, within: tuple[type, ...] = ()) -> Shape:
    """`within`: the dataclasses that it stands in. Raises Unsupported."""
    if (simple := _simple(hint)) is not None:
        return simple
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return union([shape_of(one, within) for one in arguments])
    if origin is typing.Literal:
        return literal(arguments)
    if origin is list:
        return list_of(shape_of(arguments[0], within))
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple_of(shape_of(arguments[0], within))
        return fixed_tuple([shape_of(one, within) for one in arguments if one != ()])
    if origin is dict:
        if arguments[0] is not str:
            raise Unsupported(
                f"a dict has keys of text on its way, and not of {written(arguments[0])}: use dict[str, …]"
            )
        return dict_of(shape_of(arguments[1], within))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint, within)
    raise Unsupported(f"{written(hint)} cannot travel: use {_instead(origin or hint)}")


def written(hint: Any) -> str:
    """As in a signature, whatever it is."""
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__qualname__
    return inspect.formatannotation(hint)


def _simple(hint: Any) -> Shape | None:
    arrays = {"numpy": ("ndarray", ARRAY), "torch": ("Tensor", TENSOR)}
    for module, (name, shape) in arrays.items():
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and (hint is kind or typing.get_origin(hint) is kind):
            return shape
    try:
        return _SIMPLE.get(hint)
    except TypeError:  # not hashable
        return None


def _instead(kind: Any) -> str:
    if not isinstance(kind, type):
        return _ALLOWED
    suggestions: list[tuple[Any, str]] = [
        ((set, frozenset), "a list"),
        (enum.Enum, "Literal"),
        (pathlib.PurePath, "str"),
        (complex, "two floats"),
        (dict, "dict[str, …] or a dataclass"),
        (tuple, "tuple[…] or a dataclass"),
    ]
    return next((instead for kinds, instead in suggestions if issubclass(kind, kinds)), _ALLOWED)


def _dataclass(kind: type, within: tuple[type, ...]) -> Shape:
    name = kind.__name__
    if kind in within:
        raise Unsupported(f"the dataclass {name} is made of itself: use dict where it would begin anew")
    hints = typing.get_type_hints(kind)
    fields: dict[str, Shape] = {}
    required: list[str] = []
    for field in dataclasses.fields(kind):
        if not field.init:
            continue
        try:
            fields[field.name] = shape_of(hints[field.name], (*within, kind))
        except Unsupported as error:
            raise Unsupported(f"in the dataclass {name}, the field {field.name}: {error}") from None
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(field.name)
    schema = {
        "type": "object",
        "title": name,
        "properties": {field: shape.schema for field, shape in fields.items()},
        "required": required,
        "additionalProperties": False,
    }
    return Shape(name, schema, _builder(kind, fields, required))


def _builder(kind: Callable[..., Any], fields: dict[str, Shape], required: list[str]) -> Callable[[Any], Any]:
    name = kind.__name__

    def take(value: Any) -> Any:
        if type(value) is not dict:
            raise Mismatch(f"{name} (a dict of its fields)", value)
        if unknown := [key for key in value if key not in fields]:
            has = ", ".join(fields) or "none"
            raise Mismatch(name, value, reason=f"{name} has no field {quoted(unknown[0])}; it has {has}")
        if missing := [field for field in required if field not in value]:
            raise Mismatch(name, value, reason=f"the field {missing[0]!r} of {name} is missing")
        taken: dict[str, Any] = {}
        for key, one in value.items():
            try:
                taken[key] = fields[key].take(one)
            except Mismatch as mismatch:
                raise mismatch.within(f".{key}") from None
        try:
            return kind(**taken)
        except Exception as error:  # noqa: BLE001  # its own check of what it is given
            raise Mismatch(name, value, reason=f"{name} refuses it: {type(error).__name__}: {error}") from None

    return take
