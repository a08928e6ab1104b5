"""What an annotation allows: how it is written, its JSON Schema, and a check of what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


class Mismatch(Exception):
    """A value that is not what the annotation says. `place` leads to it from the parameter."""

    def __init__(self, expected: str, given: Any, place: str = "", reason: str | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.given = given
        self.place = place
        self.reason = reason

    def within(self, step: str) -> Mismatch:
        return Mismatch(self.expected, self.given, step + self.place, self.reason)

    def text(self, parameter: str) -> str:
        return f"{parameter}{self.place}: {self.reason or f'expected {self.expected}, got {shown(self.given)}'}"


class Unsupported(Exception):
    """An annotation that says nothing of what could travel. The text goes on after it: `…: use a list`."""


@dataclass(frozen=True)
class Shape:
    #: As in a signature.
    name: str
    schema: Schema
    #: Gives the value that the function gets, or raises Mismatch.
    take: Callable[[Any], Any]
    #: Types of which every value is taken as it is.
    exact: frozenset[type] = frozenset()


def shown(value: Any) -> str:
    """Its type, and the value where it is short."""
    kind = type(value).__name__
    if value is None:
        return "None"
    if kind in ("ndarray", "Tensor"):
        name = "an array" if kind == "ndarray" else "a tensor"
        return f"{name} of {str(value.dtype).removeprefix('torch.')} and shape {tuple(value.shape)}"
    if isinstance(value, (list, dict)):
        return f"a {kind} with {len(value)} {'item' if len(value) == 1 else 'items'}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return f"{kind} {quoted(value)}"


def quoted(value: Any) -> str:
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 42 else text[:41] + "…"


def scalar(kind: type, name: str, schema_type: str) -> Shape:
    def take(value: Any) -> Any:
        if type(value) is kind:
            return value
        raise Mismatch(name, value)

    return Shape(name, {"type": schema_type}, take, frozenset({kind}))


def _take_float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Mismatch("a number that a float can be", value) from None
    raise Mismatch("float", value)


ANY = Shape("Any", {}, lambda value: value)
BOOL = scalar(bool, "bool", "boolean")
INT = scalar(int, "int", "integer")
STR = scalar(str, "str", "string")
NONE = scalar(type(None), "None", "null")
FLOAT = Shape("float", {"type": "number"}, _take_float, frozenset({float}))


def list_of(item: Shape | None) -> Shape:
    of = item or ANY

    def take(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Mismatch(name, value)
        if item is None or set(map(type, value)) <= of.exact:
            return value
        return [_within(of, one, f"[{index}]") for index, one in enumerate(value)]

    name = "list" if item is None else f"list[{item.name}]"
    return Shape(name, {"type": "array"} if item is None else {"type": "array", "items": item.schema}, take)


def tuple_of(item: Shape | None) -> Shape:
    """Of any length."""
    items = list_of(item)
    name = "tuple" if item is None else f"tuple[{item.name}, ...]"

    def take(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise Mismatch(name, value)
        return tuple(items.take(value))

    return Shape(name, items.schema, take)


def fixed_tuple(items: list[Shape]) -> Shape:
    name = f"tuple[{', '.join(item.name for item in items) or '()'}]"
    size = {"minItems": len(items), "maxItems": len(items)}
    schema = {"type": "array", "prefixItems": [item.schema for item in items], "items": False, **size}
    if not items:
        del schema["prefixItems"]  # an empty one is not allowed

    def take(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(items):
            raise Mismatch(name, value)
        return tuple(_within(item, one, f"[{i}]") for i, (item, one) in enumerate(zip(items, value, strict=True)))

    return Shape(name, schema, take)


def dict_of(item: Shape | None) -> Shape:
    of = item or ANY

    def take(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Mismatch(name, value)
        if item is None or set(map(type, value.values())) <= of.exact:
            return value
        return {key: _within(of, one, f"[{quoted(key)}]") for key, one in value.items()}

    name = "dict" if item is None else f"dict[str, {item.name}]"
    return Shape(
        name, {"type": "object"} if item is None else {"type": "object", "additionalProperties": of.schema}, take
    )


def literal(options: tuple[Any, ...]) -> Shape:
    for option in options:
        if option is not None and type(option) not in (bool, int, str):
            raise Unsupported(f"{option!r} of a Literal cannot travel: use text, whole numbers, True, False or None")
    written = ", ".join(map(repr, options))

    def take(value: Any) -> Any:
        if any(type(value) is type(option) and value == option for option in options):
            return value
        raise Mismatch(f"one of {written}", value)

    return Shape(f"Literal[{written}]", {"enum": list(options)}, take)


def union(options: list[Shape]) -> Shape:
    """What needs no change is preferred: an int stays one in `float | int`."""
    distinct = list({option.name: option for option in options}.values())
    if len(distinct) == 1:
        return distinct[0]
    if any(option is ANY for option in distinct):
        return Shape(" | ".join(option.name for option in distinct), {}, lambda value: value)
    others = [option for option in distinct if option is not NONE]

    def take(value: Any) -> Any:
        if any(type(value) in option.exact for option in distinct):
            return value
        for option in others:
            try:
                return option.take(value)
            except Mismatch as mismatch:
                if len(others) == 1 and (mismatch.place or mismatch.reason):
                    raise
        raise Mismatch(name, value)

    name = " | ".join(option.name for option in distinct)
    return Shape(name, {"anyOf": [option.schema for option in distinct]}, take)


def _within(shape: Shape, value: Any, step: str) -> Any:
    try:
        return shape.take(value)
    except Mismatch as mismatch:
        raise mismatch.within(step) from None
