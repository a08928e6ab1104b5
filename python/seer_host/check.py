"""Checks of a request's parameters: exactly the keys that the protocol names, each of its kind."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import Any

from .errors import INVALID_PARAMS, RpcError
from .text import deeper_than

Check = Callable[[Any], bool]
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONNECTION = re.compile(r"[a-z0-9][A-Za-z0-9._:-]{0,79}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_SAFE = 2**53 - 1
MAX_CODE_CHARS = 512 * 1024
MAX_PEEK_CHARS = 16 * 1024
MAX_PEEK_SECONDS = 20
MAX_CONFIG_DEPTH = 64
MAX_ARGUMENTS = 1000
MAX_ARGUMENT_CHARS = 128 * 1024
MAX_PATH_CHARS = 4096
MAX_STDIN_CHARS = 700_000
#: Of 512 KiB.
MAX_CHUNK_CHARS = 699_052
MAX_SECONDS = 1e9


def is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_ids(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MAX_ARGUMENTS and all(is_id(one) for one in value)


def is_connection(value: Any) -> bool:
    """Of a byte stream."""
    return isinstance(value, str) and _CONNECTION.fullmatch(value) is not None


def is_sha256(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def integer(low: int, high: int = MAX_SAFE) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def is_code(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_CODE_CHARS


def is_peek_code(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_PEEK_CHARS


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


def is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any, at_most: int = MAX_ARGUMENT_CHARS) -> bool:
    """That can be handed to the system."""
    return isinstance(value, str) and len(value) <= at_most and "\0" not in value


def is_argv(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= MAX_ARGUMENTS and all(map(_is_text, value)) and value[0] != ""


def is_environment(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return all(name != "" and "=" not in name and _is_text(name) and _is_text(value[name]) for name in value)


def is_path(value: Any) -> bool:
    return _is_text(value, MAX_PATH_CHARS)


def is_stdin(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_STDIN_CHARS and _BASE64.fullmatch(value) is not None


def is_chunk(value: Any) -> bool:
    """Whether it is base64 is found where it is decoded: looking at each character takes as long again."""
    return isinstance(value, str) and len(value) <= MAX_CHUNK_CHARS and len(value) % 4 == 0


def decode_chunk(text: str) -> bytes:
    try:
        data = binascii.a2b_base64(text)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, "what is to be written is not base64") from error
    # What is no such character was passed over.
    if len(data) != len(text) // 4 * 3 - text[-2:].count("="):
        raise RpcError(INVALID_PARAMS, "what is to be written is not base64")
    return data


def is_seconds(value: Any) -> bool:
    """None: no limit."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None or (is_number and 0 < value <= MAX_SECONDS)


def is_peek_seconds(value: Any) -> bool:
    return value is not None and is_seconds(value) and bool(value <= MAX_PEEK_SECONDS)


def is_duration(value: Any) -> bool:
    return value is not None and is_seconds(value)


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
