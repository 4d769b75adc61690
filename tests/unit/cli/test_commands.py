"""The click commands, as far as they need no server."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from sshore.cli import root as cli_root
from sshore.cli.local_user import LocalUser, user_from_environment


@pytest.fixture
def nobody(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> LocalUser:
    """A user with an empty config directory."""
    environment = {"SSHORE_CONFIG_DIR": str(tmp_path_factory.mktemp("config"))}
    monkeypatch.setenv("SSHORE_CONFIG_DIR", environment["SSHORE_CONFIG_DIR"])
    for name in ("SSHORE_SERVER", "SSHORE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return user_from_environment(environment)


def test_every_command_that_the_help_lists_is_there() -> None:
    context = click.Context(cli_root.root)
    for name in cli_root.root.list_commands(context):
        command = cli_root.root.get_command(context, name)
        assert command is not None, name
        assert CliRunner().invoke(command, ["--help"]).exit_code == 0


def test_the_help_loads_no_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sshore.cli.entry", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not {"rich", "asyncio", "http.client", "uvicorn", "fastapi", "sshore.cli.commands"} & loaded


def test_a_stream_loads_neither_click_nor_asyncio(nobody: LocalUser) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sshore.cli.entry", "stream", "demo"], capture_output=True, text=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "sshore.sdk.blocking_stream" in loaded
    assert not {"click", "rich", "asyncio", "http.client"} & loaded


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["ls"], 4, "you are not logged in"),
        (["run", "Bad Name"], 2, "is no session name"),
        (["run", "demo", "--memory", "3q"], 2, "is no size"),
        (["run", "demo", "--memory", "1m"], 2, "at least 32m"),
        (["run", "demo", "--mount", "a:b:c:d"], 2, "is no mount"),
        (["run", "demo", "--mount", "a:/etc"], 2, "the session needs that place"),
        (["connect", "demo", "--port", "0"], 2, "is no port"),
        (["run"], 2, "Missing argument 'NAME'"),
        (["shwo"], 2, "did you mean show"),
        (["completion"], 2, "Missing argument 'SHELL'"),
        (["profile", "demo", "foo"], 2, "is not one of 'filezilla'"),
        (["proxy", "status"], 5, "sshore proxy start"),
        (["login", "ftp://x", "--token", "t"], 2, "is no server"),
    ],
)
def test_a_mistake_is_one_line_and_a_status(
    nobody: LocalUser, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    assert cli_root.run(arguments) == status
    out, err = capsys.readouterr()
    assert said in err
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize("arguments", [[], ["app"], ["folder", "trash"]])
def test_a_group_alone_shows_its_help(
    nobody: LocalUser, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert cli_root.run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: sshore") and err.count("--help") == 1


def test_no_forwards_is_no_error(nobody: LocalUser, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli_root.run(["forwards", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(nobody: LocalUser, capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert cli_root.run(["completion", shell]) == 0
    assert f"_SSHORE_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_completing_a_name_without_a_server_offers_nothing(nobody: LocalUser, monkeypatch: pytest.MonkeyPatch) -> None:
    from sshore.cli.arguments import complete_session

    context = click.Context(cli_root.root, obj=nobody)
    assert complete_session(context, click.Argument(["name"]), "d") == []
