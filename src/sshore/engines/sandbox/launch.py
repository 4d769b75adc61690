"""The start of one session, step by step; undone when a step fails. Blocking, a few milliseconds in all.

1. the record is written, so that whatever happens next is known
2. bwrap starts, says pid 1's number, builds the session's view of files, and waits
3. its network comes up meanwhile, by a program that is started as soon as pid 1 is there, which is put into the limits
4. pid 1 is let go and becomes the agent
"""

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sshore.core import layout
from sshore.core.choices import Network
from sshore.core.errors import EngineFailed
from sshore.core.logins import LoginShell, login_shell
from sshore.core.sessions import BindMount, SessionSpec
from sshore.engines.mounting.mount_points import make_mount_points
from sshore.engines.mounting.sources import check_mounted
from sshore.engines.sandbox import cgroups, etc
from sshore.engines.sandbox.asked import lowering, raise_ulimits
from sshore.engines.sandbox.binary import run_as
from sshore.engines.sandbox.bounds import Rooms
from sshore.engines.sandbox.bwrap import Descriptors, bwrap_arguments
from sshore.engines.sandbox.cgroups import Cgroups
from sshore.engines.sandbox.descriptors import (
    arguments_file,
    closing,
    memory_file,
    own_pipe,
    read_json,
    wait_until_read,
)
from sshore.engines.sandbox.ending import forget
from sshore.engines.sandbox.gpus import groups_of
from sshore.engines.sandbox.idmap import map_mounts
from sshore.engines.sandbox.keyring import leave_session_keyring
from sshore.engines.sandbox.logs import Logs
from sshore.engines.sandbox.nat.network import Coming, lifeline, start_network
from sshore.engines.sandbox.own_mounts import with_own_mounts
from sshore.engines.sandbox.processes import Process, identify, open_pidfd
from sshore.engines.sandbox.records import Record, Records
from sshore.engines.sandbox.system_calls import filter_file
from sshore.engines.sandbox.view import HostView, find_shell, look_at_host, read_text

_SETUP_TIMEOUT_S = 30.0
_LAST_FILE = "hostname"
_COMPLAINT_BYTES = 500
_CHECKED_TIMEOUT_S = 1.0
_CHECKED_POLL_S = 0.002


