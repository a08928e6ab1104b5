"""Arrays of numpy and tensors of torch as bytes beside the JSON, and back. Neither is imported before it is needed."""

from __future__ import annotations

import math
import sys
from typing import Any

#: Name → bytes of one number.
OF_ARRAYS = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}
OF_TENSORS = {**OF_ARRAYS, "bfloat16": 2}
MAX_DIMENSIONS = 32
_MAX_BYTES = 2**60


class BadArray(ValueError):
    """It cannot travel, or what came is none."""


def is_array(value: Any) -> bool:
    return _is(value, "numpy", "ndarray")


def is_tensor(value: Any) -> bool:
    return _is(value, "torch", "Tensor")


def is_numpy_scalar(value: Any) -> bool:
    return _is(value, "numpy", "generic")


def _is(value: Any, module: str, name: str) -> bool:
    """Where nothing has imported the module, nothing can be of its kind."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def describe(value: Any) -> tuple[str, list[int], int]:
    """The name of its dtype, its shape, and how many bytes it has, of an array or tensor. Copies nothing."""
    if is_array(value):
        dtype = value.dtype.newbyteorder("=").name
        if type(value).__name__ == "MaskedArray":
            raise BadArray("a masked array cannot travel: its mask would be lost")
        known = OF_ARRAYS
    else:
        dtype = str(value.dtype).removeprefix("torch.")
        if value.device.type == "meta":
            raise BadArray("a tensor on the device meta has no numbers")
        if str(value.layout) != "torch.strided":
            raise BadArray("a sparse tensor cannot travel: use .to_dense()")
        known = OF_TENSORS
    if dtype not in known:
        raise BadArray(f"an array of {dtype} cannot travel: only of {', '.join(known)}")
    shape = [int(size) for size in value.shape]
    if len(shape) > MAX_DIMENSIONS:
        raise BadArray(f"an array of {len(shape)} dimensions cannot travel: at most {MAX_DIMENSIONS}")
    return dtype, shape, math.prod(shape) * known[dtype]


def to_bytes(value: Any) -> memoryview:
    """Its numbers in C order, little endian; a view of its own memory where they lie so already."""
    import numpy as np

    if is_array(value):
        plain = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
        return plain.reshape(-1).view(np.uint8).data
    import torch

    flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy())


def check(dtype: Any, known: dict[str, int], shape: Any, size: int) -> None:
    """Of what came: whether a buffer of that many bytes can be such an array."""
    if not isinstance(dtype, str) or dtype not in known:
        raise BadArray(f"an array of {str(dtype)[:40]!r}, which is none of {', '.join(known)}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
        raise BadArray(f"an array whose shape is no list of at most {MAX_DIMENSIONS} numbers")
    if not all(type(length) is int and 0 <= length < _MAX_BYTES for length in shape):
        raise BadArray("an array whose shape is not made of numbers from 0")
    if math.prod(max(length, 1) for length in shape) * known[dtype] >= _MAX_BYTES:
        raise BadArray("an array of a shape that no memory could hold")
    expected = math.prod(shape) * known[dtype]
    if expected != size:
        raise BadArray(f"an array of {dtype} and shape {shape}, which has {expected} bytes, and {size} came")


def array_of(dtype: str, shape: list[int], buffer: bytearray) -> Any:
    """Checked before. In the memory of the buffer, which nobody else has."""
    try:
        import numpy as np
    except ImportError:
        raise BadArray("an array, and this Python has no numpy") from None
    if dtype == "bfloat16":
        raise BadArray(
            "an array of bfloat16: numpy has no such numbers, and there is no torch here to make a tensor of"
        )
    _check_bools(dtype, buffer)
    return np.frombuffer(buffer, np.dtype(dtype).newbyteorder("<")).reshape(shape)


def tensor_of(dtype: str, shape: list[int], buffer: bytearray) -> Any:
    """An array where torch cannot be imported."""
    try:
        import torch
    except ImportError:
        return array_of(dtype, shape, buffer)
    _check_bools(dtype, buffer)
    kind = getattr(torch, dtype, None)
    if kind is None:
        raise BadArray(f"a tensor of {dtype}, which the torch of this Python does not have")
    return (torch.frombuffer(buffer, dtype=kind) if buffer else torch.empty(0, dtype=kind)).reshape(shape)


def _check_bools(dtype: str, buffer: bytearray) -> None:
    if dtype == "bool" and buffer.translate(None, b"\0\1"):
        raise BadArray("an array of bool with something in it that is neither true nor false")
