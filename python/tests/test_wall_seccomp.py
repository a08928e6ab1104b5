"""The filter of system calls: run here, step by step, on what the kernel would give it, for both machines."""

from __future__ import annotations

import hashlib
import platform
import struct

import pytest

from seer_host.wall_seccomp import MACHINES, REFUSED, SPECIAL, filter_program

ALLOW, KILL = "allow", "kill"
X86_64, AARCH64 = 0xC000003E, 0xC00000B7
#: Of what this filter is on each machine. A change must be meant.
GOLDENS = {
    "x86_64": (1272, "717f60442eead6a5"),
    "aarch64": (1096, "9ea3d3b4e53a1971"),
}


def run(machine: str, number: int, *args: int, arch: int | None = None) -> str | int:
    """What the filter says: allow, kill, or an errno. Classic BPF, as far as the filter uses it."""
    program = filter_program(machine)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    own = MACHINES[machine].audit_arch if arch is None else arch
    data = struct.pack("=IIQ6Q", number, own, 0, *args, *[0] * (6 - len(args)))
    register, at = 0, 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            register = struct.unpack_from("=I", data, value)[0]
        elif code == 0x54:
            register &= value
        elif code in (0x15, 0x35, 0x45):
            holds = {0x15: register == value, 0x35: register >= value, 0x45: bool(register & value)}[code]
            at += if_true if holds else if_false
        else:
            assert code == 0x06
            if value in (0x7FFF0000, 0x80000000):
                return ALLOW if value == 0x7FFF0000 else KILL
            return int(value & 0xFFFF)


@pytest.mark.parametrize("machine", MACHINES)
def test_golden(machine: str) -> None:
    program = filter_program(machine)
    assert (len(program), hashlib.sha256(program).hexdigest()[:16]) == GOLDENS[machine]
    assert len(program) // 8 <= 4096, "more steps than the kernel takes"


@pytest.mark.parametrize("machine", MACHINES)
def test_each_refused_call(machine: str) -> None:
    column = MACHINES[machine].column
    for name, numbers in REFUSED.items():
        if (number := numbers[column]) is not None:
            assert run(machine, number) == 1, name


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_of_one_call_each(machine: str) -> None:
    column = MACHINES[machine].column
    numbers = [n[column] for n in [*REFUSED.values(), *SPECIAL.values()] if n[column] is not None]
    assert len(set(numbers)) == len(numbers)


# read, write, mmap, futex, execve, exit_group, openat
COMMON = {"x86_64": [0, 1, 9, 202, 59, 231, 257], "aarch64": [63, 64, 222, 98, 221, 94, 56]}


@pytest.mark.parametrize("machine", MACHINES)
def test_what_every_program_needs_is_allowed(machine: str) -> None:
    assert [run(machine, number) for number in COMMON[machine]] == [ALLOW] * 7


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("call", "args", "expected"),
    [
        ("clone", (0x01200011,), ALLOW),  # fork
        ("clone", (0x003D0F00,), ALLOW),  # a thread
        ("clone", (0x10000011,), 1),
        ("clone", (0x20000011,), 1),
        ("clone3", (), 38),
        ("socket", (1, 1), ALLOW),
        ("socket", (2, 1 | 0x80000), ALLOW),
        ("socket", (10, 2), ALLOW),
        ("socket", (2, 3), 1),
        ("socket", (2, 3 | 0x80000), 1),
        ("socket", (16, 3), 95),
        ("socket", (40, 1), 97),
        ("socket", (17, 3), 97),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), 1),
        ("ioctl", (0, 0x5412 | 1 << 32), 1),
        ("ioctl", (0, 0x541C), 1),
    ],
)
def test_by_arguments(machine: str, call: str, args: tuple[int, ...], expected: str | int) -> None:
    assert run(machine, SPECIAL[call][MACHINES[machine].column], *args) == expected


def test_another_machine_s_calls() -> None:
    assert run("x86_64", 0, arch=0x40000003) == KILL  # 32 bits
    assert run("x86_64", 0, arch=AARCH64) == KILL
    assert run("aarch64", 63, arch=X86_64) == KILL
    assert run("x86_64", 0x40000000) == 1  # x32
    assert run("x86_64", 0x40000000 + 101) == 1


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")
def test_numbers_are_those_of_this_system() -> None:
    """By the C library's own header, where it is installed."""
    header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
    try:
        text = open(header).read()
    except OSError:
        pytest.skip("the kernel's headers, which it compares with, are not installed (linux-libc-dev)")
    lines = [line.split() for line in text.splitlines() if line.startswith("#define __NR_")]
    known = {name.removeprefix("__NR_"): int(number) for _, name, number in lines}
    for name, numbers in {**REFUSED, **SPECIAL}.items():
        assert known[name] == numbers[0], name


def test_numbers_of_aarch64() -> None:
    """By the header that all newer machines share, where it is installed."""
    try:
        text = open("/usr/include/asm-generic/unistd.h").read()
    except OSError:
        pytest.skip("the kernel's headers, which it compares with, are not installed (linux-libc-dev)")
    known = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "#define" and words[1].startswith("__NR_") and words[2].isdigit():
            known[words[1][5:]] = int(words[2])
    for name, numbers in {**REFUSED, **SPECIAL}.items():
        assert known.get(name) == numbers[1], name
