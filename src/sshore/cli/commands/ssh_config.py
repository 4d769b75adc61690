"""config-ssh: `ssh NAME.sshore` from any program that reads the user's ssh_config."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from sshore.cli.connecting.client_key import client_public_key
from sshore.cli.connecting.openssh import require
from sshore.cli.connecting.ordinary import trust
from sshore.cli.failures import say
from sshore.cli.installing.openssh import lines_of_any_style, write_managed
from sshore.cli.local_user import LocalUser, home
from sshore.core.errors import SshoreError
from sshore.profiles.include_line import add_include, remove_include
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory, write_private


@click.command()
@click.option("--remove", is_flag=True, help="Undo it.")
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), help="Instead of ~/.ssh/config.")
@click.pass_obj
def config_ssh(user: LocalUser, remove: bool, path: Path | None) -> None:
    """Make `ssh NAME.sshore` work from any program that reads ssh_config: ssh, scp, rsync, sshfs, VS Code.

    Adds one Include line to your ssh_config, and writes what it includes into the config directory.

    ssh-copy-id NAME.sshore finds any key there already, since the certificate lets it in: sshore keys add FILE.pub.
    """
    own = path or _user_config()
    if remove:
        _remove(user.config, own)
        print(f"{own} no longer includes {user.config.ssh_config}")
        return
    require("ssh-keygen")
    client_public_key(user.config)
    _add(user.config, own, write_managed(user.config))
    _refresh_trust(user)
    print(f"{own} includes {user.config.ssh_config}; try: ssh NAME.sshore")
    print("instead of ssh-copy-id, which takes any key for one that is there: sshore keys add FILE.pub")


def _user_config() -> Path:
    """The file that `ssh` reads: it looks into the home of the user database, whatever HOME says."""
    own = home() / ".ssh" / "config"
    read = _account_home() / ".ssh" / "config"
    if read.resolve() != own.resolve():
        say(f"warning: ssh reads {read}, whatever HOME is: use sshore config-ssh --file {read}, or ssh -F {own}")
    return own


def _account_home() -> Path:
    if sys.platform == "win32":
        return home()
    import pwd  # Windows has none

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # an account without an entry, as in containers: ssh does not work for it at all
        return home()


def _add(config: ConfigDir, own: Path, line: bytes) -> None:
    content = _read(own)
    if content is None:
        _made_by_us(config).touch(mode=0o600)
    changed = add_include(content or b"", line, lines_of_any_style(config))
    if changed != content:
        _replace(own, changed)


def _remove(config: ConfigDir, own: Path) -> None:
    content = _read(own)
    changed = remove_include(content or b"", lines_of_any_style(config))
    if not changed and _made_by_us(config).exists():
        own.unlink(missing_ok=True)
    elif content is not None and changed != content:
        _replace(own, changed)
    _made_by_us(config).unlink(missing_ok=True)
    for file in (config.ssh_config, config.openssh_config, config.launcher):
        file.unlink(missing_ok=True)


def _refresh_trust(user: LocalUser) -> None:
    try:
        with user.client() as client:
            trust(user.config, client)
    except SshoreError as error:  # it comes anew with every certificate
        say(f"warning: {error.problem.detail}")


def _made_by_us(config: ConfigDir) -> Path:
    """There when the user had no ssh_config at all, and is to have none afterwards."""
    return config.ssh_config.with_name("made_user_config")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(path: Path, content: bytes) -> None:
    """Replace the file that the path leads to (dotfiles are often symbolic links), with the mode and owner it has."""
    target = path.resolve()
    make_private_directory(target.parent)
    old = target.stat() if target.exists() else None
    write_private(target, content)
    if old is not None:
        target.chmod(old.st_mode & 0o7777)
        if sys.platform != "win32":
            with suppress(OSError):
                os.chown(target, old.st_uid, old.st_gid)
