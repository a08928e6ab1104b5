"""A proxy for tests, with names of its own, and servers that it may or may not let code reach."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from seer_host.network_dial import Resolve
from seer_host.network_proxy import Bounds, Proxy
from seer_host.network_rules import Rules, parse_rules
from seer_host.network_told import Told
from seer_host.redact import Redactor


def rules(*names: str, port: int | None = None, private: bool = False, open: bool = False) -> Rules:
    return parse_rules(open, [{"name": name, "port": port, "private": private} for name in names])


OPEN = rules(open=True)
_IPV6_FREEBIND = 78


class Names:
    """In place of the system's resolver. A list of lists: what is answered the first time, the second, …"""

    def __init__(self, **names: list[str] | list[list[str]]) -> None:
        self.names = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers: Any = self.names.get(host)
        if answers is None:
            raise socket.gaierror(-2, "Name or service not known")
        if isinstance(answers[0], str):
            return list(answers)
        return list(answers[min(self.asked.count(host), len(answers)) - 1])


class Server:
    """Says hello, then gives back what it gets, until the client has said all. `serve` does something else."""

    def __init__(self, host: str, port: int = 0, serve: Callable[[socket.socket], None] | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            self.listener.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.listener.bind((host, port))
        self.listener.listen(64)
        self.port: int = self.listener.getsockname()[1]
        self.serve = serve or echo
        self.reached = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.reached += 1
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        with sock:
            try:
                self.serve(sock)
            except OSError:
                pass

    def __enter__(self) -> Server:
        return self

    def close(self) -> None:
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for a connection
        except OSError:
            pass
        self.listener.close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def echo(sock: socket.socket) -> None:
    sock.sendall(b"hello\n")
    while data := sock.recv(65536):
        sock.sendall(data)


class Tried:
    """A proxy that serves, and what it told."""

    def __init__(self, proxy: Proxy, path: str, records: list[dict[str, Any]]) -> None:
        self.proxy = proxy
        self.path = path
        self.records = records

    def connection(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.path)  # it waits while the queue is full, which one with a time limit would not
        sock.settimeout(10)
        return sock

    def say(self, data: bytes) -> bytes:
        """The answer to something that must not be let through, to its end."""
        with self.connection() as sock:
            sock.sendall(data)
            return all_of(sock)

    def ask(self, target: str) -> tuple[int, socket.socket]:
        sock = self.connection()
        try:
            sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        except BrokenPipeError:
            pass  # it has answered already: there are too many
        status = int(head_of(sock).split(b" ")[1])
        return status, sock

    def status(self, target: str) -> int:
        status, sock = self.ask(target)
        sock.close()
        return status

    def told(self) -> list[tuple[str, int, bool]]:
        return [(record["host"], record["port"], record["allowed"]) for record in self.records]


def all_of(sock: socket.socket) -> bytes:
    said = bytearray()
    try:
        while data := sock.recv(65536):
            said += data
    except ConnectionError:
        pass
    return bytes(said)


def head_of(sock: socket.socket) -> bytes:
    """Byte by byte: what follows belongs to the server."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, f"it ended after {head!r}"
        head += byte
    return head


@contextmanager
def proxy(
    allowed: Rules,
    resolve: Resolve | None = None,
    bounds: Bounds | None = None,
    redactor: Redactor | None = None,
    append: Callable[[dict[str, Any]], bool] | None = None,
) -> Iterator[Tried]:
    records: list[dict[str, Any]] = []

    def keep(record: dict[str, Any]) -> bool:
        records.append(record)
        return True

    with tempfile.TemporaryDirectory(prefix="seer-t") as folder:
        path = str(Path(folder) / "proxy.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(128)
        made = Proxy(
            listener,
            allowed,
            Told(append or keep, redactor),
            resolve=resolve or Names(),
            bounds=bounds or Bounds(pause_seconds=0.0005),
        )
        made.telling = True
        try:
            yield Tried(made, path, records)
        finally:
            made.close()
            assert not made.thread.is_alive()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
