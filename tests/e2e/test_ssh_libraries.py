"""Local ports by every SSH library, with the files that Sshore writes: docs/clients.md is the table of this."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from deployment import Deployment
from ssh_libraries import LIBRARIES, Where, list_home, where

from sshore.proxy.forwards import Card

SILENT = {"libssh2", "lftp"}
"""They show nothing of what a server that refuses says before the key exchange."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of the program's own, without anything in it."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture(scope="module")
def refusing(shared: Deployment) -> Iterator[Card]:
    """The card of a session whose SSH has been stopped since."""
    shared.run_session("refusing")
    card = shared.connect("refusing")
    shared.cli("app", "stop", "refusing", "ssh")
    yield card
    shared.remove("refusing")


@pytest.fixture(scope="module", autouse=True)
def by_name(shared: Deployment) -> None:
    """What stands beside: the same sessions have been visited by name, which brings the server's host CA."""
    shared.cli("ssh", "demo", "true")


@pytest.mark.parametrize("library", LIBRARIES)
def test_it_lists_the_home(library: str, shared: Deployment, card: Card, home: Path) -> None:
    done = list_home(library, where(card, home), shared.admin.environment)
    assert done.returncode == 0, done.stdout
    assert ".bashrc" in done.stdout


@pytest.mark.parametrize("library", LIBRARIES)
def test_it_refuses_another_host_key(library: str, shared: Deployment, card: Card, home: Path) -> None:
    there = _expecting_others(where(card, home))
    done = list_home(library, there, shared.admin.environment)
    assert done.returncode != 0
    assert ".bashrc" not in done.stdout


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_refusal_is_shown(library: str, shared: Deployment, refusing: Card, home: Path) -> None:
    done = list_home(library, where(refusing, home), shared.admin.environment)
    assert done.returncode != 0
    assert ("sshore app start refusing ssh" in done.stdout) == (library not in SILENT), done.stdout


def test_the_file_for_libraries_holds_no_authority(shared: Deployment, card: Card) -> None:
    """Paramiko from 3 on raises InvalidHostKey at ``@cert-authority``."""
    by_name = shared.admin.config / "ssh" / "known_hosts"
    assert "@cert-authority" in by_name.read_text()
    assert card.known_hosts_file != str(by_name)
    assert "@" not in Path(card.known_hosts_file).read_text()


def _expecting_others(there: Where) -> Where:
    """Host keys like the real ones, of each type, and others."""
    lines = [line.split(" ") for line in there.known_hosts.read_text().splitlines()]
    text = "".join(f"{names} {kind} {_other(key)}\n" for names, kind, key in lines)
    return replace(there, known_hosts=there.write("other_known_hosts", text))


def _other(key: str) -> str:
    """With another number in the middle, so that its form is right."""
    middle = len(key) * 3 // 4
    return f"{key[:middle]}{'A' if key[middle] != 'A' else 'B'}{key[middle + 1 :]}"
