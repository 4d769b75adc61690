"""Passwords from the terminal or from stdin, never from arguments, which every user of the machine can see."""

import getpass
import sys

import click

from sshore.core.errors import InvalidInput

password_stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from stdin, one line.")


def ask_password(prompt: str, *, from_stdin: bool, twice: bool = False) -> str:
    """A password.

    Raises:
        InvalidInput: there is none to be had, or the two that were typed differ.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to ask for the password: give --password-stdin")
    else:
        password = getpass.getpass(f"{prompt}: ")
        if twice and getpass.getpass("The same again: ") != password:
            raise InvalidInput("the two passwords differ: nothing was changed")
    if not password:
        raise InvalidInput("the password is empty")
    return password
