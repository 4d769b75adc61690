"""The managed ssh_config: written as the OpenSSH that is here reads it, and only when it has been seen to.

What `ssh` cannot read keeps it from *every* host: so it is asked first, by the same files in a directory aside.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from sshore.cli.connecting.openssh import ssh_files
from sshore.cli.failures import USAGE
from sshore.cli.own_command import PACKAGES, own_command, quick_command
from sshore.core.errors import SshoreError
from sshore.profiles.include_line import STYLES, include_line, include_word
from sshore.profiles.launcher import launcher
from sshore.profiles.ssh_config import SshFiles, managed_config, openssh_config, reads_certificate_first
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory, write_private

_ANSWER_S = 10
_SESSION, _UNRELATED = "probe.sshore", "unrelated.invalid"


def write_managed(config: ConfigDir) -> bytes:
    """Write what the user's ssh_config is to include; the line that includes it.

    Raises:
        SshoreError: `ssh` cannot read it at such a path; what was there before is still there.
    """
    files = ssh_files(str(config.root), _command(config))
    make_private_directory(config.ssh_config.parent)
    style = _style_that_is_read(config, files)
    write_private(config.launcher, launcher(PACKAGES, own_command()))
    return _write(files, config.ssh_config, config.openssh_config, style)


def lines_of_any_style(config: ConfigDir) -> list[bytes]:
    """The lines by which a user's ssh_config may include it, after other versions, and with another OpenSSH."""
    path = config.ssh_config.as_posix()
    return [include_line(include_word(path, style)) for style in range(STYLES)]


def why_not_run(config: ConfigDir) -> str:
    """Why the command that a managed ssh_config names does not run; empty where it does, or there is none."""
    try:
        lines = config.ssh_config.read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return ""
    named = next((line.split("ProxyCommand ")[1] for line in lines if "ProxyCommand " in line), "")
    words = shlex.split(named.replace("%%", "%"))
    if sys.platform == "win32" or "stream" not in words:
        return ""
    try:  # without a name, it says how it is to be used
        done = subprocess.run(
            words[: words.index("stream") + 1], check=False, capture_output=True, timeout=_ANSWER_S, cwd="/"
        )
    except OSError as error:
        return f"{words[0]}: {error.strerror}"
    said = done.stderr.decode(errors="replace").strip()
    return "" if done.returncode == USAGE else said.rpartition("\n")[2] or f"status {done.returncode}"


def _command(config: ConfigDir) -> list[str]:
    quick = quick_command()
    return [*quick[:-1], str(config.launcher)] if "-S" in quick else quick


def _write(files: SshFiles, managed: Path, for_openssh: Path, style: int) -> bytes:
    if sys.platform == "win32":  # no descriptors are passed there
        write_private(managed, os.fsencode(managed_config(files, None)))
    else:
        first = reads_certificate_first(_ssh_version())
        write_private(for_openssh, os.fsencode(openssh_config(files, certificate_first=first)))
        word = include_word(for_openssh.as_posix(), style, hidden=True)
        write_private(managed, os.fsencode(managed_config(files, word)))
    return include_line(include_word(managed.as_posix(), style))


def _style_that_is_read(config: ConfigDir, files: SshFiles) -> int:
    said = ""
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=config.ssh_config.parent) as aside:
        managed, for_openssh, own = (Path(aside, name) for name in ("config", "openssh_config", "own"))
        for style in range(STYLES):
            write_private(own, _write(files, managed, for_openssh, style) + b"\n")
            try:
                said = _complaint(own, config)
            except FileNotFoundError:  # no `ssh`, which may come later
                return 0
            if not said:
                return style
    raise SshoreError(
        f"ssh cannot read files below {config.root} ({said}): nothing was changed; choose a directory with a plainer "
        "name by SSHORE_CONFIG_DIR, or ask for it by sshore ssh"
    )


def _complaint(own: Path, config: ConfigDir) -> str:
    """What is wrong with how `ssh` reads an ssh_config of ours; empty when nothing is."""
    for host in (_UNRELATED, _SESSION):
        done = _asked(own, host)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            return lines[0] if lines else f"status {done.returncode}"
    options = dict(line.partition(b" ")[::2] for line in done.stdout.splitlines())
    wanted = os.fsencode(config.client_key.as_posix().replace("%", "%%"))
    handed_over = sys.platform == "win32" or options.get(b"proxyusefdpass") == b"yes"
    return "" if options.get(b"identityfile") == wanted and handed_over else "it finds another file by that name"


def _asked(own: Path, host: str) -> subprocess.CompletedProcess[bytes]:
    # With what keeps `Match exec` from asking the server for a certificate.
    environment = {**os.environ, "SSHORE_CERTIFIED": _SESSION}
    command = ["ssh", "-G", "-F", str(own), host]
    return subprocess.run(command, check=False, capture_output=True, timeout=_ANSWER_S, env=environment)


def _ssh_version() -> str:
    """What ``ssh -V`` says; empty where there is no `ssh`."""
    try:
        done = subprocess.run(["ssh", "-V"], check=False, capture_output=True, timeout=_ANSWER_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr.decode(errors="replace").strip()
