"""What sshd is told of a client: four words for `SSH_CONNECTION`, whatever else the configuration sets."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshore.agent.daemon_configs import UNKNOWN, ClientFacts, DaemonConfigs, are_addresses, with_client

ADDRESSES = "192.0.2.7 65535 192.0.2.1 8022"
CLIENT = ClientFacts(ADDRESSES)
CONFIG = 'HostKey /key\nSetEnv "PATH=/bin" "A=b c"\n'


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A session's configuration; what was copied of it is closed, as the agent's end does."""
    path = tmp_path / "sshd_config"
    path.write_text(CONFIG)
    before = open_files()
    yield path
    for descriptor in open_files() - before:
        os.close(descriptor)


def open_files() -> set[int]:
    return {fd for fd in range(1024) if Path(f"/proc/self/fd/{fd}").is_symlink()}


@pytest.mark.parametrize("words", [ADDRESSES, UNKNOWN, "::1 65535 ::1 8022", "fe80::1%eth0 1 fe80::2%br-a_1 2"])
def test_addresses_are_four_words(words: str) -> None:
    assert are_addresses(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "UNKNOWN 65535  65535",
        "192.0.2.7 1 192.0.2.1",
        "192.0.2.7 1 192.0.2.1 8022 9",
        "192.0.2.7 -1 192.0.2.1 8022",
        "192.0.2.7 65536 192.0.2.1 8022",
        '192.0.2.7" 1 192.0.2.1 8022',
        "192.0.2.7\nPermitTTY 1 192.0.2.1 8022",
        "192.0.2.7 1 $HOME 8022",
    ],
)
def test_nothing_else_gets_into_a_configuration(words: str) -> None:
    assert not are_addresses(words)


def test_they_come_before_variables_of_the_image() -> None:
    told = '"SSH_CONNECTION=192.0.2.7 65535 192.0.2.1 8022" "SSH_CLIENT=192.0.2.7 65535 8022"'
    assert with_client(CONFIG, CLIENT) == f'HostKey /key\nSetEnv {told} "PATH=/bin" "A=b c"\n'
    assert with_client("HostKey /key\n", CLIENT).endswith(f"\nSetEnv {told}\n")


def test_a_client_that_comes_again_costs_no_descriptor(config: Path) -> None:
    configs = DaemonConfigs(str(config))
    path = configs.path(CLIENT)
    before = open_files()
    assert {configs.path(CLIENT) for _ in range(100)} == {path}
    assert Path(path).read_text() == with_client(CONFIG, CLIENT)
    assert open_files() == before


def test_clients_from_everywhere_cost_few(config: Path) -> None:
    configs = DaemonConfigs(str(config))
    before = open_files()
    for number in range(1000):
        path = configs.path(ClientFacts(f"192.0.2.{number % 250} {number} 192.0.2.1 8022"))
    assert len(open_files() - before) <= 64
    assert "192.0.2.249 999 " in Path(path).read_text()


def test_a_configuration_that_was_written_anew_counts(config: Path) -> None:
    configs = DaemonConfigs(str(config))
    configs.path(CLIENT)
    config.unlink()
    config.write_text("PermitTTY no\n" + CONFIG)
    assert Path(configs.path(CLIENT)).read_text().startswith("PermitTTY no\n")


def test_without_a_configuration_sshd_says_what_is_missing(tmp_path: Path) -> None:
    assert DaemonConfigs(str(tmp_path / "none")).path(CLIENT) == str(tmp_path / "none")


def test_a_clients_locale_is_welcome_beside_other_variables(config: Path) -> None:
    config.write_text(CONFIG + "AcceptEnv COLORTERM\n")
    configs = DaemonConfigs(str(config))
    with_locale = Path(configs.path(ClientFacts(ADDRESSES, "LC_TIME LC_NAME"))).read_text()
    assert with_locale.startswith("AcceptEnv LC_TIME LC_NAME\n") and with_locale.endswith("AcceptEnv COLORTERM\n")
    assert "LC_" not in Path(configs.path(CLIENT)).read_text()
