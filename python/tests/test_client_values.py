"""Values on their way: what comes out is what went in, of the same kind; and what no encoder writes is refused."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import struct
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seer_client.arrays import OF_ARRAYS
from seer_client.values import TooLarge, Unserializable, decode, encode


class Point(NamedTuple):
    x: int
    y: int


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Found:
    text: str
    score: float
    more: Found | None = None


def travelled(value: Any) -> Any:
    body, buffers = encode(value)
    return decode(body, [bytearray(buffer) for buffer in buffers])


def same(one: Any, other: Any) -> bool:
    """Also of the same kinds, -0.0 apart from 0.0, and nan as itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack(">d", one) == struct.pack(">d", other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


PLAIN = [
    None,
    True,
    False,
    0,
    -1,
    2**60 + 1,
    -(2**200),
    10**4299,
    0.0,
    -0.0,
    1.0,
    1e-320,
    1.7976931348623157e308,
    math.nan,
    math.inf,
    -math.inf,
    "",
    'é💡\0\n"\\',
    "\ud800 alone",
    [],
    {},
    [1.0, 2, True, None, "x", [math.nan, [1, [2.5]]]],
    {"": 1, "__proto__": {"__class__": 2}, "a b": [{}], "$Seer": 3, "\udfff": 4},
    b"",
    bytes(range(256)),
    [b"a", {"b": b"b"}],
]


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: ascii(value)[:30])
def test_what_comes_out_is_what_went_in(value: Any) -> None:
    assert same(travelled(value), value)
    assert same(travelled([value, value]), [value, value])
    assert same(travelled({"k": value}), {"k": value})


numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=True)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "$seer"), inner),
)


@given(plain)
def test_any_plain_value(value: Any) -> None:
    assert same(travelled(value), value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2.0, ())), [1, [2.0, []]]),
        (Point(1, 2), [1, 2]),
        (Colour.RED, "red"),
        ({Colour.RED: Level.LOW}, {"red": 1}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64("nan"), math.nan),
        (np.float16(1.5), 1.5),
        (np.int64(-(2**63)), -(2**63)),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("é"), "é"),
        ([np.int8(1), np.float32(2)], [1, 2.0]),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        (np.bytes_(b"x"), b"x"),
        (torch.Size([2, 3]), [2, 3]),
        (Found("a", 1.0, Found("b", math.inf)), {
            "text": "a", "score": 1.0, "more": {"text": "b", "score": math.inf, "more": None}
        }),
    ],
    ids=lambda value: ascii(value)[:30],
)  # fmt: skip
def test_kinds_that_json_has_not_become_plain(value: Any, expected: Any) -> None:
    assert same(travelled(value), expected)


DTYPES = list(OF_ARRAYS)
SHAPES = [(), (0,), (1,), (2, 3), (0, 5), (3, 0, 2), (2, 3, 4)]


