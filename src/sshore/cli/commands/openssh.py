"""ssh, sftp, cp, stream, certify: here for their help and for completion; entry.py runs them without click."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from sshore.cli.completion import Completion, complete_place, complete_session, complete_target, first_word_only
from sshore.cli.connecting import openssh
from sshore.cli.connecting.certify import run_certify
from sshore.cli.connecting.stream import run_stream
from sshore.cli.copying.copy import run_copy
from sshore.cli.local_user import LocalUser

_as_they_are = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["--help"]}

F = TypeVar("F", bound=Callable[..., Any])


def _words(complete: Completion) -> Callable[[F], F]:
    """All words, as they are; completed by `complete`."""
    return click.argument("words", metavar="", nargs=-1, type=click.UNPROCESSED, shell_complete=complete)


@click.command(context_settings=_as_they_are, options_metavar="NAME [SSH-OPTION]... [--] [COMMAND]...")
@_words(first_word_only(complete_session))
def ssh(words: tuple[str, ...]) -> int:
    """Run ssh in a session, in which SSH is launched for it; the exit status is ssh's.

    Every option of ssh may be given: sshore ssh demo -L 8080:localhost:80
    """
    openssh.run_ssh(os.environ, list(words))


@click.command(context_settings=_as_they_are, options_metavar="[SFTP-OPTION]... NAME[:PATH]")
@_words(complete_target)
def sftp(words: tuple[str, ...]) -> int:
    """Run sftp to a session, in which SSH is launched for it; or to folder:NAME, without any session."""
    openssh.run_sftp(os.environ, list(words))


@click.command(context_settings=_as_they_are, options_metavar="[-r] SRC... DST")
@_words(complete_place)
@click.pass_obj
def cp(user: LocalUser, words: tuple[str, ...]) -> int:
    """Copy files to or from a session (NAME:PATH on one side) or a storage folder (folder:NAME/PATH), for which no
    session need run.

    A transfer that breaks off is resumed, for --timeout SECONDS by itself and by the same command later; it ends with
    a checksum compared at both ends, which --json prints. Times and modes are kept. -r copies directories, -q says
    nothing; -C, -o and other options of ssh's go to ssh. PATH begins at the home, and may be a pattern. Special files,
    and links that lead nowhere or in a circle, are left out, named and counted; that is no failure.

    \b
    sshore cp data.csv demo:            into the home
    sshore cp -r demo:results .         a directory
    sshore cp -r demo:results/. out     what it holds
    sshore cp 'demo:logs/*.log' .       a pattern
    sshore cp big.tar folder:data/      into a storage folder
    """
    return run_copy(user, list(words))


@click.command(context_settings=_as_they_are, options_metavar="NAME[.sshore] [--app APP]")
@_words(complete_target)
def stream(words: tuple[str, ...]) -> int:
    """Open a stream to an app (ssh, if no other is named) on stdin and stdout.

    For ssh_config: ProxyCommand sshore stream %n
    """
    return run_stream(os.environ, list(words))


@click.command(hidden=True)
@_words(complete_session)
def certify(words: tuple[str, ...]) -> int:
    """Fetch a certificate for some minutes; the managed ssh_config calls it."""
    return run_certify(os.environ, list(words))
