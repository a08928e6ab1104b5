"""Tries, from behind the wall and before any of the agent's code, what must not work there.

Each probe says what it could do, or nothing. Baits (a file, listeners, names) are laid out by the host.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_CLONE_NEWUSER, _PTRACE_TRACEME, _SIGCHLD = 0x10000000, 0, 17
_MS_REMOUNT, _MS_BIND = 32, 4096
_AF_NETLINK, _AF_VSOCK = 16, 40
#: Their writable bits are of no use to anyone: terminals, queues, the kernel's own.
_KERNEL_MOUNTS = {"proc", "devpts", "mqueue"}


@dataclass(frozen=True)
class Baits:
    files: list[str]
    sockets: list[str]
    abstract: str
    ports: list[list[Any]]
    #: Sockets of the sandbox's own way out.
    proxies: list[str]
    namespaces: dict[str, str]
    hidden: list[str]
    read_only: list[str]
    writable: list[str]
    #: What the spawner was started with beyond what it needs.
    descriptors: list[int]


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def files(baits: Baits) -> str | None:
    return next((f"read {path}" for path in baits.files if _read(path)), None)


def _connects(family: int, address: Any) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(1)
        try:
            sock.connect(address)
        except OSError:
            return False
        return True


def _proxied(path: str, host: str, port: int) -> bool:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(3)
        sock.connect(path)
        sock.sendall(f"CONNECT {place} HTTP/1.1\r\n\r\n".encode())
        return sock.recv(64).split(b" ")[1] == b"200"


def network(baits: Baits) -> str | None:
    for host, port in baits.ports:
        if any(_proxied(path, host, port) for path in baits.proxies):
            return f"connected to port {port} of the host's {host} through the sandbox's proxy"
        if _connects(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port)):
            return f"connected to port {port} of the host's {host}"
    for address in [*baits.sockets, "\0" + baits.abstract]:
        if _connects(socket.AF_UNIX, address):
            return "connected to a socket of the host"
    return None


def processes(baits: Baits) -> str | None:
    """Nobody is here yet but the spawner, its child that looks, and bubblewrap where it stayed as the first process."""
    known = {1, os.getpid(), os.getppid()}
    strangers = [pid for pid in _pids() if pid not in known]
    return f"saw {len(strangers)} processes of others" if strangers else None


def namespaces(baits: Baits) -> str | None:
    shared = [name for name, theirs in baits.namespaces.items() if os.readlink(f"/proc/self/ns/{name}") == theirs]
    return f"shares the namespaces {', '.join(sorted(shared))}" if shared else None


def _named_in(texts: list[str], names: list[str]) -> bool:
    return any(name in text for name in names for text in texts)


def environments(baits: Baits) -> str | None:
    texts = [_read(f"/proc/{pid}/environ") for pid in _pids()]
    return "read the environment of a process of the host" if _named_in(texts, baits.hidden) else None


def arguments(baits: Baits) -> str | None:
    texts = [_read(f"/proc/{pid}/cmdline") for pid in _pids()]
    return "read the arguments of a process of the host" if _named_in(texts, baits.hidden) else None


def mount_sources(baits: Baits) -> str | None:
    texts = [_read("/proc/self/mountinfo"), _read("/proc/self/mounts")]
    return "read a hidden name in the list of mounts" if _named_in(texts, baits.hidden) else None


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def read_only(baits: Baits) -> str | None:
    for place in baits.read_only:
        if not os.statvfs(place).f_flag & os.ST_RDONLY:
            return f"{place} is mounted writable"
        if _libc().mount(b"none", place.encode(), None, ctypes.c_ulong(_MS_REMOUNT | _MS_BIND), None) == 0:
            return f"made {place} writable"
        if os.path.isdir(place) and _can_write(place):
            return f"wrote to {place}"
    return None


def _can_write(folder: str) -> bool:
    path = os.path.join(folder, f".seer-probe-{os.getpid()}")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return False
    os.unlink(path)
    return True


def mounts(baits: Baits) -> str | None:
    """Nothing is writable but what is meant to be, and that is."""
    for line in _read("/proc/self/mountinfo").splitlines():
        fields = line.split(" ")
        place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        kind = fields[fields.index("-") + 1]
        if "rw" not in fields[5].split(",") or place in baits.writable or kind in _KERNEL_MOUNTS:
            continue
        # Single devices, such as /dev/null.
        if not os.path.isdir(place) and place.startswith("/dev/"):
            continue
        return f"{place} is mounted writable"
    locked = [place for place in baits.writable if not _can_write(place)]
    return f"cannot write to {', '.join(locked)}" if locked else None


def _status() -> dict[str, str]:
    lines = (line.partition(":") for line in _read("/proc/self/status").splitlines())
    return {name: value.strip() for name, _, value in lines}


def rights(baits: Baits) -> str | None:
    status = _status()
    sets = [name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[name], 16) != 0]
    if sets:
        return f"has capabilities ({', '.join(sets)})"
    if status["NoNewPrivs"] != "1":
        return "can gain rights (NoNewPrivs is not set)"
    return "is root" if 0 in os.getresuid() + os.getresgid() else None


def _refused(result: int, *errors: int) -> bool:
    return result == -1 and ctypes.get_errno() in errors


def system_calls(baits: Baits) -> str | None:
    if _status()["Seccomp"] != "2":
        return "has no filter of system calls"
    if not _refused(_libc().ptrace(_PTRACE_TRACEME, 0, None, None), errno.EPERM):
        return "may trace processes"
    for family in (_AF_NETLINK, _AF_VSOCK):
        try:
            socket.socket(family, socket.SOCK_DGRAM).close()
        except OSError as error:
            if error.errno in (errno.EAFNOSUPPORT, errno.EOPNOTSUPP):
                continue
        return f"has sockets of family {family}"
    return None


def user_namespaces(baits: Baits) -> str | None:
    """Tried last: where it works, this process is in another namespace afterwards."""
    return "made a user namespace" if _libc().unshare(_CLONE_NEWUSER) == 0 else None


def descriptors(baits: Baits) -> str | None:
    """An open file of the host could be opened anew, and for writing, through /proc."""
    extra = [*baits.descriptors, *(fd for fd in (0, 1, 2) if stat.S_ISREG(os.fstat(fd).st_mode))]
    return f"inherited the descriptors {extra}" if extra else None


Probe = Callable[[Baits], "str | None"]
PROBES: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (
        files,
        network,
        processes,
        namespaces,
        environments,
        arguments,
        mount_sources,
        read_only,
        mounts,
        rights,
        descriptors,
        system_calls,
        user_namespaces,
    )
}


def run_probes(baits: Baits) -> list[str]:
    """What could be done, `probe: what`. A probe that fails by itself has found nothing out, and says so."""
    found = []
    for name, probe in PROBES.items():
        try:
            leak = probe(baits)
        except Exception as error:  # noqa: BLE001 - a probe that cannot be made is no reason to trust the wall
            leak = f"could not be tried: {error!r}"
        if leak is not None:
            found.append(f"{name}: {leak}")
    return found
