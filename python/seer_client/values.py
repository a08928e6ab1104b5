"""Values as JSON text and buffers, and back. What JSON has not is a dict with the key `$seer`. Reading runs nothing."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from . import arrays
from .arrays import BadArray
from .frames import MAX_BODY_BYTES, MAX_BUFFERS, MAX_DATA_BYTES, Buffer
from .strict_json import MAX_DEPTH, MAX_INT_DIGITS, BadJson, json_bytes, parse_json

TAG = "$seer"
_KEYS = {
    "array": {TAG, "dtype", "shape", "buffer"},
    "tensor": {TAG, "dtype", "shape", "buffer"},
    "float": {TAG, "value"},
    "bytes": {TAG, "buffer"},
}
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_SIMPLE = {str, bool, type(None)}
_MAX_INT = 10**MAX_INT_DIGITS

#: A value's place: the keys and indices that lead to it, the last first.
Place = tuple[Any, Any] | None


class Unserializable(TypeError):
    """Something in a value that cannot travel. The text says where it is and what it is."""


class TooLarge(ValueError):
    """A value of more bytes than a message may have."""


class BadValue(ValueError):
    """What came is no value as this module writes them."""


def encode(value: Any, root: str = "result", instead: str = "return") -> tuple[bytes, list[Buffer]]:
    """JSON text, and the bytes of its arrays. Errors call the value `root`, and say to `instead` what can travel."""
    encoder = _Encoder(root, instead)
    plain = encoder.encode(value, None, 1)
    try:
        body = json_bytes(plain)
    except (TypeError, ValueError, RecursionError):
        raise Unserializable(f"{root} was changed while it was written") from None
    if len(body) > MAX_BODY_BYTES:
        raise encoder.too_large(len(body))
    return body, encoder.buffers


def decode(body: bytes | bytearray, buffers: Sequence[bytearray]) -> Any:
    """Arrays are made in the memory of their buffers, so each is used once."""
    try:
        return _Decoder(buffers).decode(parse_json(body))
    except (BadJson, BadArray) as error:
        raise BadValue(str(error)) from None


class _Encoder:
    def __init__(self, root: str, instead: str) -> None:
        self.root = root
        self.instead = instead
        self.buffers: list[Buffer] = []
        self.data_bytes = 0
        self.items = 0

    def encode(self, value: Any, place: Place, depth: int) -> Any:
        kind = type(value)
        if kind in _SIMPLE:
            return value
        if isinstance(value, float):
            return self._float(float.__float__(value))
        if isinstance(value, int):
            return self._int(value, place)
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, dict):
            return self._dict(dict(value.items()), place, depth)
        if isinstance(value, (list, tuple)):
            return self._list(list(value), place, depth)
        if isinstance(value, (bytes, bytearray, memoryview)):
            self._make_room(memoryview(value).nbytes)
            return {TAG: "bytes", "buffer": self._add(bytes(value))}
        if arrays.is_numpy_scalar(value) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            return self.encode(value.item(), place, depth)
        if arrays.is_array(value) or arrays.is_tensor(value):
            return self._array(value, place)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return self._dict(fields, place, depth)
        raise self._cannot(place, _a(kind.__name__))

    def _float(self, value: float) -> Any:
        if math.isfinite(value):
            return value
        return {TAG: "float", "value": repr(value)}

    def _int(self, value: int, place: Place) -> int:
        if not -_MAX_INT < value < _MAX_INT:
            raise self._cannot(place, f"a number of more than {MAX_INT_DIGITS} digits")
        return int.__int__(value)

    def _dict(self, value: dict[Any, Any], place: Place, depth: int) -> dict[str, Any]:
        self._enter(len(value), place, depth)
        for key in value:
            if not isinstance(key, str):
                raise self._cannot(place, f"a dict with the key {_short(key)}, which is no text,")
        if TAG in value:
            raise self._cannot(place, f'a dict with the key "{TAG}", which has a meaning of its own,')
        return {str.__str__(key): self.encode(item, (key, place), depth + 1) for key, item in value.items()}

    def _list(self, value: list[Any], place: Place, depth: int) -> list[Any]:
        self._enter(len(value), place, depth)
        kinds = set(map(type, value))
        if kinds <= _SIMPLE or (kinds == {float} and all(map(math.isfinite, value))):
            return value
        if kinds == {int} and min(value) > -_MAX_INT and max(value) < _MAX_INT:
            return value
        return [self.encode(item, (index, place), depth + 1) for index, item in enumerate(value)]

    def _enter(self, items: int, place: Place, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._cannot(None, f"what is nested more than {MAX_DEPTH} deep, or within itself,")
        # Each takes two bytes at least: what cannot fit is not written first.
        self.items += items
        if self.items * 2 > MAX_BODY_BYTES:
            raise self.too_large(self.items * 2)

    def _array(self, value: Any, place: Place) -> dict[str, Any]:
        try:
            dtype, shape, size = arrays.describe(value)
            self._make_room(size)  # before it is copied from a device
            buffer = self._add(arrays.to_bytes(value))
        except BadArray as error:
            raise Unserializable(f"{self._path(place)}: {error}") from None
        kind = "array" if arrays.is_array(value) else "tensor"
        return {TAG: kind, "dtype": dtype, "shape": shape, "buffer": buffer}

    def _add(self, data: Buffer) -> int:
        self.buffers.append(data)
        return len(self.buffers) - 1

    def _make_room(self, size: int) -> None:
        self.data_bytes += size
        if self.data_bytes > MAX_DATA_BYTES:
            raise TooLarge(
                f"{self.root} has arrays of {_mib(self.data_bytes)} or more, and at most {_mib(MAX_DATA_BYTES)}"
                " can travel at once: use fewer, smaller, or less exact ones"
            )
        # The head of a message names the length of each.
        if len(self.buffers) >= MAX_BUFFERS:
            raise TooLarge(f"{self.root} has more than {MAX_BUFFERS} arrays: join them (np.stack, torch.stack)")

    def too_large(self, size: int) -> TooLarge:
        return TooLarge(
            f"{self.root} is {_mib(size)} or more as JSON, and at most {_mib(MAX_BODY_BYTES)} can travel at once:"
            " use arrays for numbers, or less of it"
        )

    def _cannot(self, place: Place, what: str) -> Unserializable:
        kinds = "numbers, text, lists, dicts, dataclasses, arrays or tensors"
        return Unserializable(f"{self._path(place)}: {what} cannot travel: {self.instead} {kinds}")

    def _path(self, place: Place) -> str:
        steps: list[str] = []
        while place is not None:
            key, place = place
            steps.append(f"[{_short(key)}]")
        return self.root + "".join(reversed(steps))


class _Decoder:
    def __init__(self, buffers: Sequence[bytearray]) -> None:
        self.buffers: list[bytearray | None] = list(buffers)

    def decode(self, value: Any) -> Any:
        """In place. Not deep, since `parse_json` has looked."""
        if isinstance(value, list):
            if not set(map(type, value)) & {list, dict}:
                return value
            for index, item in enumerate(value):
                value[index] = self.decode(item)
        elif isinstance(value, dict):
            if TAG in value:
                return self._tagged(value)
            for key, item in value.items():
                value[key] = self.decode(item)
        return value

    def _tagged(self, tag: dict[str, Any]) -> Any:
        kind = tag[TAG]
        if not isinstance(kind, str) or kind not in _KEYS:
            raise BadValue(f'a value marked as "{TAG}": {_short(kind)}, which nobody knows')
        if set(tag) != _KEYS[kind]:
            raise BadValue(f"a value marked as {kind} with other keys than {', '.join(sorted(_KEYS[kind] - {TAG}))}")
        if kind == "float":
            if not isinstance(tag["value"], str) or tag["value"] not in _FLOATS:
                raise BadValue(f"a value marked as float that is {_short(tag['value'])}")
            return _FLOATS[tag["value"]]
        buffer = self._take(tag["buffer"])
        if kind == "bytes":
            return bytes(buffer)
        dtype, shape = tag["dtype"], tag["shape"]
        if kind == "array":
            arrays.check(dtype, arrays.OF_ARRAYS, shape, len(buffer))
            return arrays.array_of(dtype, shape, buffer)
        arrays.check(dtype, arrays.OF_TENSORS, shape, len(buffer))
        return arrays.tensor_of(dtype, shape, buffer)

    def _take(self, index: Any) -> bytearray:
        if type(index) is not int or not 0 <= index < len(self.buffers):
            raise BadValue(f"a value of the buffer {_short(index)}, which did not come")
        buffer, self.buffers[index] = self.buffers[index], None
        if buffer is None:
            raise BadValue(f"two values of the one buffer {index}")
        return buffer


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _short(value: Any) -> str:
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = repr(value) if value is None or isinstance(value, (int, float)) else _a(type(value).__name__)
    return text if len(text) <= 60 else text[:59] + "…"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
