"""Where `sshore ssh` and `sftp` are to go, as their own programs would read it: ``[USER@]NAME``, and their options.

A session has one account and no port: what says so is taken, because programs such as git say it; anything else is
refused. Imports nothing that takes time: a user waits.
"""

from sshore.core.hosts import session_of_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sshore.core.errors import SshoreError

_USER, _PORT = "work", "22"
_SCHEMES = ("ssh://", "sftp://", "scp://")


def session_named(place: str) -> str:
    """The session of ``NAME``, ``work@NAME``, ``NAME.sshore`` or ``ssh://[work@]NAME[:22]``.

    Raises:
        InvalidInput: it names another user or port.
    """
    scheme = next((scheme for scheme in _SCHEMES if place.startswith(scheme)), "")
    user, at, host = place.removeprefix(scheme).rpartition("@")
    if scheme:
        host, colon, port = host.rstrip("/").partition(":")
        _check_port(port if colon else _PORT)
    if at:
        _check_user(user)
    return session_of_host(host)


def check_options(options: list[str], valued: str, *, user: str = "", port: str = "") -> None:
    """Let options pass that lead to a session. `user` and `port` are the program's own letters for these: ssh has
    ``-l`` and ``-p``; ``-l`` is the bandwidth to sftp, which has ``-P``.

    Raises:
        InvalidInput: one of them names another user or port.
    """
    named = {user: "user", port: "port"}
    for letter, value in each_option(options, valued):
        keyword, given = named.get(letter, ""), value
        if letter == "o":
            keyword, _, given = value.replace("=", " ", 1).strip().partition(" ")
        if keyword.lower() == "user":  # keywords have no case (ssh_config(5)), letters have
            _check_user(given.strip())
        elif keyword.lower() == "port":
            _check_port(given.strip())


def each_option(words: list[str], valued: str) -> "Iterator[tuple[str, str]]":
    """Letters of options and their values, as getopt(3) would read them."""
    rest = iter(words)
    for word in rest:
        for at, letter in enumerate(word[1:], start=2):
            if letter in valued:
                yield letter, word[at:] or next(rest, "")
                break
            yield letter, ""


def split_options(words: list[str], valued: str) -> tuple[list[str], list[str]]:
    """Split leading options, as getopt(3) would, from what follows; ``--`` ends them and is dropped."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        if words[at] == "--":
            return words[:at], words[at + 1 :]
        letters = words[at][1:]
        first_valued = next((i for i, letter in enumerate(letters) if letter in valued), None)
        at += 2 if first_valued == len(letters) - 1 else 1
    return words[:at], words[at:]


def usage(detail: str) -> "SshoreError":
    from sshore.core.errors import InvalidInput  # for the start-up time of those who make no mistake

    return InvalidInput(detail)


def _check_user(user: str) -> None:
    if user != _USER:
        raise usage(f"there is no user {user!r} in a session: its one account is {_USER}; leave {user}@ and -l out")


def _check_port(port: str) -> None:
    if port != _PORT:
        raise usage(f"sessions have no port {port}: leave it out, or say {_PORT}")
