"""The click group. A command's module is loaded when the command is used; the help needs none."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from sshore.cli.failures import USAGE, report, report_os_error, say
from sshore.cli.local_user import user_from_environment
from sshore.core.errors import SshoreError

_SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Sessions": {
        "run": ("sessions", "Make a session and wait until it runs"),
        "ls": ("sessions", "List sessions"),
        "show": ("sessions", "Show one session"),
        "top": ("top", "Show what sessions use: CPU, memory, GPUs, disk, network"),
        "logs": ("sessions", "Show what a session's agent and daemons wrote"),
        "stop": ("sessions", "Stop sessions; their homes stay"),
        "start": ("sessions", "Start stopped sessions, or mend ones that are out of touch"),
        "mount": ("mounts", "Mount a storage folder in a session that is there already"),
        "unmount": ("mounts", "Mount it no longer"),
        "limit": ("limit", "Change when a session stops by itself"),
        "rm": ("sessions", "Remove sessions and their homes"),
        "commit": ("images", "Keep what a session has changed as an image"),
        "image": ("images", "List, pull and remove images; logins at registries"),
        "app": ("apps", "List, start and stop the apps of a session"),
        "file": ("own_files", "Keep files that each new home gets, such as .vimrc"),
        "bootstrap": ("own_files", "Keep a script that runs in each session when it has started"),
        "folder": ("folders", "List, make and remove storage folders"),
    },
    "Connecting": {
        "connect": ("forwards", "Launch SSH, open a local port for it, print the connection card"),
        "forwards": ("forwards", "List the local ports and their health"),
        "disconnect": ("forwards", "Close a session's local ports"),
        "ssh": ("openssh", "Run ssh in a session"),
        "sftp": ("openssh", "Run sftp to a session"),
        "cp": ("openssh", "Copy files to or from a session"),
        "stream": ("openssh", "Open a stream on stdin and stdout, for ProxyCommand"),
        "config-ssh": ("ssh_config", "Make `ssh NAME.sshore` work from any program"),
        "key": ("keys", "Download a session's private key"),
        "keys": ("own_keys", "List, add and remove your own public keys"),
        "profile": ("profile", "Print a session's profile for another program"),
        "proxy": ("proxy", "Run the local proxy, which holds the local ports"),
    },
    "Server and account": {
        "up": ("server", "Run server and local proxy here, and log in"),
        "server": ("server", "Run the server alone"),
        "login": ("login", "Log in to a server"),
        "logout": ("login", "Revoke the token of a server and forget it"),
        "settings": ("settings", "List, get and set the user settings"),
        "user": ("users", "List, add and remove users; passwords, allowances"),
        "group": ("groups", "Groups of users, and what their members may have"),
        "token": ("tokens", "List, make and remove API tokens"),
        "audit": ("audit", "Show who connected to what"),
        "doctor": ("doctor", "Examine what a connection needs, step by step"),
        "version": ("about", "Show the versions of client and server"),
        "completion": ("about", "Print the shell's completion script"),
    },
}
COMPLETE_VARIABLE = "_SSHORE_COMPLETE"
"""Set by the shell's completion script."""
_HIDDEN = {"certify": ("openssh", "Fetch a certificate (called by ssh)")}
_COMMANDS = {name: entry for section in _SECTIONS.values() for name, entry in section.items()} | _HIDDEN


class _Root(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in _COMMANDS if name not in _HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"sshore.cli.commands.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            from sshore.core.names import suggestion

            hint = suggestion(name, list(_COMMANDS)) or "; see sshore --help"
            raise click.UsageError(f"there is no command {name!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary) for name, (_, summary) in commands.items()])


@click.group(cls=_Root, name="sshore", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sshore", message="%(version)s")
def root() -> None:
    """Compute sessions that anyone can reach by SSH and SFTP, with the clients they already use.

    Begin with `sshore up` (a server on this machine) or `sshore login URL`,
    then: sshore run demo, and sshore ssh demo.
    """


def run(arguments: list[str]) -> int:
    """Run a command; returns the exit status."""
    try:
        user = user_from_environment(os.environ)
        if COMPLETE_VARIABLE in os.environ:
            _prepare_completion()
        result = root.main(arguments, prog_name="sshore", standalone_mode=False, obj=user)
        return result if isinstance(result, int) else 0
    except SshoreError as error:
        return report(error)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return USAGE
    except click.UsageError as error:
        say(_one_line(error))
        return USAGE
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except click.Abort:
        return 130
    except BrokenPipeError:
        raise
    except OSError as error:
        return report_os_error(error)
    except ExceptionGroup as group:
        return _report_group(group)


def _one_line(error: click.UsageError) -> str:
    said = " ".join(error.format_message().split()).rstrip(".")
    return f"{said}; see {error.ctx.command_path} --help" if error.ctx and not said.endswith("?") else said


def _prepare_completion() -> None:
    from sshore.cli.shells import teach_click  # nothing else needs it

    teach_click()


def _report_group(group: ExceptionGroup[Exception]) -> int:
    """A refusal inside task groups is the user's to read like any other."""
    refusals = group.subgroup(SshoreError)
    if refusals is None:
        raise group
    error: Exception = refusals
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, SshoreError)
    return report(error)
