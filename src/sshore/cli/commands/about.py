"""version, completion."""

import click

from sshore import __version__
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json, print_pairs
from sshore.cli.root import COMPLETE_VARIABLE, root
from sshore.core.errors import SshoreError


@click.command()
@json_option
@click.pass_obj
def version(user: LocalUser, as_json: bool) -> None:
    """Show the versions of client and server."""
    found = {"client": __version__, "server": "", "url": "", "engines": [], "kit": ""}
    try:
        with user.client(timeout_s=5) as client:
            found["url"] = client.login.address.url
            server = client.version()
        found |= {"server": server.version, "engines": server.engines, "kit": server.kit}
    except SshoreError as error:
        found["server_problem"] = error.problem.detail
    if as_json:
        print_json(found)
        return
    print_pairs(
        [
            ("client", __version__),
            ("server", str(found["server"] or found.get("server_problem", ""))),
            ("at", str(found["url"])),
            ("engines", ", ".join(found["engines"])),
            ("kit", str(found["kit"])),
        ]
    )


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: eval "$(sshore completion bash)"        in ~/.bashrc
    zsh:  eval "$(sshore completion zsh)"         in ~/.zshrc
    fish: sshore completion fish | source         in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from sshore.cli.shells import teach_click

    teach_click()
    kind = get_completion_class(shell)
    assert kind is not None
    # Not by .source(): for bash that starts a bash to ask for its version.
    script = kind(root, {}, "sshore", COMPLETE_VARIABLE)
    print(script.source_template % script.source_vars())
