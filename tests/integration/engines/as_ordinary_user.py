"""Runs a function as an ordinary user, in a process of its own, when the tests run as root.

Forked rather than started anew, because the interpreter may lie where that user cannot reach it.
"""

import asyncio
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import thread  # noqa: F401  # imported now, since the user may not reach it later

import anyio._backends._asyncio  # noqa: F401  # likewise


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
