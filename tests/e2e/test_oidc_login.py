"""`sshore login URL --oidc` at a certified provider that requires PKCE, with the browser's part done over HTTP."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from deployment import Deployment, deployment
from oidc_provider import Browser, OidcProvider, oidc_provider

from integration.command_line import SSHORE, CommandLine

USERS = {
    "g-1": {"preferred_username": "Grace.Hopper", "email": "grace@example.org"},
    "g-2": {"preferred_username": "grace.hopper"},
    "a-1": {"preferred_username": "admin"},
    "m-1": {"email": "margaret@example.org"},
}
SECRET = {"SSHORE_OIDC_CLIENT_ID": "sshore", "SSHORE_OIDC_CLIENT_SECRET": "between us"}


@dataclass(frozen=True)
class Group:
    """A group's server, its provider, and another server that makes no users and is a client without a secret."""

    server: Deployment
    provider: OidcProvider
    strict: Deployment


@pytest.fixture(scope="module")
def group(shared: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    log = tmp_path_factory.mktemp("provider") / "log"
    with not_started(shared) as server, not_started(shared) as strict:
        callbacks = [f"{made.url}/api/v1/oidc/callback" for made in (server, strict)]
        with oidc_provider(log, USERS, callbacks) as provider:
            issuer = {"SSHORE_OIDC_ISSUER": provider.issuer}
            server.server.environment |= issuer | SECRET | {"SSHORE_OIDC_CREATE_USERS": "1"}
            strict.server.environment |= issuer | {"SSHORE_OIDC_CLIENT_ID": "sshore-public"}
            server.start()
            strict.start()
            yield Group(server, provider, strict)


@contextmanager
def not_started(shared: Deployment) -> Iterator[Deployment]:
    with deployment(started=False, kit_of=shared.state) as made:
        yield made


class Login:
    """`sshore login --oidc` while it waits for the browser."""

    def __init__(self, server: Deployment, directory: Path) -> None:
        self.here = CommandLine(directory / "config")
        self._process = subprocess.Popen(
            [SSHORE, "login", server.url, "--oidc", "--no-browser"],
            env=self.here.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.code = self._process.stderr.readline().strip().rpartition(" ")[2].rstrip(":")
        self.url = self._process.stderr.readline().strip()

    def end(self) -> tuple[int, str, str]:
        out, err = self._process.communicate(timeout=20)
        return self._process.returncode, out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def log_in(server: Deployment, directory: Path, subject: str) -> tuple[CommandLine, str]:
    """Log in with a new browser; the command line, and what it said."""
    with Login(server, directory) as login:
        browser = Browser()
        assert browser.open(login.url) == 200, browser.page
        assert browser.confirm() == 200, browser.page
        assert browser.log_in(subject) == 200, browser.page
        assert "close this window" in browser.page
        status, out, err = login.end()
        assert status == 0, err
        return login.here, out


def refused(server: Deployment, directory: Path, subject: str) -> str:
    """What the command line says when a login is refused after the provider's part."""
    with Login(server, directory) as login:
        browser = Browser()
        browser.open(login.url)
        browser.confirm()
        browser.log_in(subject)
        status, _, err = login.end()
        assert status == 4, err
        assert not (login.here.config / "credentials.json").exists()
        return err


def test_the_first_login_makes_the_user_and_the_second_finds_the_same(group: Group, tmp_path: Path) -> None:
    here, said = log_in(group.server, tmp_path / "1", "g-1")
    assert said == f"logged in to {group.server.url} as grace.hopper\n"
    assert here.json("token", "ls")[0]["name"].startswith("login from")
    assert here.run("user", "ls").returncode == 4, "no admin"
    again, _ = log_in(group.server, tmp_path / "2", "g-1")
    assert len(again.json("token", "ls")) == 2


def test_a_name_is_no_identity(group: Group, tmp_path: Path) -> None:
    """Whoever may choose a name at the provider does not become who has that name here."""
    _, said = log_in(group.server, tmp_path / "1", "a-1")
    assert said.endswith(" as admin-2\n")
    log_in(group.server, tmp_path / "2", "g-1")
    _, said = log_in(group.server, tmp_path / "3", "g-2")
    assert said.endswith(" as grace.hopper-2\n")


def test_the_browser_shows_the_code_of_the_command_line(group: Group, tmp_path: Path) -> None:
    with Login(group.server, tmp_path) as login:
        browser = Browser()
        browser.open(login.url)
        assert re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4}", login.code)
        assert f"<b>{login.code}</b>" in browser.page


def test_nothing_goes_on_without_the_users_confirmation_in_the_same_browser(group: Group, tmp_path: Path) -> None:
    with Login(group.server, tmp_path) as login:
        mine, anothers = Browser(follows_back=False), Browser()
        mine.open(login.url)
        anothers.url, anothers.page = mine.url, mine.page
        assert anothers.confirm() == 401
        assert mine.confirm() == 200
        mine.log_in("g-1")
        assert anothers.open(mine.url) == 401, "a login of another browser is not taken for this one's"


def test_a_refusal_reaches_the_command_line(group: Group, tmp_path: Path) -> None:
    with Login(group.server, tmp_path) as login:
        browser = Browser()
        browser.open(login.url)
        browser.confirm()
        assert browser.deny() == 200, browser.page
        status, _, err = login.end()
        assert (status, "the provider refused: End-User aborted" in err) == (4, True), err
        assert not (login.here.config / "credentials.json").exists()


def test_a_disabled_user_is_refused(group: Group, tmp_path: Path) -> None:
    log_in(group.server, tmp_path / "1", "g-2")
    (name,) = (u["name"] for u in group.server.admin.json("user", "ls") if u["oidc_subject"].endswith("#g-2"))
    group.server.cli("user", "disable", name)
    assert "is disabled: ask an admin" in refused(group.server, tmp_path / "2", "g-2")
    group.server.cli("user", "enable", name)


def test_whose_id_token_has_no_name_is_called_as_the_provider_says_when_asked(group: Group, tmp_path: Path) -> None:
    _, said = log_in(group.server, tmp_path, "m-1")
    assert said.endswith(" as margaret\n")


def test_the_provider_may_change_its_signing_keys(group: Group, tmp_path: Path) -> None:
    log_in(group.server, tmp_path / "1", "g-1")
    group.provider.rotate()
    log_in(group.server, tmp_path / "2", "g-1")


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another login"},
        {"aud": "another-client"},
        {"aud": ["sshore", "another-client"]},
        {"iss": "https://accounts.example.org"},
        {"exp": 1_700_000_000},
    ],
    ids=str,
)
def test_a_token_for_another_is_refused_though_the_provider_has_signed_it(
    group: Group, tmp_path: Path, claims: dict[str, Any]
) -> None:
    with group.provider.falsifies(**claims):
        assert "the provider's ID token" in refused(group.server, tmp_path, "g-1")


