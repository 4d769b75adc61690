"""The filter of system calls, run here as the kernel would: what it says of one call."""

import errno
import struct

import pytest

from sshore.engines.sandbox.system_calls import system_call_filter

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOWED, REFUSED, UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
UNIX, VSOCK = 1, 40


def said_of(machine: str, architecture: int, number: int, first_argument: int = 0) -> int:
    """Classic BPF, as much of it as the filter uses (seccomp(2))."""
    program = system_call_filter(machine)
    assert program is not None
    data = struct.pack("=IIQQ", number, architecture, 0, first_argument)
    at = loaded = 0
    while True:
        code, when, else_, value = struct.unpack_from("=HBBI", program, at * 8)
        at += 1
        match code:
            case 0x20:
                (loaded,) = struct.unpack_from("=I", data, value)
            case 0x05:
                at += value
            case 0x06:
                return int(value)
            case _:
                holds = {0x15: loaded == value, 0x25: loaded > value, 0x45: bool(loaded & value)}[code]
                at += when if holds else else_


@pytest.mark.parametrize(
    ("machine", "architecture", "number"), [("x86_64", X86_64, 41), ("x86_64", I386, 359), ("aarch64", AARCH64, 198)]
)
def test_no_socket_leads_to_the_hypervisor(machine: str, architecture: int, number: int) -> None:
    assert said_of(machine, architecture, number, UNIX) == ALLOWED
    assert said_of(machine, architecture, number, VSOCK) == REFUSED


def test_what_makes_a_socket_of_a_kind_that_no_filter_sees_makes_none() -> None:
    make, connect = 1, 3
    assert said_of("x86_64", I386, 102, make) == REFUSED
    assert said_of("x86_64", I386, 102, connect) == ALLOWED
    assert said_of("x86_64", X86_64, 102) == ALLOWED  # there it is another call


def test_another_architectures_calls_are_unknown() -> None:
    assert said_of("aarch64", X86_64, 39) == UNKNOWN
    assert said_of("x86_64", X86_64, 0x40000000) == UNKNOWN
