"""All ways to a session's stream and certificate, and what is wrong where there is none.

Loaded where `quick.py` is not enough, and by what has time.
"""

import os
import socket
from typing import TYPE_CHECKING

from sshore.cli.connecting.quick import Reached, keep_authority
from sshore.cli.failures import suggesting
from sshore.cli.local_user import LocalUser
from sshore.core.errors import SshoreError
from sshore.core.names import FOLDER_PREFIX
from sshore.sdk.blocking_stream import open_answered, open_stream
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.errors import ApiError, foreign_answer
from sshore.sdk.locale_words import locale_words
from sshore.sdk.login_certificate import ForeignAnswer, LoginCertificate, public_key_line, read_login_certificate
from sshore.sdk.stream_head import StreamTarget
from sshore.wire.problems import Code

if TYPE_CHECKING:
    from sshore.sdk.client import Client


def reach(user: LocalUser, ref: str, *, launch: bool = False) -> Reached:
    """As `quick.reach_quickly`; with `launch` SSH is launched first where it is not yet.

    Raises:
        SshoreError: it cannot be reached; says what to do.
    """
    from sshore.cli.connecting.client_key import client_public_key  # a stream alone needs none

    login = user.login()
    key = client_public_key(user.config)
    target = StreamTarget(login.address, login.token, ref, public_key=key, locale=locale_words(os.environ))
    try:
        stream, first, fields = _opened(user, target, launch=launch)
    except ApiError as error:
        raise _explained(user, target, error) from error
    try:
        certificate = read_login_certificate(fields)
    except ForeignAnswer as error:
        stream.close()
        raise foreign_answer(login.address.url, error) from error
    return certified(user, Reached(str(user.config.root), login.address.url, stream, first, certificate), ref)


def certified(user: LocalUser, reached: Reached, ref: str) -> Reached:
    """The same, with a certificate: from an older server, by one more request. Raises SshoreError as `reach` does."""
    if reached.login is None:
        try:
            reached.login = certificate_by_itself(user, ref)
        except BaseException:
            reached.stream.close()
            raise
    return reached


def open_session_stream(user: LocalUser, ref: str, app: str) -> tuple[socket.socket, bytes]:
    """Open a stream; a refusal says what to do about it."""
    login = user.login()
    target = StreamTarget(login.address, login.token, ref, app, locale=locale_words(os.environ))
    try:
        return open_stream(target)
    except ApiError as error:
        raise _explained(user, target, error) from error


def certificate_by_itself(user: LocalUser, ref: str, *, launch: bool = False) -> LoginCertificate:
    """A certificate by requests of its own: where the server is older, or `ssh` wants it before the stream.

    Raises:
        SshoreError: there is none; says what to do.
    """
    from sshore.cli.connecting.client_key import client_public_key

    with user.client() as client, suggesting(client, ref):
        if launch:
            client.ensure_app(ref, "ssh")
        made = client.certificate(ref, client_public_key(user.config))
        host_ca = client.trust().host_ca
    try:
        host_keys = [made.host_key, *made.further_host_keys]
        return LoginCertificate(made.session_id, made.name, made.certificate, host_ca, host_keys)
    except ForeignAnswer as error:
        raise foreign_answer(user.login().address.url, error) from error


def trust(config: ConfigDir, client: "Client") -> None:
    """Keep the server's host CA in the managed known_hosts. Raises SshoreError where it gives none."""
    url = client.login.address.url
    try:
        keep_authority(str(config.root), url, public_key_line(client.trust().host_ca))
    except ForeignAnswer as error:
        raise foreign_answer(url, error) from error


def _opened(user: LocalUser, target: StreamTarget, *, launch: bool) -> tuple[socket.socket, bytes, dict[str, str]]:
    try:
        return open_answered(target)
    except ApiError as error:
        if not launch or error.problem.code is not Code.APP_NOT_LAUNCHED:
            raise
    with user.client() as client:
        client.ensure_app(target.session, target.app)
    return open_answered(target)


def _explained(user: LocalUser, target: StreamTarget, error: ApiError) -> SshoreError:
    ref = target.session
    if error.problem.code is Code.NOT_FOUND and not ref.startswith(FOLDER_PREFIX):
        try:
            with user.client() as client, suggesting(client, ref):
                raise error
        except SshoreError as suggested:
            return suggested
    if error.problem.code is Code.APP_NOT_LAUNCHED and "sshore" not in error.detail:
        detail = f"{error.detail.rstrip('.')}; launch it with: sshore app start {ref} {target.app}"
        return SshoreError(detail, code=Code.APP_NOT_LAUNCHED)
    return error
