"""The docker command line's credential helpers: programs that are asked for a login."""

import asyncio
import json
from pathlib import Path

import pytest

from sshore.core.errors import EngineFailed
from sshore.engines.docker.credentials import Credentials, DockerConfig


def helper(directory: Path, name: str, script: str) -> None:
    program = directory / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def found(directory: Path, config: dict[str, object], registry: str) -> Credentials | None:
    (directory / "config.json").write_text(json.dumps(config))
    return asyncio.run(DockerConfig(directory / "config.json").get(registry))


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_one_is_asked_for_the_registry(directory: Path) -> None:
    helper(
        directory,
        "vault",
        'read host; echo "{\\"ServerURL\\": \\"$host\\", \\"Username\\": \\"$host\\", \\"Secret\\": \\"s\\"}"',
    )
    assert found(directory, {"credsStore": "vault"}, "ghcr.io") == Credentials(
        "ghcr.io", "ghcr.io", "s", source="docker"
    )
    hub = found(directory, {"credHelpers": {"https://index.docker.io/v1/": "vault"}}, "docker.io")
    assert hub == Credentials("docker.io", "https://index.docker.io/v1/", "s", source="docker")


def test_it_may_give_a_token(directory: Path) -> None:
    helper(directory, "vault", 'echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"t\\"}"')
    login = found(directory, {"credHelpers": {"quay.io": "vault"}}, "quay.io")
    assert login is not None
    assert (login.identity_token, login.password) == ("t", "")


def test_one_that_knows_nothing_leaves_it_to_the_file(directory: Path) -> None:
    helper(directory, "vault", "echo credentials not found; exit 1")
    auths = {"ghcr.io": {"username": "ann", "password": "x"}}
    login = found(directory, {"credsStore": "vault", "auths": auths}, "ghcr.io")
    assert login == Credentials("ghcr.io", "ann", "x", source="docker")


def test_one_that_is_not_there_is_named(directory: Path) -> None:
    with pytest.raises(EngineFailed, match="docker-credential-nosuch does not run"):
        found(directory, {"credsStore": "nosuch"}, "ghcr.io")
    with pytest.raises(EngineFailed, match="names no credential helper"):
        found(directory, {"credsStore": "../../bin/sh"}, "ghcr.io")
