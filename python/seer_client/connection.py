"""Calls over the session's socket: one at a time on a connection, which is kept for the next. Closing it cancels."""

from __future__ import annotations

import os
import socket
import threading
import weakref
from typing import Any

from .frames import Frame, FrameError, read_frame, send_frame
from .values import BadValue, TooLarge, Unserializable, decode, encode

SOCKET = "SEER_CALLS"
_MAX_IDLE = 16


class InterfaceError(RuntimeError):
    """A call that brought no result. `kind` says why in a word: `raised`, `invalid-arguments`, `timeout`, …"""

    def __init__(self, message: str, kind: str = "", interface: str = "", function: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.interface = interface
        self.function = function


class _Failed(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Connections:
    """Those that wait for a call, and all that are open."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: list[socket.socket] = []
        self.open: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def take(self) -> socket.socket:
        while True:
            with self.lock:
                sock = self.idle.pop() if self.idle else None
            if sock is None:
                return self._connect()
            if _is_quiet(sock):
                return sock
            self.drop(sock)

    def keep(self, sock: socket.socket) -> None:
        with self.lock:
            if len(self.idle) < _MAX_IDLE:
                self.idle.append(sock)
                return
        self.drop(sock)

    def drop(self, sock: socket.socket) -> None:
        with self.lock:
            self.open.discard(sock)
        try:
            sock.shutdown(socket.SHUT_RDWR)  # also where a child process has the same socket
        except OSError:
            pass
        sock.close()

    def _connect(self) -> socket.socket:
        path = os.environ.get(SOCKET)
        if not path:
            raise _Failed(
                "refused",
                "this Python was not started by a session that was given the interface, so there is nobody to call",
            )
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with self.lock:
            self.open.add(sock)
        try:
            sock.connect(path)
        except BaseException as error:
            self.drop(sock)
            if isinstance(error, OSError):
                why = f"nobody answers calls in this session any more ({error.strerror or error})"
                raise _Failed("gone", why) from None
            raise
        return sock


def _leave_to_parent() -> None:
    """In a child process. They are the parent's: closed here, and not shut down."""
    global _connections
    for sock in _connections.open:
        sock.close()
    _connections = _Connections()


_connections = _Connections()
os.register_at_fork(after_in_child=_leave_to_parent)


def call(interface: str, function: str, arguments: dict[str, Any]) -> Any:
    """Waits for the result. An interrupt of the wait cancels the call."""
    try:
        body, buffers = encode(arguments, "arguments", "pass")
        head = {"kind": "call", "interface": interface, "function": function}
        sock = _connections.take()
        try:
            send_frame(sock, head, body, buffers)
            answer = read_frame(sock)
            result = _result(answer, interface, function)
        except InterfaceError:
            _connections.keep(sock)
            raise
        except BaseException:
            _connections.drop(sock)
            raise
        _connections.keep(sock)
        return result
    except (Unserializable, TooLarge) as error:
        kind = "unserializable" if isinstance(error, Unserializable) else "too-large"
        raise _error(str(error), kind, interface, function) from None
    except (FrameError, BadValue) as error:
        raise _error(f"what was answered cannot be read: {error}", "invalid-frame", interface, function) from None
    except OSError as error:
        raise _error(f"the connection was lost: {error.strerror or error}", "gone", interface, function) from None
    except _Failed as error:
        raise _error(str(error), error.kind, interface, function) from None


def _result(answer: Frame | None, interface: str, function: str) -> Any:
    if answer is None:
        raise _Failed("gone", "the connection was closed before an answer came: the call may have been made, or not")
    if answer.head.get("kind") == "result":
        return decode(answer.body, answer.buffers)
    error = answer.head.get("error")
    if answer.head.get("kind") != "error" or not isinstance(error, dict):
        raise FrameError("a message that is neither a result nor an error")
    message, traceback = str(error.get("message")), error.get("traceback")
    if isinstance(traceback, str):
        message = f"{message}\n{traceback}"
    raise _error(message, str(error.get("kind")), interface, function)


def _error(message: str, kind: str, interface: str, function: str) -> InterfaceError:
    return InterfaceError(f"{interface}.{function}: {message}", kind, interface, function)


def _is_quiet(sock: socket.socket) -> bool:
    """Whether it is open, and nothing has come by it since the last answer."""
    try:
        sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
