"""Secrets from files, so that no environment holds them."""

from pathlib import Path

import pytest

from sshore.core.errors import InvalidInput
from sshore.server.settings import Settings
from sshore.store.database_url import read_database_url

URL = "postgresql://sshore@/sshore?host=/run/postgresql"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("p@ss/w:rd\n")
    return path


def test_the_database_password_may_be_in_a_file(file: Path) -> None:
    settings = Settings.from_environment({"SSHORE_DATABASE_URL": URL, "SSHORE_DATABASE_PASSWORD_FILE": str(file)})

    url = read_database_url(settings.database_url)
    assert (url.password, url.username, url.query["host"]) == ("p@ss/w:rd", "sshore", "/run/postgresql")
    assert "p@ss" not in repr(settings)


def test_the_whole_database_url_may_be_in_a_file(file: Path) -> None:
    file.write_text(URL + "\n")

    assert Settings.from_environment({"SSHORE_DATABASE_URL_FILE": str(file)}).database_url == URL


def test_the_provider_secret_may_be_in_a_file(file: Path) -> None:
    provider = {"SSHORE_OIDC_ISSUER": "https://id.example.org", "SSHORE_OIDC_CLIENT_ID": "sshore"}

    settings = Settings.from_environment({**provider, "SSHORE_OIDC_CLIENT_SECRET_FILE": str(file)})

    assert settings.oidc is not None
    assert settings.oidc.client_secret == "p@ss/w:rd"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"SSHORE_DATABASE_URL_FILE names .*/none, which cannot be read: No such file"
    ):
        Settings.from_environment({"SSHORE_DATABASE_URL_FILE": str(tmp_path / "none")})


def test_an_empty_file_is_no_secret(file: Path) -> None:
    file.write_text("\n")
    with pytest.raises(InvalidInput, match="which is empty"):
        Settings.from_environment({"SSHORE_DATABASE_URL_FILE": str(file)})


def test_a_secret_is_given_in_one_way(file: Path) -> None:
    with pytest.raises(InvalidInput, match="are both set"):
        Settings.from_environment({"SSHORE_DATABASE_URL": URL, "SSHORE_DATABASE_URL_FILE": str(file)})
