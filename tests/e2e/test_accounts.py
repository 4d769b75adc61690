"""Two users and an admin who log in by the command line: passwords, tokens, disabling, removing."""

import json
import os
import pty
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from host_processes import leave_sleeping, until
from ssh_client import through_proxy_command
from terminal import terminal

from integration.command_line import SSHORE, CommandLine

PASSWORD = b"correct horse battery"
USAGE, NOT_FOUND, REFUSED = 2, 3, 4


@pytest.fixture
def directory(shared: Deployment, request: pytest.FixtureRequest) -> Path:
    made = shared.directory / request.node.name.replace("[", "-").rstrip("]")
    made.mkdir()
    return made


@pytest.fixture
def user(shared: Deployment, directory: Path) -> Iterator[str]:
    """A user with a password."""
    name = f"user-{directory.name[-20:]}".replace("_", "-").rstrip("-")
    done = shared.admin.run("user", "add", name, "--password-stdin", stdin=PASSWORD + b"\n")
    assert done.returncode == 0, done.stderr
    yield name
    shared.admin.run("user", "rm", "--with-data", name)


def log_in(shared: Deployment, directory: Path, user: str, password: bytes = PASSWORD) -> CommandLine:
    here = CommandLine(directory / user)
    done = here.run("login", shared.url, "--user", user, "--password-stdin", stdin=password + b"\n")
    assert done.returncode == 0, done.stderr
    return here


