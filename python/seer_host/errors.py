"""Errors that are answered to a request, by the names and codes of the protocol."""

from __future__ import annotations

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REQUEST_CANCELLED = -32800
TOO_MANY_REQUESTS = -32000

NAMED = {
    "kernel-gone": -32001,
    "stale-generation": -32002,
    "unknown-blob": -32003,
    "kernel-start-failed": -32004,
    "host-disk-full": -32005,
    "shutting-down": -32006,
    "process-start-failed": -32007,
    "unknown-process": -32008,
    "unknown-stream": -32009,
}


class RpcError(Exception):
    """What the caller is told: a JSON-RPC code, and the protocol's name for it where there is one."""

    def __init__(self, code: int, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name

    def to_json(self) -> dict[str, object]:
        error: dict[str, object] = {"code": self.code, "message": str(self)}
        if self.name is not None:
            error["data"] = {"name": self.name}
        return error


def named(name: str, message: str) -> RpcError:
    return RpcError(NAMED[name], message, name)
