"""`sshore ssh` and `sftp`: a stream to the session with a certificate for it, then OpenSSH's own programs.

client key (made once) ──▶ stream and certificate by one request ──▶ ssh -o ProxyCommand="take_over.py …" work@…

Imports little, as `quick.py` does: a user waits.
"""

import os
import sys
import time

from sshore.cli.connecting import quick
from sshore.cli.connecting.destination import check_options, each_option, session_named, split_options, usage
from sshore.cli.connecting.overrides import Overrides
from sshore.cli.own_command import own_command, quick_command
from sshore.core.hosts import FOLDER_PREFIX, HOST_SUFFIX
from sshore.sdk import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from sshore.cli.local_user import LocalUser
    from sshore.core.errors import SshoreError
    from sshore.profiles.ssh_config import SshFiles

_SSH_VALUED = "BbcDEeFIiJLlmOopPQRSWw"
_SFTP_VALUED = "BbcDFiJloPRSsX"
_A_DAY_S = 86400


def run_ssh(environment: "Mapping[str, str]", arguments: list[str]) -> "NoReturn":
    """Run ``ssh [WORK@]NAME [OPTION…] [--] [COMMAND…]``; the process becomes `ssh`."""
    options, rest = split_options(arguments, _SSH_VALUED)
    if not rest:
        raise usage("usage: sshore ssh NAME [SSH-OPTION…] [--] [COMMAND…]")
    more, command = split_options(rest[1:], _SSH_VALUED)
    options += more
    check_options(options, _SSH_VALUED, user="l", port="p")
    name = session_named(rest[0])
    # With -G it says where it would go, and goes nowhere: so git finds out what kind of program it is.
    connects = all(letter != "G" for letter, _ in each_option(options, _SSH_VALUED))
    overrides = Overrides() if command else None
    host, ours = words_for(environment, name) if connects else words_by_name(environment, name)
    told = [*overrides.for_command(), host, "--", *command] if overrides else [host]
    execute("ssh", [*ours, *options, *told], environment, name)


def run_sftp(environment: "Mapping[str, str]", arguments: list[str]) -> "NoReturn":
    """Run ``sftp [OPTION…] [WORK@]NAME[:PATH]``; the process becomes `sftp`."""
    synopsis = "usage: sshore sftp [SFTP-OPTION…] NAME[:PATH]"
    options, rest = split_options(arguments, _SFTP_VALUED)
    if not rest:
        raise usage(synopsis)
    more, left = split_options(rest[1:], _SFTP_VALUED)
    if left:
        raise usage(synopsis)
    options += more
    if rest[0].startswith(FOLDER_PREFIX):
        _run_folder_sftp(environment, rest[0], options)
    check_options(options, _SFTP_VALUED, port="P")
    place, colon, path = rest[0].partition(":") if "://" not in rest[0] else (rest[0], "", "")
    name = session_named(place)
    overrides = Overrides()
    host, ours = words_for(environment, name)
    execute("sftp", [*ours, *options, *overrides.for_sftp(), f"{host}{colon}{path}"], environment, name)


def words_for(environment: "Mapping[str, str]", name: str) -> tuple[str, list[str]]:
    """Launch SSH in a session and open a stream to it; where `ssh` is to go, and the options it needs to get there."""
    if sys.platform == "win32":
        return words_with_certificate_first(_user(environment), name)
    try:
        reached = quick.reach_quickly(environment, name, _load)
        if reached.login is not None:
            return words_of(reached, name)
    except quick.Unusual:
        reached = None
    from sshore.cli.connecting.ordinary import certified, reach  # all that is left out where it is not needed

    user = _user(environment)
    return words_of(certified(user, reached, name) if reached else reach(user, name, launch=True), name)


def words_of(reached: quick.Reached, name: str) -> tuple[str, list[str]]:
    """The same for a stream that is open, with its certificate: the first `ssh` that takes these words has it.

    Raises:
        SshoreError: the server says that it leads to another session than was asked for: what the user's ssh_config
            says of that one's host is not for this server.
    """
    from sshore.cli.connecting.handover import offer
    from sshore.cli.connecting.stream import pump

    try:
        login = reached.login
        assert login is not None
        if name not in (login.name, login.session_id):
            raise _another_session(name, login.name)
        certificate = quick.keep_certificate(reached.config, reached.server, login, login.session_id)
        _forget_old(os.path.dirname(certificate))
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "take_over.py")
        path = offer(reached.stream, reached.first, pump)
    except BaseException:
        reached.stream.close()
        raise
    # Whoever takes these words a second time finds nobody there, and opens a stream of its own.
    command = [sys.executable, "-I", "-S", program, path, *_stream_command(login.session_id)]
    return _words(reached.config, f"{login.name}{HOST_SUFFIX}", certificate, command, fdpass=True)


