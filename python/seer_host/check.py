"""Checks of a request's parameters: exactly the keys that the protocol names, each of its kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import INVALID_PARAMS, RpcError
from .text import deeper_than

Check = Callable[[Any], bool]
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_SAFE = 2**53 - 1
MAX_CODE_CHARS = 512 * 1024
MAX_CONFIG_DEPTH = 64


def is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_sha256(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def integer(low: int, high: int = MAX_SAFE) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def is_code(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_CODE_CHARS


def _is_model(value: Any) -> bool:
    texts = {"name", "varName", "path", "dtype", "device"}
    if not isinstance(value, dict) or set(value) - {"baseName", "basePath"} != {*texts, "loadAsPeft"}:
        return False
    if not isinstance(value["loadAsPeft"], bool) or ("baseName" in value) != ("basePath" in value):
        return False
    is_text = all(isinstance(part, str) for key, part in value.items() if key != "loadAsPeft")
    return is_text and _NAME.fullmatch(value["varName"]) is not None


def is_kernel_config(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"params", "seed", "models"}
        and isinstance(value["params"], dict)
        and not deeper_than(value["params"], MAX_CONFIG_DEPTH)
        and integer(0)(value["seed"])
        and isinstance(value["models"], list)
        and all(_is_model(model) for model in value["models"])
    )


def check_params(params: Any, shape: dict[str, Check]) -> dict[str, Any]:
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "the parameters must be an object")
    for key in params:
        if key not in shape:
            raise RpcError(INVALID_PARAMS, f"unknown parameter {key[:80]!r}")
    for key, check in shape.items():
        if key not in params:
            raise RpcError(INVALID_PARAMS, f"missing parameter {key!r}")
        if not check(params[key]):
            raise RpcError(INVALID_PARAMS, f"parameter {key!r} is not what the protocol says")
    return params
