"""A network of its own for a test: addresses that look public, on a loopback from which nothing can leave."""

from __future__ import annotations

import ctypes
import functools
import os
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

#: As of other machines: a connection to them does not come from themselves.
PUBLIC, OTHER, PUBLIC6, PRIVATE = "11.22.33.44", "11.22.33.55", "2a00:1:2::3", "10.1.2.3"
#: Where such connections come from.
FROM, FROM6 = "10.9.9.9", "fd00::9"
#: A public address of this machine itself.
OWN, OWN6 = "12.34.56.78", "2a00:1:2::9"
METADATA = "169.254.169.254"

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_NEWLINK, _NEWADDR, _NEWROUTE = 16, 20, 24
_LO = 1
#: Of IPv6: it is used at once.
_NO_CHECK = 2


def _unshare() -> None:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEWNET if uid == 0 else _NEWUSER | _NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace")
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _ask_system(kind: int, body: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), kind, 0x405, 1, 0) + body)
        (error,) = struct.unpack_from("=i", sock.recv(4096), 16)
    if error:
        raise OSError(-error, os.strerror(-error))


def _family(address: str) -> tuple[int, bytes]:
    packed = ip_address(address).packed
    return (socket.AF_INET if len(packed) == 4 else socket.AF_INET6), packed


def _own(address: str) -> None:
    family, packed = _family(address)
    head = struct.pack("=BBBBI", family, 8 * len(packed), _NO_CHECK, 0, _LO)
    _ask_system(_NEWADDR, head + _attribute(2, packed) + _attribute(1, packed))


def _other(address: str, source: str) -> None:
    family, packed = _family(address)
    head = struct.pack("=BBBBBBBBI", family, 8 * len(packed), 0, 0, 255, 3, 254, 2, 0)
    attributes = ((1, packed), (4, struct.pack("=I", _LO)), (7, _family(source)[1]))
    _ask_system(_NEWROUTE, head + b"".join(_attribute(*one) for one in attributes))


def enter() -> None:
    _unshare()
    _ask_system(_NEWLINK, struct.pack("=BBHiII", 0, 0, 0, _LO, 1, 1))
    for address in (FROM, OWN, FROM6, OWN6):
        _own(address)
    for address in (PUBLIC, OTHER, PRIVATE, METADATA):
        _other(address, FROM)
    _other(PUBLIC6, FROM6)


def _in_child(work: Callable[[], None]) -> str:
    """What it failed with, or nothing."""
    sys.stdout.flush()
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.close(read_end)
        said = ""
        try:
            work()
        except BaseException:  # noqa: BLE001 - told to the test
            said = traceback.format_exc()
        os.write(write_end, said.encode()[-60_000:] or b"\0")
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        said = answer.read().decode() or "it was killed"
    os.waitpid(child, 0)
    return said.strip("\0")


@functools.cache
def _has_namespaces() -> bool:
    return sys.platform == "linux" and _in_child(enter) == ""


def in_namespace(test: Callable[..., None]) -> Callable[..., None]:
    """The test runs in a child in such a network. What its fixtures start there, it must end there."""

    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        if not _has_namespaces():
            pytest.skip("this machine gives no network namespaces")

        def work() -> None:
            enter()
            test(**arguments)

        said = _in_child(work)
        assert said == "", f"in its own network:\n{said}"

    return run
