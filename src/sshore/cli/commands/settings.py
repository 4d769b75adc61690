"""settings."""

import click

from sshore.cli.failures import say
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json, print_table
from sshore.core.settings import SETTINGS


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in SETTINGS if name.startswith(incomplete)]


def _complete_value(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    setting = SETTINGS.get(context.params.get("name", ""))
    return [str(choice) for choice in (setting.choices if setting else ()) if choice.startswith(incomplete)]


_key = click.argument("name", metavar="KEY", shell_complete=_complete)


@click.group()
def settings() -> None:
    """The user settings."""


@settings.command("ls")
@json_option
@click.pass_obj
def settings_ls(user: LocalUser, as_json: bool) -> None:
    """List the settings."""
    with user.client() as client:
        found = client.settings()
    if as_json:
        print_json(found)
        return
    rows = [[s.name, s.value or f"{s.default} (default)".strip(), s.title] for s in found]
    print_table(["SETTING", "VALUE", "MEANING"], rows, "this server has no settings")


@settings.command("get")
@_key
@json_option
@click.pass_obj
def settings_get(user: LocalUser, name: str, as_json: bool) -> None:
    """Print the value of a setting."""
    with user.client() as client:
        found = client.setting(name)
    if as_json:
        print_json(found)
    else:
        print(found.value or found.default)


@settings.command("set")
@_key
@click.argument("value", shell_complete=_complete_value)
@json_option
@click.pass_obj
def settings_set(user: LocalUser, name: str, value: str, as_json: bool) -> None:
    """Set a setting; an empty VALUE ("") resets it."""
    with user.client() as client:
        stored = client.set_setting(name, value)
    if stored.warning:
        say(f"warning: {stored.warning}")
    if as_json:
        print_json(stored)
    else:
        print(f"{stored.name} is {stored.value or stored.default or 'reset'}")
