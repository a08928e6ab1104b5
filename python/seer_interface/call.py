"""One call, from what came to what is answered. Whatever a researcher's code does here can be stopped from outside."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from seer_client.frames import Buffer
from seer_client.values import BadValue, TooLarge, Unserializable, decode, encode

from .interrupting import CallCancelled
from .places import Places
from .served import InvalidArguments, Served
from .tracebacks import MAX_MESSAGE_CHARS, clean, described


class Answer(NamedTuple):
    head: dict[str, Any]
    body: bytes = b""
    buffers: Sequence[Buffer] = ()


@dataclass(eq=False)
class Call:
    id: int
    served: Served
    seconds: float
    body: bytearray
    buffers: list[bytearray]
    #: How it is stopped; once it runs.
    stop: Callable[[], None] | None = None
    #: Why it is to be stopped; once it is.
    why: str | None = None
    answered: bool = False
    timer: threading.Timer | None = field(default=None, repr=False)


def failed(kind: str, error: dict[str, str]) -> Answer:
    return Answer({"kind": "error", "error": {"kind": kind, **error}})


def stopped(call: Call) -> Answer:
    name, seconds = call.served.exposed.name, f"{call.seconds:g} s"
    if call.why != "timeout":
        return failed("cancelled", {"message": f"the call of {name}() was cancelled"})
    if call.stop is None:
        return failed("timeout", {"message": f"{name}() waited {seconds} for other calls to end, and was not run"})
    return failed("timeout", {"message": f"{name}() ran longer than {seconds} and was stopped"})


def make(call: Call, places: Places) -> Answer:
    """Raises only CallCancelled."""
    try:
        by_position, by_name = _arguments(call)
        return _result(call.served.exposed.function(*by_position, **by_name), places)
    except BaseException as error:  # noqa: BLE001
        return _failure(error, call, places)


async def make_async(call: Call, places: Places) -> Answer:
    try:
        by_position, by_name = _arguments(call)
        value = call.served.exposed.function(*by_position, **by_name)
        return _result(await value if inspect.isawaitable(value) else value, places)
    except BaseException as error:  # noqa: BLE001
        return _failure(error, call, places)


def _arguments(call: Call) -> tuple[list[Any], dict[str, Any]]:
    body, buffers = call.body, call.buffers
    call.body, call.buffers = bytearray(), []  # not kept longer than the function keeps them
    try:
        return call.served.arguments(decode(body, buffers))
    except BadValue as error:
        raise InvalidArguments(f"{call.served.exposed.name}(): {error}") from None


def _result(value: Any, places: Places) -> Answer:
    try:
        body, buffers = encode(value)
        return Answer({"kind": "result"}, body, buffers)
    except (Unserializable, TooLarge) as error:
        kind = "unserializable" if isinstance(error, Unserializable) else "too-large"
        return failed(kind, {"message": clean(str(error), places, MAX_MESSAGE_CHARS)})


def _failure(error: BaseException, call: Call, places: Places) -> Answer:
    if isinstance(error, CallCancelled) or call.why is not None:
        raise CallCancelled from None
    if isinstance(error, InvalidArguments):
        return failed("invalid-arguments", {"message": clean(str(error), places, MAX_MESSAGE_CHARS)})
    return failed("raised", described(error, places))
