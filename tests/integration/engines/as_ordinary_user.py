"""Runs a function as an ordinary user, in a process of its own, when the tests run as root.

Forked rather than started anew, because the interpreter may lie where that user cannot reach it.
"""

import asyncio
import ctypes
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import thread  # noqa: F401  # imported now, since the user may not reach it later
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401  # likewise

_CLONE = Path(__file__).parents[3]
_MOUNT = str(shutil.which("mount"))
"""Tests set a PATH of their own."""
_CLONE_NEWNS = 0x00020000
"""unshare(2); `os.unshare` is Python 3.12's."""


def run_as_user(uid: int, function: Callable[[], None], before: Callable[[], None] = lambda: None) -> None:
    """Call a function as `uid`, after another that is still root's; an exception there is a failed assertion here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(uid, before, function, writer)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        report = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, report or f"wait status {status}"


def _child(uid: int, before: Callable[[], None], function: Callable[[], None], writer: int) -> None:
    status = 1
    try:
        before()
        _open_the_way_to(_CLONE)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        # Programs of ours are run by one that this user can reach.
        sys.executable = "/usr/bin/python3"
        # The parent's loop, if any, is the parent's.
        asyncio.set_event_loop(None)
        function()
        status = 0
    except BaseException:
        os.write(writer, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _open_the_way_to(directory: Path) -> None:
    """Where the way leads through a directory that is closed to others, such as root's home: show this process, and
    what it starts, that one with nothing in it but what is wanted."""
    closed = next((parent for parent in reversed(directory.parents) if not parent.stat().st_mode & 0o001), None)
    if closed is None:
        return
    assert ctypes.CDLL(None).unshare(_CLONE_NEWNS) == 0, "no mount namespace"
    wanted = os.open(directory, os.O_PATH)
    subprocess.run([_MOUNT, "--make-rslave", "/"], check=True)
    subprocess.run([_MOUNT, "-t", "tmpfs", "-o", "mode=755", "tmpfs", closed], check=True)
    directory.mkdir(parents=True)
    bind = [_MOUNT, "--no-canonicalize", "--bind", f"/proc/self/fd/{wanted}", directory]
    subprocess.run(bind, check=True, pass_fds=[wanted])
    os.close(wanted)
