"""`SandboxFolders`: the port `core.ports.FolderServer` on bubblewrap. A program for each stream, gone with it."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from anyio import CancelScope

from sshore.core import layout
from sshore.core.errors import EngineFailed, Unavailable
from sshore.core.folders import FolderApp, FolderView
from sshore.core.ids import UserId
from sshore.core.sessions import BindMount
from sshore.engines.mounting.sources import check_sources
from sshore.engines.sandbox.binary import find_bwrap, run_as
from sshore.engines.sandbox.descriptors import arguments_file, closing, full_file, memory_file, speaks, wait_until_read
from sshore.engines.sandbox.folder_view import (
    folder_arguments,
    folder_command,
    force_command,
    needs_shell,
    shell,
)
from sshore.engines.sandbox.idmap import why_not
from sshore.engines.sandbox.keyring import leave_session_keyring
from sshore.engines.sandbox.processes import Process, ended, identify, reap, send
from sshore.engines.sandbox.system_calls import filter_file
from sshore.engines.sandbox.view import look_at_host

log = logging.getLogger("sshore.folders")

MAX_OPEN = 20
"""Streams to folders that one user may have open; file managers open up to ten."""
_THREADS = 4
_SETUP_TIMEOUT_S = 20.0
_COMPLAINT_BYTES = 2000
_ETC = {
    "/etc/passwd": f"{layout.ACCOUNT}:x:{layout.ACCOUNT_ID}:{layout.ACCOUNT_ID}:{layout.ACCOUNT}:{{home}}:{{shell}}\n",
    "/etc/group": f"{layout.ACCOUNT}:x:{layout.ACCOUNT_ID}:\n",
}


class FolderProgram:
    """A running program; implements `core.ports.FolderProcess`."""

    def __init__(self, sock: socket.socket, process: Process, server: "SandboxFolders", user_id: UserId) -> None:
        self.socket = sock
        self._process = process
        self._server = server
        self._user_id = user_id

    async def aclose(self) -> None:
        """Kill it, if it has not ended with its stream."""
        with CancelScope(shield=True):
            self.socket.close()
            send(self._process, signal.SIGKILL)
            await ended(self._process)
            reap(self._process)
            self._server.release(self._user_id)


class SandboxFolders:
    """Confined programs by bubblewrap; they end with the server, too."""

    def __init__(self, state_dir: Path) -> None:
        self._stage = state_dir / "sandbox" / "bwrap"
        # Kept until the end: a thread's end would be the end of what it has started (PR_SET_PDEATHSIG, prctl(2)).
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="folders")
        self._open: Counter[UserId] = Counter()
        self._bwrap: Path | None = None

    async def open(self, view: FolderView, app: FolderApp) -> FolderProgram:
        """See `core.ports.FolderServer`."""
        self._take(view.user_id)
        future = asyncio.get_running_loop().run_in_executor(self._threads, partial(self._start, view, app))
        try:
            sock, process = await asyncio.shield(future)
        except BaseException:
            future.add_done_callback(_discard)
            self.release(view.user_id)
            raise
        return FolderProgram(sock, process, self, view.user_id)

    async def cannot_map(self, source: Path) -> str:
        """See `core.ports.FolderServer`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, why_not, source)

    async def aclose(self) -> None:
        """Call it when all programs are closed."""
        self._threads.shutdown()

    def release(self, user_id: UserId) -> None:
        self._open[user_id] -= 1
        if not self._open[user_id]:
            del self._open[user_id]

    def _take(self, user_id: UserId) -> None:
        if self._open[user_id] >= MAX_OPEN:
            raise Unavailable(f"you have {MAX_OPEN} connections to folders open: close some of them")
        self._open[user_id] += 1

    def _start(self, view: FolderView, app: FolderApp) -> tuple[socket.socket, Process]:
        try:
            return self._start_program(view, app)
        except (OSError, _Silent) as error:
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            log.warning("a folder cannot be opened", extra={"folder": view.name, "app": app, "reason": reason})
            raise EngineFailed(f"the folder {view.name!r} cannot be opened: {reason}") from error

    def _start_program(self, view: FolderView, app: FolderApp) -> tuple[socket.socket, Process]:
        if self._bwrap is None:
            self._bwrap = find_bwrap(self._stage, view.host_uid, with_proc=False)
        leave_session_keyring()
        check_sources([BindMount(view.source, view.target, offered=view.offered)])
        with ExitStack() as stack:
            near, far = socket.socketpair()
            complaints = closing(stack, full_file("stderr", _COMPLAINT_BYTES))
            last_file, bwraps_end = (stack.enter_context(end) for end in socket.socketpair())
            host = look_at_host() if needs_shell(view, app) else None
            with ExitStack() as handed_over:
                handed_over.enter_context(bwraps_end)
                handed_over.enter_context(far)
                descriptors = _files(view, app, handed_over) | {"/etc/hostname": bwraps_end.fileno()}
                last_file.sendall(b"folder\n")
                last_file.shutdown(socket.SHUT_WR)
                calls = filter_file(handed_over)
                arguments = closing(handed_over, arguments_file(folder_arguments(view, app, descriptors, calls, host)))
                program = subprocess.Popen(
                    [str(self._bwrap), "--args", str(arguments), "--", *folder_command(view, app)],
                    **run_as(view.host_uid),
                    pass_fds=(*descriptors.values(), arguments, *(() if calls is None else (calls,))),
                    stdin=far.fileno(),
                    stdout=far.fileno(),
                    stderr=complaints,
                    env={},
                    cwd="/",
                    umask=0o022,
                    start_new_session=True,
                )
            deadline = time.monotonic() + _SETUP_TIMEOUT_S
            begun = wait_until_read(last_file, deadline) and (app is not FolderApp.SSH or speaks(near, deadline))
            if not begun:
                near.close()
                program.kill()
                program.wait()
                raise _Silent(_said(complaints))
            near.settimeout(None)
            process = identify(program.pid)
            program.returncode = 0  # watched by its pidfd; Popen must not warn that it goes on
            return near, process


def _files(view: FolderView, app: FolderApp, stack: ExitStack) -> dict[str, int]:
    contents = {path: text.format(home=view.target, shell=shell(view, app)) for path, text in _ETC.items()}
    contents |= {f"{layout.RUN}/{name}": text for name, text in view.run_files.items()}
    if layout.SSHD_CONFIG in contents:
        contents[layout.SSHD_CONFIG] += force_command(view)
    return {path: closing(stack, memory_file(Path(path).name, text)) for path, text in contents.items()}


class _Silent(Exception):
    """The program ended, or took too long, before it could serve; the message is what it said."""


def _said(complaints: int) -> str:
    lines = os.pread(complaints, _COMPLAINT_BYTES, 0).rstrip(b"\0").decode(errors="replace").splitlines()
    return "; ".join(line.strip() for line in lines if line.strip()) or "its program ended without a word"


def _discard(future: asyncio.Future[tuple[socket.socket, Process]]) -> None:
    """A program that nobody waits for any more ends when its socket does."""
    if not future.cancelled() and future.exception() is None:
        sock, process = future.result()
        sock.close()
        send(process, signal.SIGKILL)
        os.waitpid(process.pid, 0)
