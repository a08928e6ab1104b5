"""The relay: carries bytes between its stdio and the host's socket. Stateless: kill it, start another, read on."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading

CHUNK_BYTES = 256 * 1024


def _write_all(fd: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _to_host(sock: socket.socket) -> None:
    chunk = memoryview(bytearray(CHUNK_BYTES))
    try:
        while length := os.readv(0, [chunk]):
            sock.sendall(chunk[:length])
    except OSError:
        pass
    os._exit(0)  # the other thread may be blocked in a write


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="relay")
    parser.add_argument("--socket", required=True)
    parser.add_argument("--marker", required=True, help="printed first: the reader discards all that stands before it")
    options = parser.parse_args(argv)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(options.socket)
    except OSError as error:
        print(f"seer relay: cannot reach the host: {error.strerror or error}", file=sys.stderr)
        return 1
    try:
        _write_all(1, options.marker.encode() + b"\n")
        threading.Thread(target=_to_host, args=(sock,), daemon=True).start()
        chunk = memoryview(bytearray(CHUNK_BYTES))
        while length := sock.recv_into(chunk):
            _write_all(1, chunk[:length])
    except OSError:
        pass
    os._exit(0)
