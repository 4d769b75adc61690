"""`sshore login URL --oidc` at a real provider, with the browser's part done over HTTP."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from deployment import Deployment, deployment
from oidc_provider import Browser, oidc_provider

from integration.command_line import SSHORE, CommandLine

GRACE = {"sub": "g-1", "preferred_username": "Grace.Hopper", "email": "grace@example.org"}
OTHER_GRACE = {"sub": "g-2", "preferred_username": "grace.hopper"}
ADMIN = {"sub": "a-1", "preferred_username": "admin"}


@dataclass(frozen=True)
class Group:
    """A group's server, and its provider."""

    server: Deployment
    issuer: str


@pytest.fixture(scope="module")
def group(shared: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    log = tmp_path_factory.mktemp("provider") / "log"
    with oidc_provider(log, GRACE, OTHER_GRACE, ADMIN) as issuer, server_of(shared, issuer, "1") as made:
        yield Group(made, issuer)


@contextmanager
def server_of(shared: Deployment, issuer: str, create_users: str) -> Iterator[Deployment]:
    with deployment(started=False, kit_of=shared.state) as made:
        made.server.environment |= {
            "SSHORE_OIDC_ISSUER": issuer,
            "SSHORE_OIDC_CLIENT_ID": "sshore",
            "SSHORE_OIDC_CLIENT_SECRET": "between us",
            "SSHORE_OIDC_CREATE_USERS": create_users,
        }
        made.start()
        yield made


class Login:
    """`sshore login --oidc` while it waits for the browser."""

    def __init__(self, group: Group, directory: Path) -> None:
        self.here = CommandLine(directory / "config")
        self._process = subprocess.Popen(
            [SSHORE, "login", group.server.url, "--oidc", "--no-browser"],
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


def log_in(group: Group, directory: Path, subject: str) -> tuple[CommandLine, str]:
    """Log in with a new browser; the command line, and what it said."""
    with Login(group, directory) as login:
        browser = Browser()
        assert browser.open(login.url) == 200, browser.page
        assert browser.confirm() == 200, browser.page
        assert browser.log_in(subject) == 200, browser.page
        assert "close this window" in browser.page
        status, out, err = login.end()
        assert status == 0, err
        return login.here, out


def test_the_first_login_makes_the_user_and_the_second_finds_the_same(group: Group, tmp_path: Path) -> None:
    here, said = log_in(group, tmp_path / "1", "g-1")
    assert said == f"logged in to {group.server.url} as grace.hopper\n"
    assert here.json("token", "ls")[0]["name"].startswith("login from")
    assert here.run("user", "ls").returncode == 4, "no admin"
    again, _ = log_in(group, tmp_path / "2", "g-1")
    assert len(again.json("token", "ls")) == 2


def test_a_name_is_no_identity(group: Group, tmp_path: Path) -> None:
    """Whoever may choose a name at the provider does not become who has that name here."""
    _, said = log_in(group, tmp_path / "1", "a-1")
    assert said.endswith(" as admin-2\n")
    log_in(group, tmp_path / "2", "g-1")
    _, said = log_in(group, tmp_path / "3", "g-2")
    assert said.endswith(" as grace.hopper-2\n")


def test_the_browser_shows_the_code_of_the_command_line(group: Group, tmp_path: Path) -> None:
    with Login(group, tmp_path) as login:
        browser = Browser()
        browser.open(login.url)
        assert re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4}", login.code)
        assert f"<b>{login.code}</b>" in browser.page


def test_nothing_goes_on_without_the_users_confirmation_in_the_same_browser(group: Group, tmp_path: Path) -> None:
    with Login(group, tmp_path) as login:
        mine, anothers = Browser(), Browser()
        mine.open(login.url)
        anothers.url, anothers.page = mine.url, mine.page
        assert anothers.confirm() == 401
        assert mine.confirm() == 200
        anothers.url = mine.url
        assert anothers.log_in("g-1") == 401, "a login of another browser is not taken for this one's"


def test_a_refusal_reaches_the_command_line(group: Group, tmp_path: Path) -> None:
    with Login(group, tmp_path) as login:
        browser = Browser()
        browser.open(login.url)
        browser.confirm()
        assert browser.deny(f"{group.server.url}/api/v1/oidc/callback") == 200, browser.page
        status, _, err = login.end()
        assert (status, "the provider refused: access_denied" in err) == (4, True), err
        assert not (login.here.config / "credentials.json").exists()


def test_a_disabled_user_is_refused(group: Group, tmp_path: Path) -> None:
    log_in(group, tmp_path / "1", "g-2")
    (name,) = (u["name"] for u in group.server.admin.json("user", "ls") if u["oidc_subject"].endswith("#g-2"))
    group.server.cli("user", "disable", name)
    with Login(group, tmp_path / "2") as login:
        browser = Browser()
        browser.open(login.url)
        browser.confirm()
        browser.log_in("g-2")
        status, _, err = login.end()
        assert (status, "is disabled: ask an admin" in err) == (4, True), err
        group.server.cli("user", "enable", name)


def test_an_admin_links_a_user_who_was_there_before(group: Group, tmp_path: Path) -> None:
    group.server.cli("user", "add", "ada")
    group.server.cli("user", "link", "ada", f"{group.issuer}#l-1")
    _, said = log_in(group, tmp_path, "l-1")
    assert said.endswith(" as ada\n")
    taken = group.server.admin.run("user", "link", "admin", f"{group.issuer}#l-1")
    assert (taken.returncode, b"another user already" in taken.stderr) == (1, True)


def test_a_server_that_makes_no_users_says_how_to_link_one(shared: Deployment, group: Group, tmp_path: Path) -> None:
    with server_of(shared, group.issuer, "") as strict, Login(Group(strict, group.issuer), tmp_path) as login:
        browser = Browser()
        browser.open(login.url)
        browser.confirm()
        browser.log_in("nobody-yet")
        status, _, err = login.end()
        assert (status, f"sshore user link NAME '{group.issuer}#nobody-yet'" in err) == (4, True), err


def test_a_server_without_a_provider_says_so(shared: Deployment, tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("login", shared.url, "--oidc", "--no-browser")
    assert (done.returncode, b"has no OpenID Connect provider" in done.stderr) == (3, True)
