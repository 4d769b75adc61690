"""Which system calls a sandbox may make: those that Docker's default profile allows a container without capabilities.

A filter of seccomp(2), in the kernel's classic BPF, which bwrap sets before the agent begins (``--seccomp``). It
refuses what makes namespaces and mounts, loads or traces the kernel, reads its keyrings, and what came after `_NEWEST`;
gdb, strace and whatever else works on a session's own processes is allowed.
"""

import errno
import platform
import struct
from contextlib import ExitStack
from functools import cache

from sshore.engines.sandbox.descriptors import closing, memory_file

_NEWEST = 466
"""removexattrat(2), of Linux 6.13; from 424 on the numbers are the same on every architecture."""

_X86_64, _AARCH64, _I386 = 0xC000003E, 0xC00000B7, 0x40000003
"""AUDIT_ARCH_* of linux/audit.h."""
_MACHINES = {"x86_64": (_X86_64, _I386), "aarch64": (_AARCH64,)}

_REFUSED = {
    # name: numbers on x86-64, aarch64, i386
    "acct": (163, 89, 51),
    "add_key": (248, 217, 286),
    "bpf": (321, 280, 357),
    "chroot": (161, 51, 61),
    "clock_adjtime": (305, 266, 343),
    "clock_settime": (227, 112, 264),
    "clock_settime64": (None, None, 404),
    "create_module": (174, None, 127),
    "delete_module": (176, 106, 129),
    "fanotify_init": (300, 262, 338),
    "finit_module": (313, 273, 350),
    "fsconfig": (431, 431, 431),
    "fsmount": (432, 432, 432),
    "fsopen": (430, 430, 430),
    "fspick": (433, 433, 433),
    "get_kernel_syms": (177, None, 130),
    "get_mempolicy": (239, 236, 275),
    "init_module": (175, 105, 128),
    "io_uring_enter": (426, 426, 426),
    "io_uring_register": (427, 427, 427),
    "io_uring_setup": (425, 425, 425),
    "ioperm": (173, None, 101),
    "iopl": (172, None, 110),
    "kcmp": (312, 272, 349),
    "kexec_file_load": (320, 294, None),
    "kexec_load": (246, 104, 283),
    "keyctl": (250, 219, 288),
    "lookup_dcookie": (212, 18, 253),
    "mbind": (237, 235, 274),
    "migrate_pages": (256, 238, 294),
    "mount": (165, 40, 21),
    "mount_setattr": (442, 442, 442),
    "move_mount": (429, 429, 429),
    "move_pages": (279, 239, 317),
    "nfsservctl": (180, 42, 169),
    "open_by_handle_at": (304, 265, 342),
    "open_tree": (428, 428, 428),
    "perf_event_open": (298, 241, 336),
    "pidfd_getfd": (438, 438, 438),
    "pivot_root": (155, 41, 217),
    "query_module": (178, None, 167),
    "quotactl": (179, 60, 131),
    "quotactl_fd": (443, 443, 443),
    "reboot": (169, 142, 88),
    "request_key": (249, 218, 287),
    "set_mempolicy": (238, 237, 276),
    "set_mempolicy_home_node": (450, 450, 450),
    "setdomainname": (171, 162, 121),
    "sethostname": (170, 161, 74),
    "setns": (308, 268, 346),
    "settimeofday": (164, 170, 79),
    "stime": (None, None, 25),
    "swapoff": (168, 225, 115),
    "swapon": (167, 224, 87),
    "sysfs": (139, None, 135),
    "syslog": (103, 116, 103),
    "umount": (None, None, 22),
    "umount2": (166, 39, 52),
    "unshare": (272, 97, 310),
    "uselib": (134, None, 86),
    "userfaultfd": (323, 282, 374),
    "ustat": (136, None, 62),
    "vhangup": (153, 58, 111),
    "vm86": (None, None, 166),
    "vm86old": (None, None, 113),
    "_sysctl": (156, None, 149),
}
_CLONE, _CLONE3, _PERSONALITY, _SOCKET = (56, 220, 120), 435, (135, 92, 136), (41, 198, 359)
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEW* of clone(2)."""
_PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0x40000, 0xFFFFFFFF)
"""Linux, and what `setarch` makes of it (personality(2)). The last only asks; the one before, which Docker refuses, is
for gdb: addresses that are the same in each run."""
_AF_VSOCK = 40
"""To the hypervisor, past every network (vsock(7))."""
_SOCKETCALL, _SYS_SOCKET = 102, 1
"""i386's other way to make a socket (socketcall(2)): its family is behind a pointer, which no filter can follow."""

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in struct seccomp_data; of an argument its lower half, on a little-endian machine."""
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_UNKNOWN = 0x00050000 | errno.ENOSYS
_Instruction = tuple[int, int, int, int]


def filter_file(stack: ExitStack) -> int | None:
    """A descriptor for bwrap's ``--seccomp``, which is closed with the stack; None where there is no filter."""
    program = system_call_filter()
    return None if program is None else closing(stack, memory_file("system calls", program))


@cache
def system_call_filter(machine: str = platform.machine()) -> bytes | None:
    """The program for this machine, as an array of struct sock_filter; None where its system calls are not known."""
    architectures = _MACHINES.get(machine)
    if architectures is None:
        return None
    program: list[_Instruction] = []
    for architecture in architectures:
        part = _part(architecture)
        # A jump leads over 255 instructions at most; this one over as many as there are.
        program += [(_LOAD, 0, 0, _ARCHITECTURE), (_JUMP_EQUAL, 1, 0, architecture), (0x05, 0, 0, len(part)), *part]
    program.append((_RETURN, 0, 0, _UNKNOWN))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _part(architecture: int) -> list[_Instruction]:
    column = {_X86_64: 0, _AARCH64: 1, _I386: 2}[architecture]
    part: list[_Instruction] = [(_LOAD, 0, 0, _NUMBER), (_JUMP_GREATER, 0, 1, _NEWEST), (_RETURN, 0, 0, _UNKNOWN)]
    for numbers in _REFUSED.values():
        if (number := numbers[column]) is not None:
            part += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    # Its flags are behind a pointer, which no filter can follow: libc goes on to clone(2).
    part += [(_JUMP_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _UNKNOWN)]
    part += _where(_CLONE[column], [(_JUMP_SET, 0, 1, _NEW_NAMESPACES), (_RETURN, 0, 0, _REFUSE)])
    part += _where(_SOCKET[column], [(_JUMP_EQUAL, 0, 1, _AF_VSOCK), (_RETURN, 0, 0, _REFUSE)])
    if architecture == _I386:
        part += _where(_SOCKETCALL, [(_JUMP_EQUAL, 0, 1, _SYS_SOCKET), (_RETURN, 0, 0, _REFUSE)])
    allowed = [
        instruction for value in _PERSONALITIES for instruction in ((_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW))
    ]
    part += _where(_PERSONALITY[column], [*allowed, (_RETURN, 0, 0, _REFUSE)])
    return [*part, (_RETURN, 0, 0, _ALLOW)]


def _where(number: int, checks: list[_Instruction]) -> list[_Instruction]:
    """Check the first argument of one system call."""
    inside = [(_LOAD, 0, 0, _FIRST_ARGUMENT), *checks, (_RETURN, 0, 0, _ALLOW)]
    return [(_JUMP_EQUAL, 0, len(inside), number), *inside]
