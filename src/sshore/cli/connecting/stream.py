"""`sshore stream`: a stream on stdin and stdout, or its socket handed to `ssh`.

Two blocking threads and no asyncio, and few imports, as in `quick.py`: `ssh` waits for this in every connection.
"""

import os
import sys

from sshore.cli.connecting import quick
from sshore.cli.connecting.destination import usage
from sshore.core.hosts import FOLDER_PREFIX, HOST_SUFFIX, session_of_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    import threading
    from collections.abc import Mapping

_CHUNK_BYTES = 256 * 1024
_SYNOPSIS = "usage: sshore stream NAME[.sshore] [--app APP], or folder:NAME"


class _Wanted:
    """The command line, read. `host`: the name as it is written, which is how `ssh` calls the certificate's file."""

    __slots__ = ("app", "certify", "fdpass", "host", "ref")

    def __init__(self) -> None:
        self.ref = self.host = self.app = ""
        self.certify = self.fdpass = False

    @property
    def is_ssh_by_name(self) -> bool:
        """Whether a program that verifies host keys by the managed known_hosts is about to connect."""
        return self.certify or (self.app == "ssh" and self.host.endswith(HOST_SUFFIX))


def run_stream(environment: "Mapping[str, str]", arguments: list[str]) -> int:
    """Run ``stream NAME[.sshore] [--app APP] [--fdpass] [--certify]``."""
    wanted = _parse(arguments)
    os.closerange(3, 1024)  # libssh leaves us the other end of our own stdin, whose end would then never be seen
    try:
        stream, first = _open_keeping(environment, wanted) if wanted.is_ssh_by_name else _open(environment, wanted)
    except Exception as error:
        if wanted.app == "ssh" and not wanted.fdpass:
            from sshore.cli.connecting.refused import tell_client

            tell_client(error, by_name=wanted.is_ssh_by_name)
        raise
    from sshore.cli.connecting.handover import hand_over, waits_for_descriptor

    if wanted.fdpass and (sys.platform == "win32" or waits_for_descriptor()):
        return hand_over(stream, first, pump)
    return pump(stream, first)


def _open(environment: "Mapping[str, str]", wanted: _Wanted) -> "tuple[_socket.socket, bytes]":
    from sshore.cli.launch import load_site

    load_site()
    from sshore.cli.connecting.ordinary import open_session_stream
    from sshore.cli.local_user import user_from_environment

    return open_session_stream(user_from_environment(environment), wanted.ref, wanted.app)


def _open_keeping(environment: "Mapping[str, str]", wanted: _Wanted) -> "tuple[_socket.socket, bytes]":
    """A stream, after the host keys and the certificate that came with it have been written where `ssh` is about to
    look. Other programs may have no use for a certificate; what they can do without one, they do."""
    try:
        reached = quick.reach_quickly(environment, wanted.ref, _load)
    except quick.Unusual:
        reached = None
    if reached is None or reached.login is None:
        from sshore.cli.launch import load_site

        load_site()
        from sshore.cli.connecting.ordinary import certified, reach
        from sshore.cli.local_user import user_from_environment

        user = user_from_environment(environment)
        if reached is None and not wanted.certify and not user.config.client_key.exists():
            return _open(environment, wanted)
        reached = certified(user, reached, wanted.ref) if reached else reach(user, wanted.ref)
    assert reached.login is not None
    if wanted.certify:
        quick.keep_certificate(reached.config, reached.server, reached.login, wanted.host)
    else:
        from contextlib import suppress

        with suppress(OSError):
            quick.keep_authority(reached.config, reached.server, reached.login.host_ca, reached.login)
    return reached.stream, reached.first


def _load() -> None:
    """What is needed with the answer."""
    import sshore.cli.connecting.handover
    import sshore.profiles.known_hosts
    import sshore.sdk.private_files  # noqa: F401


def pump(stream: "_socket.socket", first: bytes) -> int:
    """Copy stdin to the stream and the stream to stdout until both have ended; each end is passed on by itself."""
    import threading  # not needed where the socket is handed over

    _make_binary()
    both_ended = threading.Event()
    up = threading.Thread(target=_send, args=(stream, both_ended), daemon=True)
    up.start()
    try:
        _write(memoryview(first))
        # One buffer for all: a new one of this size for each read would be mapped and unmapped each time.
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        while size := stream.recv_into(buffer):
            _write(buffer[:size])
    except BrokenPipeError:  # whoever read our stdout has gone
        return 1
    except OSError as error:
        if both_ended.is_set():  # such as what the other end says to a TLS connection that ends without a word
            return 0
        from sshore.cli.failures import FAILED, say
        from sshore.sdk.errors import explain

        say(f"the connection to the server broke: {explain(error)}")
        return FAILED
    os.close(1)
    up.join()
    return 0


def _send(stream: "_socket.socket", both_ended: "threading.Event") -> None:
    import _socket

    from sshore.cli.connecting.handover import is_tls

    buffer = memoryview(bytearray(_CHUNK_BYTES))
    try:
        while size := _read(buffer):
            stream.sendall(buffer[:size])
        if is_tls(stream):  # Python's ssl has no half-close
            both_ended.set()
        stream.shutdown(_socket.SHUT_WR)
    except OSError:  # whoever copies the other way meets it, too, and says so
        return


def default_app(ref: str) -> str:
    """SSH in sessions; in folders SFTP, which needs no SSH there."""
    return "sftp" if ref.startswith(FOLDER_PREFIX) else "ssh"


def _make_binary() -> None:
    if sys.platform == "win32":  # or line ends would be translated
        import msvcrt

        for descriptor in (0, 1):
            msvcrt.setmode(descriptor, os.O_BINARY)


def _read(buffer: memoryview) -> int:
    if sys.platform != "win32":
        return os.readv(0, [buffer])
    data = os.read(0, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _write(data: memoryview) -> None:
    while data:
        data = data[os.write(1, data) :]


def _parse(arguments: list[str]) -> _Wanted:
    wanted, names = _Wanted(), []
    rest = iter(arguments)
    app = None
    for word in rest:
        if word == "--app":
            app = next(rest, "")
        elif word.startswith("--app="):
            app = word.partition("=")[2]
        elif word == "--fdpass":
            wanted.fdpass = True
        elif word == "--certify":
            wanted.certify = True
        elif word.startswith("-"):
            raise usage(f"unknown option {word}; {_SYNOPSIS}")
        else:
            names.append(word)
    if len(names) != 1 or app == "":
        raise usage(_SYNOPSIS)
    wanted.ref, wanted.app = session_of_host(names[0]), app or default_app(names[0])
    wanted.host = names[0].lower()
    if wanted.certify:
        _check_host(wanted)
    return wanted


def _check_host(wanted: _Wanted) -> None:
    """A name that becomes a part of a file's name is one."""
    from sshore.sdk.login_certificate import ForeignAnswer, check_label

    try:
        check_label(wanted.host.removesuffix(HOST_SUFFIX))
    except ForeignAnswer as error:
        raise usage(str(error)) from error
    if wanted.app != "ssh":
        raise usage(f"there are certificates for ssh alone, not for {wanted.app}")
