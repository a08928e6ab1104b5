"""The list of variables: short, bounded, and without running any code of theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from seer_kernel.variables import list_variables


def listed(capsys: pytest.CaptureFixture[str], user_ns: dict[str, Any], **asked: Any) -> dict[str, Any]:
    options = {"all": False, "matching": "", "limit": 100, **asked}
    list_variables(user_ns, frozenset({"In", "seer"}), json.dumps(options))
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def about(capsys: pytest.CaptureFixture[str], value: Any) -> tuple[str, str, int | None]:
    (one,) = listed(capsys, {"x": value})["variables"]
    return one["type"], one["about"], one["bytes"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, ("int", "7", None)),
        (0.5, ("float", "0.5", None)),
        (None, ("NoneType", "None", None)),
        ("short", ("str", "'short'", None)),
        ("x" * 500, ("str", f"of 500: '{'x' * 60}'…", None)),
        (10**1000, ("int", "of 3322 bits", None)),
        ([1, 2], ("list", "of 2", None)),
        ({"a": 1}, ("dict", "of 1", None)),
        (np.zeros((3, 4), dtype="float32"), ("numpy.ndarray", "(3, 4) float32 cpu", 48)),
        (np.float64(0.5), ("numpy.float64", "() float64 cpu", 8)),
    ],
)
def test_about(capsys: pytest.CaptureFixture[str], value: Any, expected: tuple[str, str, int | None]) -> None:
    found = about(capsys, value)
    assert found == expected or found == (expected[0], expected[1].removesuffix(" cpu"), expected[2])


class Hostile:
    """Whose every answer is code of its own."""

    def __repr__(self) -> str:
        raise AssertionError("repr was called")

    def __len__(self) -> int:
        raise AssertionError("len was called")

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("it was gone through")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


class OwnList(list[int]):
    def __len__(self) -> int:
        raise AssertionError("len was called")


def test_no_code_of_theirs_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert about(capsys, Hostile())[1:] == ("", None)
    assert about(capsys, OwnList())[1:] == ("", None)


def test_which(capsys: pytest.CaptureFixture[str]) -> None:
    user_ns: dict[Any, Any] = {"In": [], "seer": 1, "_": 2, "np": np, "f": about, "Kind": Hostile}
    user_ns |= {"loss": 1, "losses": [1], 5: "no name"}

    def names(**asked: Any) -> list[str]:
        return [one["name"] for one in listed(capsys, user_ns, **asked)["variables"]]

    assert names() == ["loss", "losses"]
    assert names(matching="losses") == ["losses"]
    assert names(all=True) == ["In", "seer", "_", "np", "f", "Kind", "loss", "losses"]
    assert names(limit=1) == ["losses"] and listed(capsys, user_ns, limit=1)["more"] == 1


def test_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    user_ns = {f"name{n}" * 100: "x" * 10_000 for n in range(300)}
    list_variables(user_ns, frozenset(), json.dumps({"all": False, "matching": "", "limit": 100}))
    assert len(capsys.readouterr().out) < 32 * 1024