def filled(dtype: str, shape: tuple[int, ...]) -> Any:
    bits = np.random.default_rng(0).integers(0, 256, math.prod(shape) * np.dtype(dtype).itemsize, dtype=np.uint8)
    return (bits % 2 if dtype == "bool" else bits).view(dtype).reshape(shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays(dtype: str, shape: tuple[int, ...]) -> None:
    array = filled(dtype, shape)
    came = travelled(array)
    assert isinstance(came, np.ndarray)
    assert (came.dtype, came.shape, came.tobytes()) == (array.dtype, shape, array.tobytes())
    assert came.flags.writeable and came.flags.aligned and came.flags.c_contiguous
    came[...] = 0


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_tensors(dtype: str, shape: tuple[int, ...]) -> None:
    bits = filled("uint16" if dtype == "bfloat16" else dtype, shape)
    tensor = torch.from_numpy(bits)
    tensor = tensor.view(torch.bfloat16) if dtype == "bfloat16" else tensor
    came = travelled(tensor)
    assert isinstance(came, torch.Tensor)
    assert (came.dtype, came.shape, came.requires_grad) == (tensor.dtype, tensor.shape, False)
    assert bytes(came.flatten().view(torch.uint8).numpy()) == bits.tobytes()
    came.zero_()


def test_arrays_in_other_orders() -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for one in (array[:, ::-1], array.T, np.asfortranarray(array), array[1:, :, ::2], array.astype(">f4")):
        came = travelled(one)
        assert came.dtype == np.float32 and np.array_equal(came, one)
    for big in (np.array(258, ">i2"), np.array([1, 2**40], ">u8")):
        assert np.array_equal(travelled(big), big) and travelled(big).shape == big.shape
    readonly = np.arange(3)
    readonly.flags.writeable = False
    assert np.array_equal(travelled(readonly), readonly) and travelled(readonly).flags.writeable


def test_tensors_that_are_not_plain_memory() -> None:
    tensor = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    parameter = torch.nn.Parameter(tensor)
    conjugate = torch.tensor([1 + 2j, 3 - 1j]).conj()
    for one in (tensor.transpose(0, 2), tensor[:, 1:, ::2], parameter, parameter * 2, conjugate, conjugate.imag):
        assert torch.equal(travelled(one), one.detach().clone())


def test_many_values_side_by_side() -> None:
    value = {"a": [np.arange(3), b"xy", torch.ones(2)], "b": {"c": np.zeros((0, 2)), "d": (1, np.float32(2))}}
    came = travelled(value)
    assert (
        np.array_equal(came["a"][0], [0, 1, 2]) and came["a"][1] == b"xy" and torch.equal(came["a"][2], torch.ones(2))
    )
    assert came["b"]["c"].shape == (0, 2) and came["b"]["d"] == [1, 2.0]
    body, buffers = encode(value)
    assert [memoryview(buffer).nbytes for buffer in buffers] == [24, 2, 8, 0]
    assert json.loads(body)["a"][0] == {"$seer": "array", "dtype": "int64", "shape": [3], "buffer": 0}


def test_large_arrays_are_not_copied() -> None:
    array = np.zeros(1000, dtype=np.float32)
    _, [buffer] = encode(array)
    array[7] = 1.0
    assert np.frombuffer(buffer, np.float32)[7] == 1.0
    came = bytearray(4000)
    body, _ = encode(array)
    decode(body, [came])[3] = 5.0
    assert np.frombuffer(came, np.float32)[3] == 5.0


class Module:
    pass


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


itself: list[Any] = []
itself.append({"again": itself})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Module(), "result: a Module cannot travel: return numbers"),
        ({"model": [1, Module()]}, 'result["model"][1]: a Module'),
        ([Found(Module(), 1.0)], 'result[0]["text"]: a Module'),  # type: ignore[arg-type]
        (Found, "result: a type cannot"),
        ({1: 2}, "a dict with the key 1, which is no text"),
        ({"a": {(1, 2): 3}}, 'result["a"]: a dict with the key a tuple'),
        ({"$seer": "float", "value": "nan"}, 'a dict with the key "$seer"'),
        ({"x": {"$seer": None}}, 'result["x"]: a dict with the key "$seer"'),
        ({1, 2}, "a set cannot travel"),
        (range(3), "a range cannot travel"),
        (1j, "a complex cannot travel"),
        (np.complex64(1j), "a complex64 cannot travel"),
        (np.datetime64("2020-01-01"), "a datetime64 cannot travel"),
        ([np.array(["a"])], "result[0]: an array of str"),
        (np.array([None]), "an array of object cannot travel: only of bool, int8"),
        (np.zeros(2, dtype=[("a", "i4")]), "an array of void"),
        (np.array(["2020"], "datetime64[D]"), "an array of datetime64"),
        (np.longdouble(1), "a longdouble cannot travel"),
        (np.ma.masked_array([1, 2], [True, False]), "a masked array"),
        (np.zeros((1,) * 33), "33 dimensions"),
        (torch.zeros(2, device="meta"), "device meta"),
        (torch.eye(2).to_sparse(), "to_dense"),
        (torch.ones(2).to(torch.float8_e4m3fn), "an array of float8_e4m3fn"),
        (10**4300, "more than 4300 digits"),
        ([1, 2, -(10**5000)], "result[2]: a number of more than 4300 digits"),
        ([10**5000, True], "result[0]: a number of more"),
        (nested(101), "more than 100 deep"),
        (nested(100_000), "more than 100 deep"),
        (itself, "within itself"),
        (iter([]), "a list_iterator cannot travel"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_cannot_travel_says_where_and_what_it_is(value: Any, said: str) -> None:
    with pytest.raises(Unserializable) as error:
        encode(value)
    assert said in str(error.value)


def test_a_hundred_deep_travels() -> None:
    assert travelled(nested(100)) == nested(100)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: np.zeros(64 * 2**20 + 1, np.uint8), "arrays of 64.0 MiB"),
        (lambda: torch.zeros(1).expand(2**40), "arrays of 4194304.0 MiB"),
        (lambda: [b"x" * 2**20] * 65, "arrays of 65.0 MiB"),
        (lambda: "x" * (8 * 2**20), "8.0 MiB or more as JSON"),
        (lambda: [0] * 5_000_000, "MiB or more as JSON"),
        (lambda: [np.zeros(1)] * 1025, "more than 1024 arrays"),
    ],
)
def test_what_is_too_large_says_how_large(make: Any, said: str) -> None:
    with pytest.raises(TooLarge) as error:
        encode(make())
    assert said in str(error.value)


def test_the_largest_travel() -> None:
    assert len(travelled("x" * (8 * 2**20 - 2))) == 8 * 2**20 - 2
    assert travelled(np.ones(64 * 2**20, np.uint8)).sum() == 64 * 2**20
    assert len(travelled([np.zeros(1)] * 1024)) == 1024
