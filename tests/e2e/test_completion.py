"""The Tab key, in each shell: names come from the server, colons and all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment
from programs import need
from terminal import Terminal, terminal

from integration.command_line import SSHORE

_SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'PS1="ready> "', 'eval "$(sshore completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'PROMPT="ready> "', 'eval "$(sshore completion zsh)"'),
    "fish": (
        ["fish", "--no-config", "-i"],
        'function fish_prompt; echo "ready> "; end',
        "sshore completion fish | source",
    ),
}

_COMPLETED = {
    "sshore show de": "sshore show demo ",
    "sshore app start demo s": "sshore app start demo ssh ",
    "sshore run new --mount mea": "sshore run new --mount measured ",
    "sshore cp ou": "sshore cp ours.txt ",
    "sshore cp ours.txt folder:mea": "sshore cp ours.txt folder:measured/",
    "sshore cp ours.txt de": "sshore cp ours.txt demo:",
    "sshore sftp folder:m": "sshore sftp folder:measured ",
    "sshore settings get pref": "sshore settings get preferred-ssh-port ",
    "sshore settings set she": "sshore settings set shell ",
    "sshore settings set shell z": "sshore settings set shell zsh ",
    "sshore folder ren": "sshore folder rename ",
    "sshore group join tea": "sshore group join team ",
    "sshore group allow team fold": "sshore group allow team folders=",
}
"""What is typed before the Tab key, and what the line is then."""


@pytest.fixture(scope="module")
def folder(shared: Deployment) -> Iterator[str]:
    shared.cli("folder", "create", "measured")
    shared.cli("group", "create", "team")
    yield "measured"
    shared.cli("group", "rm", "team")
    shared.cli("folder", "rm", "measured", "--for-ever")


@pytest.mark.parametrize("shell", _SHELLS)
def test_tab(shell: str, shared: Deployment, folder: str, tmp_path: Path) -> None:
    arguments, prompt, load = _SHELLS[shell]
    need(arguments[0])
    (tmp_path / "ours.txt").touch()
    path = f"{Path(SSHORE).parent}:{os.environ['PATH']}"
    environment = {**shared.admin.environment, "PATH": path, "HOME": str(tmp_path)}
    with terminal(arguments, environment, cwd=tmp_path, columns=200) as typing:
        typing.type(f"{prompt}; {load}; echo lo''aded\n")
        typing.expect("loaded\r?\n")
        completed = {typed: _complete(typing, typed) for typed in _COMPLETED}
        typing.type("exit\n")
    if shell == "zsh":  # takes the space away again at the next key
        completed = {typed: line + " " * _COMPLETED[typed].endswith(" ") for typed, line in completed.items()}
    assert completed == _COMPLETED


def _complete(typing: Terminal, typed: str) -> str:
    """The line after the Tab key: Ctrl-A and Ctrl-E make a word of it, and echo prints that."""
    typing.type(f"{typed}\t\x01echo '<\x05>'\n")
    return typing.expect(r"<([^<>\n]*)>\r?\n")[1]