def test_a_password_becomes_a_named_token_that_is_stored_privately(
    shared: Deployment, directory: Path, user: str
) -> None:
    here = log_in(shared, directory, user)
    (token,) = here.json("token", "ls")
    assert token["name"].startswith("login from ")
    assert token["last_used_at"] is not None
    assert (here.config / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert PASSWORD.decode() not in (here.config / "credentials.json").read_text()
    assert here.json("ls") == []


def test_a_password_is_asked_for_on_the_terminal_and_not_shown(shared: Deployment, directory: Path, user: str) -> None:
    here = CommandLine(directory)
    process, terminal = pty.fork()
    if process == 0:
        os.execve(SSHORE, [SSHORE, "login", shared.url, "--user", user], here.environment)
    seen = b""
    with os.fdopen(terminal, "r+b", buffering=0) as screen:
        while b"Password of" not in seen:
            seen += screen.read(1024)
        screen.write(PASSWORD + b"\n")
        try:
            while more := screen.read(1024):
                seen += more
        except OSError:  # the end of a terminal
            pass
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, seen
    assert b"logged in" in seen
    assert PASSWORD not in seen


def test_what_is_wrong_is_told_and_nothing_stored(shared: Deployment, directory: Path, user: str) -> None:
    here = CommandLine(directory)
    for arguments, stdin, status, said in (
        (("--user", user, "--password-stdin"), b"wrong\n", REFUSED, b"user name or the password is wrong"),
        (("--user", "nosuch", "--password-stdin"), b"wrong\n", REFUSED, b"user name or the password is wrong"),
        (("--user", user, "--password-stdin"), b"\n", USAGE, b"password is empty"),
        (("--user", user), None, USAGE, b"--password-stdin"),
        ((), None, USAGE, b"--user NAME"),
        (("--token", "sshore_wrong"), None, REFUSED, b"not known here"),
        (("--token", "sshore_wrong", "--user", user), None, USAGE, b"not with both"),
    ):
        done = here.run("login", shared.url, *arguments, stdin=stdin)
        assert (done.returncode, done.stderr.count(b"\n")) == (status, 1), done.stderr
        assert said in done.stderr
    assert not (here.config / "credentials.json").exists()


def test_guessing_is_throttled_and_says_for_how_long(shared: Deployment, directory: Path, user: str) -> None:
    answers = [guess(shared, user, "wrong") for _ in range(8)]
    assert answers[:5] == [(401, 0)] * 5
    assert (429, 1) in answers[5:]
    status, wait_s = guess(shared, user, PASSWORD.decode())
    assert status == 429, "a right guess is a guess"
    time.sleep(wait_s)  # what it says is what it means
    log_in(shared, directory, user)


def guess(shared: Deployment, user: str, password: str) -> tuple[int, int]:
    """Log in over HTTP, which is quick; the status, and for how long to stay away."""
    body = json.dumps({"user": user, "password": password}).encode()
    request = urllib.request.Request(f"{shared.url}/api/v1/login", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=20)
    with refusal.value as answer:
        return answer.code, int(answer.headers.get("Retry-After", 0))


def test_a_token_url_logs_in(shared: Deployment, directory: Path) -> None:
    url, token = shared.login
    here = CommandLine(directory)
    assert here.ok("login", f"{url}/#token={token}") == f"logged in to {url} as admin\n"


def test_logging_out_revokes_the_token(shared: Deployment, directory: Path, user: str) -> None:
    here = log_in(shared, directory, user)
    token = here.token
    here.ok("logout")
    assert here.run("ls").returncode == REFUSED
    assert b"not known here" in here.run("login", shared.url, "--token", token).stderr


def test_users_change_their_passwords_and_admins_anybodys(shared: Deployment, directory: Path, user: str) -> None:
    here = log_in(shared, directory, user)
    wrong = here.run("user", "passwd", "--password-stdin", stdin=b"not this one\na new password\n")
    assert (wrong.returncode, b"current password is wrong" in wrong.stderr) == (USAGE, True)
    assert here.run("user", "passwd", "--password-stdin", stdin=PASSWORD + b"\na new password\n").returncode == 0
    log_in(shared, directory, user, b"a new password")
    assert here.run("user", "passwd", "admin", "--password-stdin", stdin=b"a new password\n").returncode == REFUSED
    assert shared.admin.run("user", "passwd", user, "--password-stdin", stdin=PASSWORD + b"\n").returncode == 0
    log_in(shared, directory, user)


def test_a_disabled_user_is_kept_out_until_enabled(shared: Deployment, directory: Path, user: str) -> None:
    here = log_in(shared, directory, user)
    shared.cli("user", "disable", user)
    states = {found["name"]: found["disabled"] for found in shared.admin.json("user", "ls")}
    assert (states[user], states["admin"]) == (True, False)
    done = here.run("ls")
    assert (done.returncode, b"is disabled: ask an admin" in done.stderr) == (REFUSED, True)
    again = here.run("login", shared.url, "--user", user, "--password-stdin", stdin=PASSWORD + b"\n")
    assert (again.returncode, b"is disabled" in again.stderr) == (REFUSED, True)
    shared.cli("user", "enable", user)
    assert here.json("ls") == []


def test_a_member_becomes_an_admin_and_a_member_again(shared: Deployment, directory: Path, user: str) -> None:
    here = log_in(shared, directory, user)
    assert here.run("user", "ls").returncode == REFUSED
    shared.cli("user", "role", user, "admin")
    assert user in {found["name"] for found in here.json("user", "ls")}
    shared.cli("user", "role", user, "member")
    assert here.run("user", "ls").returncode == REFUSED


def test_nobody_removes_or_disables_himself(shared: Deployment) -> None:
    for words in (("rm", "admin"), ("disable", "admin"), ("role", "admin", "member")):
        done = shared.admin.run("user", *words)
        assert (done.returncode, b"another admin" in done.stderr) == (1, True)
    assert shared.admin.run("user", "rm", "nosuch").returncode == NOT_FOUND


def test_a_removed_user_leaves_nothing_behind(shared: Deployment) -> None:
    gone: Owner = shared.member("gone")
    session = gone.run_session("box", "--network", "none")
    sleeper = leave_sleeping(through_proxy_command(gone, "box", gone.key("box")))
    gone.ok("folder", "create", "data")
    folder = shared.folder("data", "gone")
    done = shared.admin.run("user", "rm", "gone")
    assert (done.returncode, b"--with-data" in done.stderr) == (1, True)
    assert gone.json("show", "box")["state"] == "running"
    shared.cli("user", "rm", "gone", "--with-data")
    assert not sleeper.still_sleeps
    assert not shared.home(session["id"]).exists()
    assert not folder.exists()
    assert gone.run("ls").returncode == REFUSED
    assert session["id"] not in {found["id"] for found in shared.admin.json("ls", "--all")}


def test_a_new_password_ends_other_logins_where_it_is_asked_to(shared: Deployment, directory: Path, user: str) -> None:
    here, elsewhere = log_in(shared, directory, user), log_in(shared, directory / "elsewhere", user)
    both = PASSWORD + b"\nanother one\n"
    change = ("user", "passwd", "--password-stdin")
    until(lambda: here.run(*change, stdin=both).returncode == 0, "the wait for guesses of other tests is over")
    elsewhere.ok("ls")

    def changed() -> bool:
        with terminal([SSHORE, "user", "passwd"], here.environment) as screen:
            for asked, typed in (("Current", "another one"), ("New", "a third one"), ("same again", "a third one")):
                screen.expect(asked)
                screen.type(f"{typed}\n")
            screen.expect("Revoke the 1 other token that you have")
            screen.type("y\n")
            status = screen.wait()
        assert status == 0 or "too many attempts" in screen.text, screen.text
        return status == 0

    until(changed, "the wait for guesses of other tests is over")
    here.ok("ls")
    refused = elsewhere.run("ls")
    assert (refused.returncode, b"was revoked" in refused.stderr) == (REFUSED, True)


def test_the_first_token_is_for_a_day_and_a_login_by_it_is_ones_own(shared: Deployment) -> None:
    tokens = shared.admin.json("token", "ls")
    first = [token for token in tokens if token["name"] == "first login"]
    lives = [
        datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(token["created_at"]) for token in first
    ]
    assert lives == [timedelta(days=1)] * len(first) != []
    mine = [token for token in tokens if token["last_used_at"] and token["name"].startswith("login from")]
    assert mine and all(token["expires_at"] is None for token in mine)
