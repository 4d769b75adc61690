"""The agent reads what the server writes, and says so when it is something else."""

from pathlib import Path

import pytest

from sshore.agent.config import AppConfig, ConfigError, read_app, read_config
from sshore.core import layout
from sshore.core.run_files import agent_config


def test_the_agent_reads_what_the_server_writes(tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    path.write_text(agent_config("abc", "T0k", ["ssh"], {"LANG": "C.UTF-8"}))
    config = read_config(str(path))
    assert (config.session, config.token) == ("abc", "T0k")
    assert config.gateway == f"{layout.LINK}/{layout.LINK_SOCKET_NAME}"
    assert config.apps == (AppConfig("ssh"),)
    assert config.environment == {"LANG": "C.UTF-8"}


def test_the_agents_places_are_those_of_the_layout(tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    path.write_text(agent_config("abc", "T0k", []))
    config = read_config(str(path))
    assert (config.home, config.kit_bin, config.sshd_config) == (layout.HOME, layout.KIT_BIN, layout.SSHD_CONFIG)


@pytest.mark.parametrize("text", ["", "[]", '"x"', "{}", '{"session":"a","token":"b","gateway":"/c","apps":[{}]}'])
def test_another_file_is_refused_by_its_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "agent.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"agent\.json"):
        read_config(str(path))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"name": 7},
        {"name": "x", "command": "a string"},
        {"name": "x", "command": ["nul\0"]},
        {"name": "x", "port": 0},
        {"name": "x", "port": 65536},
        {"name": "x", "port": "80"},
    ],
)
def test_a_malformed_app_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read_app(document)


def test_an_app_has_a_command_and_a_port() -> None:
    document = {"name": "jupyter", "command": ["jupyter", "lab"], "port": 8888}
    assert read_app(document) == AppConfig("jupyter", ("jupyter", "lab"), 8888)
