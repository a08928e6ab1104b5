"""The filter of system calls behind the wall, as classic BPF, without libseccomp: a list of what is refused.

Refused is what reaches beyond the sandbox or opens much of the kernel: other processes' memory, mounts, namespaces,
keyrings, BPF, performance counters, io_uring, modules, clocks. `clone3` says that it is not there, since its flags are
behind a pointer: the C library falls back to `clone`, whose flags are looked at.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

EPERM, ENOSYS, EOPNOTSUPP, EAFNOSUPPORT = 1, 38, 95, 97
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_AT_NUMBER, _AT_ARCH, _AT_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; the low half of each argument
_X32_BIT = 0x40000000

#: New user, mount, pid, network, ipc, uts and cgroup namespaces.
_CLONE_NEW_ANY = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_RAW, _SOCK_TYPE_BITS = 3, 0xF
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

#: By name: x86_64, aarch64 (None: that machine does not have it).
REFUSED: dict[str, tuple[int, int | None]] = {
    "_sysctl": (156, None),
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "create_module": (174, None),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "get_kernel_syms": (177, None),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "query_module": (178, None),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "sysfs": (139, None),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "uselib": (134, None),
    "userfaultfd": (323, 282),
    "ustat": (136, None),
    "vhangup": (153, 58),
}
#: Refused by their arguments, or in another way.
SPECIAL = {"clone": (56, 220), "clone3": (435, 435), "ioctl": (16, 29), "socket": (41, 198)}


@dataclass(frozen=True)
class Machine:
    audit_arch: int
    column: int
    has_x32: bool


MACHINES = {"x86_64": Machine(0xC000003E, 0, True), "aarch64": Machine(0xC00000B7, 1, False)}


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Jumps count the steps that are left out."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(errno: int) -> bytes:
    return _step(_RETURN, _ERRNO | errno)


def _argument(index: int) -> bytes:
    return _step(_LOAD, _AT_ARGUMENT + 8 * index)


def _for_call(number: int, steps: list[bytes]) -> list[bytes]:
    """`steps` for one system call, which they end. The number is in the register before, and left there for others."""
    return [_step(_EQUAL, number, if_false=len(steps)), *steps]


def filter_program(machine: str) -> bytes:
    """For `--seccomp` of bubblewrap. `machine` as `platform.machine()` says it."""
    one = MACHINES[machine]
    special = {name: numbers[one.column] for name, numbers in SPECIAL.items()}
    program = [
        _step(_LOAD, _AT_ARCH),
        _step(_EQUAL, one.audit_arch, if_true=1),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _AT_NUMBER),
    ]
    if one.has_x32:
        program += [_step(_AT_LEAST, _X32_BIT, if_false=1), _refuse(EPERM)]
    for _, numbers in sorted(REFUSED.items()):
        if (number := numbers[one.column]) is not None:
            program += _for_call(number, [_refuse(EPERM)])
    allow = _step(_RETURN, _ALLOW)
    program += _for_call(special["clone3"], [_refuse(ENOSYS)])
    program += _for_call(
        special["clone"], [_argument(0), _step(_ANY_BIT, _CLONE_NEW_ANY, if_false=1), _refuse(EPERM), allow]
    )
    program += _for_call(
        special["ioctl"],
        [
            _argument(1),
            _step(_EQUAL, _TIOCSTI, if_true=1),
            _step(_EQUAL, _TIOCLINUX, if_false=1),
            _refuse(EPERM),
            allow,
        ],
    )
    program += _for_call(
        special["socket"],
        [
            _argument(0),
            _step(_EQUAL, _AF_UNIX, if_true=5),
            _step(_EQUAL, _AF_INET, if_true=4),
            _step(_EQUAL, _AF_INET6, if_true=3),
            # libzmq looks for network cards in this way, and ends the process over any other error.
            _step(_EQUAL, _AF_NETLINK, if_false=1),
            _refuse(EOPNOTSUPP),
            _refuse(EAFNOSUPPORT),
            _argument(1),
            _step(_AND, _SOCK_TYPE_BITS),
            _step(_EQUAL, _SOCK_RAW, if_false=1),
            _refuse(EPERM),
            allow,
        ],
    )
    return b"".join([*program, allow])
