"""What stands between a user and a session, examined in the order in which a connection needs it.

config directory ─▶ OpenSSH ─▶ login ─▶ name ─▶ connection ─▶ TLS ─▶ server ─▶ token ─▶ local proxy
                                                       and for a session: state ─▶ app ─▶ stream
"""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from sshore.cli.connecting.openssh import require
from sshore.cli.failures import describe_os_error, suggesting
from sshore.cli.installing.openssh import why_not_run
from sshore.cli.local_user import LocalUser
from sshore.cli.output import count
from sshore.core.apps import SSH
from sshore.core.errors import SshoreError, Unavailable
from sshore.core.states import SessionState
from sshore.proxy.client import NotRunning, connect
from sshore.proxy.health import Health, report_of_session
from sshore.sdk.blocking_stream import open_stream
from sshore.sdk.client import Client
from sshore.sdk.errors import ServerUnreachable, explain
from sshore.sdk.private_files import write_private
from sshore.sdk.stream_head import StreamTarget

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A step: what was found, or what is wrong and what to do, and the error that says it."""

    step: str
    ok: bool
    detail: str
    error: SshoreError | None = None


def examine(user: LocalUser, session: str = "") -> Iterator[Finding]:
    """Examine step by step; ends with the first that fails, because the rest could not succeed."""
    steps: list[tuple[str, Callable[[], str]]] = [
        ("config directory", lambda: _config(user)),
        ("OpenSSH", lambda: _openssh(user)),
        ("login", lambda: user.login().address.url),
        ("name", lambda: _name(user)),
        ("connection", lambda: _connection(user)),
        ("server", lambda: _server(user)),
        ("token", lambda: _token(user)),
        ("local proxy", lambda: _local_proxy(user)),
    ]
    if session:
        steps += [("session", lambda: _session(user, session)), ("stream", lambda: _stream(user, session))]
    for step, check in steps:
        try:
            yield Finding(step, True, check())
        except SshoreError as error:
            yield Finding(step, False, error.problem.detail, error)
            return
        except OSError as error:
            detail = describe_os_error(error) if error.filename is not None else explain(error)
            yield Finding(step, False, detail, Unavailable(detail))
            return


def may_serve_here(user: LocalUser) -> bool:
    """Whether the user's server is on this machine, or there is none yet."""
    try:
        return user.login().address.is_loopback
    except SshoreError:
        return True


def _config(user: LocalUser) -> str:
    probe = user.config.root / ".doctor"
    write_private(probe, "")
    probe.unlink()
    return str(user.config.root)


def _openssh(user: LocalUser) -> str:
    for program in ("ssh", "sftp", "scp", "ssh-keygen"):
        require(program)
    done = subprocess.run(["ssh", "-V"], check=False, capture_output=True, text=True, errors="replace")
    if said := why_not_run(user.config):
        raise SshoreError(
            f"ssh NAME.sshore cannot run Sshore, which has moved ({said}): sshore config-ssh sets it right"
        )
    return f"{done.stderr.strip()} ({shutil.which('ssh')})"


def _name(user: LocalUser) -> str:
    address = user.login().address
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServerUnreachable(address, error) from error
    return f"{address.host} is {', '.join(dict.fromkeys(str(info[4][0]) for info in found))}"


def _connection(user: LocalUser) -> str:
    address = user.login().address
    began = time.monotonic()
    try:
        with socket.create_connection((address.host, address.port), _TIMEOUT_S) as plain:
            reached = f"port {address.port} answers in {(time.monotonic() - began) * 1000:.0f} ms"
            if not address.is_tls:
                return reached
            with ssl.create_default_context().wrap_socket(plain, server_hostname=address.host) as secure:
                return f"{reached}, {secure.version()}, certificate verified"
    except OSError as error:
        raise ServerUnreachable(address, error) from error


def _server(user: LocalUser) -> str:
    with _client(user) as client:
        version = client.version()
    return f"Sshore {version.version}, engines: {', '.join(version.engines)}"


def _token(user: LocalUser) -> str:
    with _client(user) as client:
        me = client.me()
    return f"you are {me.name} ({me.role})"


def _local_proxy(user: LocalUser) -> str:
    try:
        with closing(connect(user.config)) as local:
            forwards = local.forwards()
    except NotRunning:
        return "does not run; sshore connect starts it"
    sick = [f"{f.session} at port {f.port}: {f.detail}" for f in forwards if f.health != Health.OK]
    return f"runs, {count(len(forwards), 'forward')}" + "".join(f"; {line}" for line in sick)


def _session(user: LocalUser, ref: str) -> str:
    with _client(user) as client, suggesting(client, ref):
        session = client.session(ref)
    report = report_of_session(session, SSH)
    if report.health is not Health.OK:
        raise SshoreError(report.detail)
    assert session.state is SessionState.RUNNING
    return "; ".join([f"{session.name} runs, its agent is in touch, SSH / SFTP is launched", *session.notes])


def _stream(user: LocalUser, ref: str) -> str:
    login = user.login()
    began = time.monotonic()
    stream, banner = open_stream(StreamTarget(login.address, login.token, ref), _TIMEOUT_S)
    with stream:
        stream.settimeout(_TIMEOUT_S)
        while b"\n" not in banner:
            data = stream.recv(256)
            if not data:
                raise Unavailable(f"the SSH daemon closed the connection; see: sshore logs {ref}")
            banner += data
    return f"{banner.split()[0].decode(errors='replace')} after {(time.monotonic() - began) * 1000:.0f} ms"


def _client(user: LocalUser) -> Client:
    return user.client(_TIMEOUT_S)