def test_a_code_is_good_for_the_login_that_it_was_given_to(group: Group, tmp_path: Path) -> None:
    """A stolen code is worth nothing: the provider checks that who redeems it has begun the login (PKCE)."""
    with Login(group.server, tmp_path / "victim") as victim, Login(group.server, tmp_path / "thief") as thief:
        victims, thiefs = Browser(follows_back=False), Browser(follows_back=False)
        for login, browser in ((victim, victims), (thief, thiefs)):
            browser.open(login.url)
            browser.confirm()
        victims.log_in("g-1")
        thiefs.log_in("g-2")
        (code,) = re.findall(r"code=[^&]+", victims.url)
        assert thiefs.follow(re.sub(r"code=[^&]+", code, thiefs.url)) == 200
        status, _, err = thief.end()
        assert (status, "invalid_grant" in err) == (4, True), err


def test_an_admin_links_a_user_who_was_there_before(group: Group, tmp_path: Path) -> None:
    group.server.cli("user", "add", "ada")
    group.server.cli("user", "link", "ada", f"{group.provider.issuer}#l-1")
    _, said = log_in(group.server, tmp_path, "l-1")
    assert said.endswith(" as ada\n")
    taken = group.server.admin.run("user", "link", "admin", f"{group.provider.issuer}#l-1")
    assert (taken.returncode, b"another user already" in taken.stderr) == (1, True)


def test_a_server_that_makes_no_users_says_how_to_link_one(group: Group, tmp_path: Path) -> None:
    """As a client without a secret, to which the provider's tokens are signed by another kind of key."""
    said = refused(group.strict, tmp_path / "1", "nobody-yet")
    assert f"sshore user link NAME '{group.provider.issuer}#nobody-yet'" in said
    group.strict.cli("user", "link", "admin", f"{group.provider.issuer}#nobody-yet")
    assert log_in(group.strict, tmp_path / "2", "nobody-yet")[1].endswith(" as admin\n")


def test_a_server_without_a_provider_says_so(shared: Deployment, tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("login", shared.url, "--oidc", "--no-browser")
    assert (done.returncode, b"has no OpenID Connect provider" in done.stderr) == (3, True)