def words_by_name(environment: "Mapping[str, str]", name: str) -> tuple[str, list[str]]:
    """The same without any stream yet: `ssh` opens one when it connects."""
    host = f"{name}{HOST_SUFFIX}"
    config = _user(environment).config
    fdpass = sys.platform != "win32"
    command = _stream_command(host) if fdpass else [*own_command(), "stream", host]
    return _words(str(config.root), host, str(config.certificate(host)), command, fdpass=fdpass)


def words_with_certificate_first(user: "LocalUser", name: str) -> tuple[str, list[str]]:
    """Windows' way: no descriptor is handed over there, and `ssh` reads the certificate before it has a stream."""
    from sshore.cli.connecting.ordinary import certificate_by_itself

    login = certificate_by_itself(user, name, launch=True)
    config = str(user.config.root)
    certificate = quick.keep_certificate(config, user.login().address.url, login, login.session_id)
    _forget_old(os.path.dirname(certificate))
    host = f"{login.name}{HOST_SUFFIX}"
    return _words(config, host, certificate, [*own_command(), "stream", name], fdpass=False)


def _words(config: str, host: str, certificate: str, proxy: list[str], *, fdpass: bool) -> tuple[str, list[str]]:
    from sshore.profiles.ssh_config import USER, host_options, proxy_command

    options = host_options(ssh_files(config), host, certificate, proxy_command(proxy), fdpass=fdpass)
    return f"{USER}@{host}", [word for key, value in options if key != "User" for word in ("-o", f"{key}={value}")]


def _another_session(asked: str, told: str) -> "SshoreError":
    from sshore.core.errors import SshoreError

    return SshoreError(f"the server was asked for session {asked!r}, and answers for {told!r}")


def _stream_command(host: str) -> list[str]:
    return [*quick_command(), "stream", "--fdpass", "--certify", host]


def _load() -> None:
    """What is needed with a stream's answer."""
    import sshore.cli.connecting.handover
    import sshore.cli.connecting.stream
    import sshore.profiles.known_hosts
    import sshore.profiles.ssh_config
    import sshore.sdk.private_files  # noqa: F401


def ssh_files(config: str, command: "Sequence[str]" = ()) -> "SshFiles":
    """What `ssh` is told of in a config directory; `command` runs this program again."""
    from sshore.profiles.ssh_config import SshFiles

    named = (f"{config}/{place}" for place in (places.KNOWN_HOSTS, places.CLIENT_KEY, places.CERTIFICATES))
    return SshFiles(command, *named)


def execute(program: str, arguments: list[str], environment: "Mapping[str, str]", ref: str) -> "NoReturn":
    """Become the program. Its exit status is the command's."""
    surroundings = ssh_environment(environment, ref)
    if sys.platform == "win32":  # exec returns to the shell at once there
        import subprocess

        require(program)
        sys.exit(subprocess.run([program, *arguments], check=False, env=surroundings).returncode)
    for directory in surroundings.get("PATH", os.defpath).split(os.pathsep):  # as os.execvpe, which loads `warnings`
        path = os.path.join(directory, program)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            os.execve(path, [program, *arguments], surroundings)
    require(program)
    raise FileNotFoundError(program)


def ssh_environment(environment: "Mapping[str, str]", ref: str) -> dict[str, str]:
    """Where the user's ssh_config includes ours as Windows has it, the certificate need not be fetched once more."""
    return {**environment, "SSHORE_CERTIFIED": f"{ref}{HOST_SUFFIX}"}


def require(program: str) -> None:
    """Let programs pass that are installed.

    Raises:
        NotFound: it is not; says how to install it.
    """
    import shutil

    from sshore.core.errors import NotFound

    if shutil.which(program) is None:
        raise NotFound(f"{program} is not installed here: install OpenSSH's client programs (openssh-client)")


def _run_folder_sftp(environment: "Mapping[str, str]", place: str, options: list[str]) -> "NoReturn":
    """Run `sftp` on a storage folder, without a session or SSH: the stream is the SFTP server's (sftp(1), -D)."""
    import shlex

    from sshore.cli.copying.folder_places import find_place

    with _user(environment).client() as client:
        folder = find_place(client, place)
    if folder.path:
        raise usage(f"name the folder alone, then cd: sshore sftp {FOLDER_PREFIX}{folder.ref}")
    stream = shlex.join([*own_command(), "stream", f"{FOLDER_PREFIX}{folder.ref}"])
    execute("sftp", [*options, "-D", stream], environment, folder.ref)


def _user(environment: "Mapping[str, str]") -> "LocalUser":
    from sshore.cli.local_user import user_from_environment

    return user_from_environment(environment)


def _forget_old(certificates: str) -> None:
    """Remove the certificates of sessions that have not been visited for a day; they live for minutes."""
    yesterday = time.time() - _A_DAY_S
    for entry in os.scandir(certificates):
        try:
            if entry.stat().st_mtime < yesterday:
                os.unlink(entry.path)
        except OSError:  # another one was quicker
            continue
