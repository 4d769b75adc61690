"""Allowances as a table, and their words for the shell's completion."""

from collections.abc import Mapping

import click

from sshore.cli.output import print_table
from sshore.core.allowances import DEFAULT, FIELDS, NONE, WORDS, Word
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


def print_limits(limits: Mapping[str, float | None]) -> None:
    """What a group says."""
    rows = [[word.name, _limit(word, limits[field]), word.title] for field, word in FIELDS.items() if field in limits]
    print_table(["ALLOWANCE", "AT MOST", "MEANING"], rows, "this group allows nothing of its own")


def limits_phrase(limits: Mapping[str, float | None]) -> str:
    """Such as ``cpus=8, memory=32 GiB``."""
    said = [f"{word.name}={_limit(word, limits[field], NONE)}" for field, word in FIELDS.items() if field in limits]
    return ", ".join(said)


def _limit(word: Word, value: float | None, unlimited: str = "no limit") -> str:
    return unlimited if value is None else word.show(value)


def _used(share: ShareMessage) -> str:
    return "" if share.used is None else _shown(share, share.used)


def _most(share: ShareMessage) -> str:
    most = "no limit" if share.most is None else _shown(share, share.most)
    return most if share.own else f"{most} ({f'group {share.group}' if share.group else 'default'})"


def _shown(share: ShareMessage, value: float) -> str:
    word = FIELDS.get(share.limit)
    return word.show(value) if word else f"{value:g}"
