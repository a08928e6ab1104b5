"""Parameters that are arrays, tensors or bytes. A language model, which has none, may give nested lists of numbers."""

from __future__ import annotations

from typing import Any

from seer_client.arrays import MAX_DIMENSIONS, is_array, is_tensor

from .shape import Mismatch, Shape


def _take_array(value: Any) -> Any:
    if is_array(value):
        return value
    if is_tensor(value):
        if str(value.dtype) == "torch.bfloat16":
            raise Mismatch(
                "np.ndarray", value, reason="a tensor of bfloat16 cannot be an array of numpy: pass .float()"
            )
        return value.numpy()
    if type(value) is list:
        return _from_list(value)
    raise Mismatch("np.ndarray", value)


def _take_tensor(value: Any) -> Any:
    if is_tensor(value):
        return value
    if not is_array(value) and type(value) is not list:
        raise Mismatch("torch.Tensor", value)
    import torch

    return torch.from_numpy(value if is_array(value) else _from_list(value))


def _take_bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    raise Mismatch("bytes", value)


def _from_list(value: list[Any]) -> Any:
    """Of float32 where one of its numbers is a float, else of int64, or of bool."""
    import numpy as np

    kinds: set[type] = set()
    shape = _shape_of_list(value, kinds, 1)
    if bool in kinds and len(kinds) > 1:
        # More likely a mistake than a mask.
        raise Mismatch("an array", value, reason="numbers, and True or False between them: an array has one kind")
    dtype: Any = np.bool_ if kinds == {bool} else np.int64 if kinds == {int} else np.float32
    try:
        with np.errstate(over="raise"):
            return np.array(value, dtype=dtype).reshape(shape)
    except (OverflowError, FloatingPointError, ValueError):
        raise Mismatch("an array", value, reason=f"its numbers do not fit into {np.dtype(dtype).name}") from None


def _shape_of_list(value: list[Any], kinds: set[type], depth: int) -> list[int]:
    if depth > MAX_DIMENSIONS:
        raise Mismatch(f"lists in at most {MAX_DIMENSIONS} levels", value)
    here = set(map(type, value))
    if not here & {list}:
        kinds |= here
        for index, item in enumerate(value):
            if type(item) not in (bool, int, float):
                raise Mismatch("a number", item, f"[{index}]")
        return [len(value)]
    shapes: list[list[int]] = []
    for index, item in enumerate(value):
        try:
            if type(item) is not list:
                raise Mismatch("a list, as its neighbours are", item)
            shapes.append(_shape_of_list(item, kinds, depth + 1))
        except Mismatch as mismatch:
            raise mismatch.within(f"[{index}]") from None
        if shapes[-1] != shapes[0]:
            given = f"a list of shape {shapes[-1]} beside one of {shapes[0]}"
            raise Mismatch("", item, f"[{index}]", reason=f"{given}: an array has rows of one length")
    return [len(value), *shapes[0]]


ARRAY = Shape(
    "np.ndarray",
    {"x-seer": "array", "description": "A numpy array, or nested lists of numbers."},
    _take_array,
)
TENSOR = Shape(
    "torch.Tensor",
    {"x-seer": "tensor", "description": "A torch tensor, a numpy array, or nested lists of numbers."},
    _take_tensor,
)
BYTES = Shape("bytes", {"x-seer": "bytes", "description": "Bytes."}, _take_bytes)
