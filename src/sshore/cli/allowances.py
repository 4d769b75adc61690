"""Allowances as a table, and their words for the shell's completion."""

import click

from sshore.cli.output import print_table
from sshore.core.allowances import DEFAULT, FIELDS, NONE, WORDS
from sshore.schema.account_messages import AllowanceMessage, ShareMessage


def complete_allowance(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """``cpus=``, and behind the sign the words that every allowance knows."""
    name, sign, value = incomplete.partition("=")
    if sign:
        return [f"{name}={word}" for word in (NONE, DEFAULT) if word.startswith(value)]
    return [f"{word}=" for word in WORDS if word.startswith(name)]


def print_allowance(found: AllowanceMessage) -> None:
    """A line for each: what of it is used, and how much may be."""
    rows = [[share.name, _used(share), _most(share), share.title] for share in found.shares]
    print_table(["ALLOWANCE", "USED", "AT MOST", "MEANING"], rows, "this server has no allowances")


def _used(share: ShareMessage) -> str:
    return "" if share.used is None else _shown(share, share.used)


def _most(share: ShareMessage) -> str:
    most = "no limit" if share.most is None else _shown(share, share.most)
    return most if share.own else f"{most} (default)"


def _shown(share: ShareMessage, value: float) -> str:
    word = FIELDS.get(share.limit)
    return word.show(value) if word else f"{value:g}"
