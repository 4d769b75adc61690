"""The usual connection, as quick as Python can be: stream and certificate by one request.

`ssh` waits for this in every connection, and the interpreter's imports take longer than the server's answer: no
dataclass, no typing, no pathlib, no ssl here, nor in what is imported; and neither `json`, `re`, `contextlib` nor
`collections`, nor `socket`, which is made of enums: `_socket` is what is below it. What is not usual (TLS, a refusal,
no client key yet) is `Unusual`: the caller begins anew by `ordinary.py`, which knows all ways and says what is wrong.

What is needed only with the answer is loaded while the server makes it.
"""

import _socket
import os
import sys

from sshore import __version__
from sshore.sdk import places
from sshore.sdk.locale_words import locale_words
from sshore.sdk.lookup import for_lookup
from sshore.wire.upgrades import HeadError, split_fields, split_head, stream_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sshore.sdk.login_certificate import LoginCertificate

_TIMEOUT_S = 30.0
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")


class Unusual(Exception):
    """It is to be tried in the ordinary way."""


class Reached:
    """A session's stream and its first bytes; `login` is absent where the server is older, and certifies only when it
    is asked by itself. `config` is the config directory."""

    __slots__ = ("config", "first", "login", "server", "stream")

    def __init__(
        self, config: str, server: str, stream: _socket.socket, first: bytes, login: "LoginCertificate | None"
    ) -> None:
        self.config, self.server = config, server
        self.stream, self.first, self.login = stream, first, login


def reach_quickly(environment: "Mapping[str, str]", ref: str, meanwhile: "Callable[[], object]") -> Reached:
    """Open a stream to a session's SSH, and bring a certificate for the client key; what is called `meanwhile` loads
    what the caller needs next.

    Raises:
        Unusual: it takes more than that.
    """
    config = usual_config_dir(environment)
    if _may_be_others(config):
        raise Unusual
    server, token = _login(config, environment)
    scheme, _, authority = server.partition("://")
    host, _, port = authority.partition(":")
    if scheme != "http" or not _HOST.issuperset(host) or not port.isdecimal():
        raise Unusual
    try:
        public_key = _read(f"{config}/{places.CLIENT_KEY}.pub").decode("ascii").strip()
        agent = f"sshore/{__version__} ({_socket.gethostname().encode('ascii', 'replace').decode()})"
        told = f"{host}:{port}", ref, "ssh", token, agent, public_key
        request = stream_request(*told, locale=locale_words(environment))
        stream = _connected(host, int(port))
    except (OSError, ValueError, OverflowError) as error:
        raise Unusual from error
    try:
        login = _answer(stream, request, meanwhile)
        stream.settimeout(None)
        return Reached(config, server, stream, b"", login)
    except BaseException:
        stream.close()
        raise


def keep_certificate(config: str, server: str, login: "LoginCertificate", host: str) -> str:
    """Write the certificate as that of a host, which is a part of the file's name, and keep the server's host CA and
    the session's host keys; the certificate's path.

    Raises:
        OSError: the config directory cannot be written.
    """
    from sshore.sdk.private_files import write_private

    path = f"{config}/{places.CERTIFICATES}/{host}{places.CERTIFICATE_SUFFIX}"
    write_private(path, login.certificate + "\n")
    keep_authority(config, server, login.host_ca, login)
    return path


def keep_authority(config: str, server: str, host_ca: str, login: "LoginCertificate | None" = None) -> None:
    """Keep a server's host CA in the managed known_hosts, and the host keys of a session."""
    from sshore.profiles.known_hosts import with_authority, with_session_keys
    from sshore.sdk.private_files import write_private

    known_hosts = f"{config}/{places.KNOWN_HOSTS}"
    try:
        old = _read(known_hosts).decode(errors="surrogateescape")
    except FileNotFoundError:
        old = ""
    new = with_authority(old, server, host_ca)
    if login is not None and login.host_keys:
        new = with_session_keys(new, login.name, login.session_id, login.host_keys)
    if new != old:
        write_private(known_hosts, new)


def usual_config_dir(environment: "Mapping[str, str]") -> str:
    """The config directory; `local_user.py` knows other systems' as well. Raises Unusual where this does not."""
    chosen = environment.get("SSHORE_CONFIG_DIR", "")
    if chosen:
        return os.path.abspath(chosen)
    home, base = environment.get("HOME", ""), environment.get("XDG_CONFIG_HOME", "")
    if sys.platform != "linux" or not (base or home).startswith("/"):
        raise Unusual
    return f"{base or f'{home}/.config'}/sshore"


def _may_be_others(config: str) -> bool:
    """Whether `ConfigDir.check` may find that others can write here; a closer look is for where a group can."""
    try:
        mode = os.stat(config).st_mode
        places = (config, f"{config}/ssh") if mode & 0o011 else (config,)
        if not any(os.stat(place).st_mode & 0o022 for place in places):
            return False
    except OSError:  # it is not there yet
        return False
    from sshore.sdk.private_files import writable_by_others

    return any(map(writable_by_others, places))


def _login(config: str, environment: "Mapping[str, str]") -> tuple[str, str]:
    """The server's URL as it is stored, and a token that can be sent."""
    server, token = environment.get("SSHORE_SERVER", ""), environment.get("SSHORE_TOKEN", "").strip()
    try:
        if not server or not token:
            default, tokens = read_stored(_read(f"{config}/{places.CREDENTIALS}").decode("ascii"))
            server = server or default
            token = token or tokens[server]
    except (OSError, ValueError, LookupError) as error:
        raise Unusual from error
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Unusual
    return server, token


def read_stored(text: str) -> tuple[str, dict[str, str]]:
    """Default and tokens of a credentials file that is as `credentials.py` writes it, without `json`, which takes
    longer to load than all this. Raises ValueError where it is not, which does not mean that it is no JSON."""
    pieces = text.split('"')
    between, words = ["".join(piece.split()) for piece in pieces[::2]], pieces[1::2]
    pairs = len(words) // 2 - 1
    usual = ["{", ":", ",", ":{", *([":", ","] * pairs)[:-1], "}}"]
    if "\\" in text or between != usual or words[0] != "default" or words[2] != "tokens":
        raise ValueError
    return words[1], dict(zip(words[3::2], words[4::2], strict=True))


def _connected(host: str, port: int) -> _socket.socket:
    """A connection to the first address of a host that answers, keystrokes not waiting for acknowledgements."""
    failure = OSError(f"{host} has no address")
    for family, kind, number, _, address in _socket.getaddrinfo(for_lookup(host), port, 0, _socket.SOCK_STREAM):
        connection = _socket.socket(family, kind, number)
        connection.settimeout(_TIMEOUT_S)
        try:
            connection.connect(address)
            connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def _answer(stream: _socket.socket, request: bytes, meanwhile: "Callable[[], object]") -> "LoginCertificate | None":
    taken = b""
    try:
        stream.sendall(request)
        from sshore.sdk.keep_alive import keep_alive
        from sshore.sdk.login_certificate import ForeignAnswer, read_login_certificate
        from sshore.sdk.receive_head import receive_head

        keep_alive(stream)
        meanwhile()
        while (parts := split_head(taken)) is None:
            data = receive_head(stream, taken)
            if not data:
                raise Unusual
            taken += data
        status, fields = split_fields(parts[0])
        if not status.startswith("HTTP/1.1 101 "):
            raise Unusual
        try:
            return read_login_certificate(fields)
        except ForeignAnswer as error:
            raise Unusual from error
    except (OSError, HeadError) as error:
        raise Unusual from error


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