@dataclass(frozen=True, slots=True)
class Launch:
    """One start: what is started, and with what. `record` is the session's new one, not yet written."""

    spec: SessionSpec
    record: Record
    bwrap: Path
    gpu_nodes: tuple[str, ...]
    records: Records
    logs: Logs
    limits: Cgroups
    stage: Path
    """A directory that every owner's uid can pass through, to mount folders on the way to a session."""
    open_files: int
    """The session's soft limit on open files, which the server has raised for itself."""
    room: Rooms
    filtered: bool
    """Whether it may make but some system calls."""

    def run(self) -> Record:
        """Start the session; return its record when the agent was let go.

        Raises:
            EngineFailed: a step failed; nothing is left but the log.
        """
        try:
            return self._run()
        except BaseException as error:
            forget(self.records, self.logs, self.spec.id)
            if isinstance(error, OSError):
                raise EngineFailed(f"the session {self.spec.name} did not start: {error}") from error
            raise

    def _run(self) -> Record:
        self.records.status_path(self.spec.id).unlink(missing_ok=True)
        self.records.write(self.record)
        leave_session_keyring()
        with ExitStack() as stack:
            log = closing(stack, self.logs.open(self.spec.id))
            latch = closing(stack, own_pipe())
            agent_end, network_end = lifeline()
            stack.enter_context(agent_end)
            stack.enter_context(network_end)
            monitor, agent, network = self._make_sandbox(
                log, latch, agent_end, partial(self._start_network, network_end, stack)
            )
            record = self._record(monitor, agent, network)
            raise_ulimits(agent, self.spec.resources.ulimits)
            if network:
                network.wait()
            record = replace(record, started=True)
            os.write(latch, b"1")
            self.records.write(record)
        return record

    def _record(self, monitor: Process, agent: Process, network: Coming | None) -> Record:
        return replace(self.record, monitor=monitor, agent=agent, network=network.process if network else None)

    def _start_network(self, network_end: socket.socket, stack: ExitStack, agent: Process) -> Coming | None:
        if self.spec.network is not Network.NAT:
            return None
        network_log = closing(stack, self.logs.open_network(self.spec.id))
        return start_network(agent.pid, network_end, network_log, self.spec.host_uid, stack)

    def _make_sandbox(
        self, log: int, latch: int, agent_end: socket.socket, start_network: Callable[[Process], Coming | None]
    ) -> tuple[Process, Process, Coming | None]:
        """bwrap outside, pid 1 inside, which waits at the latch with everything mounted, and its network if any."""
        host = look_at_host()
        shell = login_shell(self.spec, find_shell(host, self.spec), host.shell)
        host = replace(host, shell=shell.shell)
        with self._naming_the_session():
            make_mount_points(self.spec.home, self.spec.mounts, self.spec.host_uid)
        deadline = time.monotonic() + _SETUP_TIMEOUT_S
        with ExitStack() as stack:
            log_start = self.logs.size(self.spec.id)
            info = closing(stack, own_pipe())
            last_file, bwraps_end = socket.socketpair()
            stack.enter_context(last_file)
            with ExitStack() as handed_over:
                handed_over.enter_context(bwraps_end)
                # No longer ours once pid 1 has it: the last one who has it keeps the network up.
                handed_over.enter_context(agent_end)
                descriptors = Descriptors(
                    info=info,
                    status=closing(handed_over, self._status_file()),
                    block=latch,
                    sync=agent_end.fileno(),
                    filter=filter_file(handed_over) if self.filtered else None,
                    etc=self._etc_files(shell, last_file, bwraps_end, handed_over),
                )
                monitor = self._with_mapped_mounts(lambda spec: self._spawn(spec, host, descriptors, log))
            agent = _agent(info, monitor, deadline)
            network = self._noted(monitor, agent, start_network) if agent else None
            if agent is None or not wait_until_read(last_file, deadline):
                raise EngineFailed(self._complaint(monitor, log_start))
            with self._naming_the_session():
                _wait_mounted(agent.pid, self.spec.mounts)
            return monitor, agent, network

    def _noted(
        self, monitor: Process, agent: Process, start_network: Callable[[Process], Coming | None]
    ) -> Coming | None:
        """Start the network, and put pid 1 into the limits: the kernel takes milliseconds for that, in which bwrap and
        the network go on. What has been made so far is noted before and after."""
        self.records.write(self._record(monitor, agent, None))
        network = None
        try:
            network = start_network(agent)
            self.limits.make(self.record.cgroups, self.spec.resources)
            cgroups.attach(self.record.cgroups, agent.pid)
        except OSError:
            if agent.alive:
                raise
            # Why bwrap has ended, it says itself.
        self.records.write(self._record(monitor, agent, network))
        return network

    @contextmanager
    def _naming_the_session(self) -> Iterator[None]:
        try:
            yield
        except EngineFailed as error:
            raise EngineFailed(f"the session {self.spec.name} did not start: {error.problem.detail}") from error

    def _status_file(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return os.open(self.records.status_path(self.spec.id), flags, 0o600)

    def _etc_files(
        self, shell: LoginShell, last_file: socket.socket, bwraps_end: socket.socket, handed_over: ExitStack
    ) -> dict[str, int]:
        """A descriptor for each file of /etc that is made. The last, which bwrap reads after everything else is
        mounted, is a socket: see `wait_until_read`."""
        files = etc.etc_files(
            self.spec.name,
            self.spec.network,
            shell,
            host_hosts=read_text("/etc/hosts"),
            host_resolv=read_text("/etc/resolv.conf"),
            host_profile=read_text("/etc/profile"),
        )
        last_file.sendall(files.pop(_LAST_FILE).encode())
        last_file.shutdown(socket.SHUT_WR)
        descriptors = {name: closing(handed_over, memory_file(name, contents)) for name, contents in files.items()}
        return {**descriptors, _LAST_FILE: bwraps_end.fileno()}

    def _with_mapped_mounts(self, spawn: Callable[[SessionSpec], Process]) -> Process:
        """Start bwrap where shared folders are mounted so that they are the session's own; see idmap.py."""
        host_uid = self.spec.host_uid
        if host_uid is None or not any(mount.disk_uid for mount in self.spec.mounts):
            return spawn(self.spec)
        return with_own_mounts(
            lambda libc: spawn(replace(self.spec, mounts=map_mounts(libc, self.spec.mounts, host_uid, self.stage)))
        )

    def _spawn(self, spec: SessionSpec, host: HostView, descriptors: Descriptors, log: int) -> Process:
        identity = run_as(self.spec.host_uid)
        if identity and self.gpu_nodes:
            identity["extra_groups"] = groups_of(self.gpu_nodes)
        first = (*_with_open_files(self.open_files), *lowering(spec.resources.ulimits))
        arguments = arguments_file(bwrap_arguments(spec, host, descriptors, self.room, self.gpu_nodes))
        try:
            monitor = subprocess.Popen(
                [*first, self.bwrap, "--args", str(arguments), "--", *layout.AGENT_COMMAND],
                **identity,
                pass_fds=(*descriptors.all, arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={layout.ID_VARIABLE: spec.id},  # which tells its processes from others
                cwd="/",
                umask=0o022,
                # A Ctrl-C at the server's terminal is none of the session's business.
                start_new_session=True,
            )
        finally:
            os.close(arguments)
        # From here on it is watched by its pidfd; Popen must not warn that it goes on.
        monitor.returncode = 0
        return identify(monitor.pid)

    def _complaint(self, monitor: Process, log_start: int) -> str:
        os.kill(monitor.pid, signal.SIGKILL)
        os.waitpid(monitor.pid, 0)
        said = self.logs.tail(self.spec.id, _COMPLAINT_BYTES, log_start).decode(errors="replace").strip()
        return f"the session {self.spec.name} did not start: {said or 'bwrap fell silent'}"


def _wait_mounted(agent_pid: int, mounts: Sequence[BindMount]) -> None:
    """See `check_mounted`. bwrap goes on meanwhile and changes roots: for moments not all is to be read."""
    deadline = time.monotonic() + _CHECKED_TIMEOUT_S
    while True:
        try:
            return check_mounted(agent_pid, mounts)
        except EngineFailed:
            if time.monotonic() > deadline:
                raise
        time.sleep(_CHECKED_POLL_S)


def _agent(info: int, monitor: Process, deadline: float) -> Process | None:
    """Pid 1, as soon as bwrap has made it; None when bwrap ends first."""
    pidfd = open_pidfd(monitor)
    if pidfd is None:
        return None
    try:
        told = read_json(info, pidfd, deadline)
        return identify(told["child-pid"]) if told else None
    except ProcessLookupError:
        return None
    finally:
        os.close(pidfd)


def _with_open_files(limit: int) -> list[str]:
    """Words before a command that set its soft limit; the shell's, because a forked child of a program with threads can
    run no Python in safety, and prlimit(2) of another uid's process is not for every server in a container."""
    if limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
        return []
    value = "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
    return ["/bin/sh", "-c", 'ulimit -S -n "$0" && exec "$@"', value]
