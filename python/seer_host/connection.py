"""One attached peer: reads its requests, answers each as soon as it is done, in whatever order that is."""

from __future__ import annotations

import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from .check import check_params
from .errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    TOO_MANY_REQUESTS,
    RpcError,
    named,
)
from .frames import FrameError, read_frames
from .log import log
from .methods import METHODS, Method
from .sending import Sender
from .text import encode_json, parse_json

if TYPE_CHECKING:
    from .host import Host

MAX_OPEN_REQUESTS = 128
MAX_ID_CHARS = 200
WHILE_ENDING = ("host/hello", "host/shutdown", "journal/read", "blob/read", "process/read")


class Connection:
    def __init__(self, sock: socket.socket, host: Host) -> None:
        self.sock = sock
        self.host = host
        self.sender = Sender(sock, self.close)  # the reader notices
        self.open: dict[str | int, threading.Event] = {}

    def serve(self) -> None:
        """Until the peer closes, or sends what is no frame."""
        try:
            for body in read_frames(self.sock):
                self._message(body)
        except FrameError as error:
            log(f"connection closed: {error}")
            self._error(None, RpcError(PARSE_ERROR, str(error)))
        except OSError:
            pass
        finally:
            self._cancel(*list(self.open.values()))
            self.close()

    def close(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def _cancel(self, *requests: threading.Event) -> None:
        with self.host.journal.changed:
            for cancelled in requests:
                cancelled.set()
            self.host.journal.changed.notify_all()
        self.host.kernels.streams.wake()

    def _message(self, body: bytes) -> None:
        try:
            message = parse_json(body)
        except ValueError:
            self._error(None, RpcError(PARSE_ERROR, "not JSON"))
            return
        id = message.get("id") if isinstance(message, dict) else None
        named_right = (isinstance(id, int) and not isinstance(id, bool)) or (
            isinstance(id, str) and len(id) <= MAX_ID_CHARS
        )
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            self._error(id if named_right else None, RpcError(INVALID_REQUEST, "not a JSON-RPC request"))
        elif "id" not in message:
            self._notification(message["method"], message.get("params"))
        elif not named_right:
            self._error(None, RpcError(INVALID_REQUEST, "the id must be a number or a short string"))
        elif isinstance(id, (int, str)):
            self._request(id, message["method"], message.get("params", {}))

    def _notification(self, method: str, params: Any) -> None:
        if method != "$/cancelRequest" or not isinstance(params, dict):
            return
        id = params.get("id")
        cancelled = self.open.get(id) if isinstance(id, (int, str)) else None
        if cancelled is not None:
            self._cancel(cancelled)

    def _request(self, id: str | int, name: str, params: Any) -> None:
        method = METHODS.get(name)
        try:
            if method is None:
                raise RpcError(METHOD_NOT_FOUND, f"there is no method {name[:80]!r}")
            checked = check_params(params, method.shape)
            if self.host.ending and name not in WHILE_ENDING:
                raise named("shutting-down", "the sandbox is ending")
            if id in self.open:
                raise RpcError(INVALID_REQUEST, "a request with this id is still open")
            if len(self.open) >= MAX_OPEN_REQUESTS:
                raise RpcError(TOO_MANY_REQUESTS, f"more than {MAX_OPEN_REQUESTS} open requests")
        except RpcError as error:
            self._error(id, error)
            return
        self.open[id] = cancelled = threading.Event()
        if method.waits:
            arguments = (id, name, method, checked, cancelled)
            threading.Thread(target=self._answer, args=arguments, name=name, daemon=True).start()
        else:
            self._answer(id, name, method, checked, cancelled)

    def _answer(
        self, id: str | int, name: str, method: Method, params: dict[str, Any], cancelled: threading.Event
    ) -> None:
        try:
            result = method.answer(self.host, params, cancelled)
            if not isinstance(result, bytes):
                result(partial(self._answer_later, id))
                return
        except RpcError as error:
            self.open.pop(id, None)
            self._error(id, error)
        except Exception as error:  # noqa: BLE001 - a fault in one request ends neither the host nor the connection
            log(f"{name}: {error!r}")
            self.open.pop(id, None)
            self._error(id, RpcError(INTERNAL_ERROR, f"{name} failed: {type(error).__name__}"))
        else:
            self.open.pop(id, None)
            self._send(_answered(id, result))

    def _answer_later(self, id: str | int, result: bytes | RpcError) -> None:
        """From a thread that must not wait for this peer."""
        self.open.pop(id, None)
        self.sender.send_now(_answered(id, result) if isinstance(result, bytes) else _failed(id, result))

    def _error(self, id: str | int | None, error: RpcError) -> None:
        self._send(_failed(id, error))

    def _send(self, body: bytes) -> None:
        self.sender.send(body)


def _answered(id: str | int, result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":' + encode_json(id) + b',"result":' + result + b"}"


def _failed(id: str | int | None, error: RpcError) -> bytes:
    return encode_json({"jsonrpc": "2.0", "id": id, "error": error.to_json()})
