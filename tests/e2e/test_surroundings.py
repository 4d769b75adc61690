"""The whole command line as an ordinary user of this machine runs it, in whatever surroundings: odd homes, locales,
another Python's packages, an ssh_config that sets everything, nowhere to write. It works or says why: no traceback.

A day's commands in each: some 20 starts of Python, 3 to 6 s.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from deployment import Deployment
from ordinary_user import OrdinaryUser, ordinary_user
from programs import need, need_that
from small_disk import small_disk

_LOCALES = {"en_US.UTF-8": ("en_US", "UTF-8"), "ko_KR.EUC-KR": ("ko_KR", "EUC-KR")}
_OF_ANOTHER_PYTHON = ("click", "rich", "filelock", "starlette", "uvicorn", "json", "socket", "re", "enum", "subprocess")
_SETS_EVERYTHING = """\
Host *
    ControlMaster auto
    ControlPath {home}/cm-%C
    ControlPersist 3
    ForwardAgent yes
    IdentityAgent none
    ProxyJump nowhere.invalid
    RequestTTY force
    RemoteCommand echo not this
    SessionType none
    StdinNull yes
    ForkAfterAuthentication yes
    PubkeyAuthentication no
    PreferredAuthentications password
    PermitLocalCommand yes
    LocalCommand echo nor this >&2
    LogLevel QUIET
    Tunnel yes
    AddKeysToAgent yes
    User nobody
"""
_LEFT_TO_THE_USER = (
    "RemoteCommand=none",
    "RequestTTY=no",
    "SessionType=default",
    "StdinNull=no",
    "ForkAfterAuthentication=no",
)
"""Of all that, by who runs `ssh NAME.sshore`."""


@dataclass
class Surroundings:
    """What one user's commands run in; `home` is HOME, and has the user's login. Unset is what is None."""

    user: OrdinaryUser
    home: Path
    changes: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.home / ".config" / "sshore"

    def run(
        self, *words: str | bytes, stdin: bytes = b"", through: str = 'exec "$@"'
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command, perhaps by a shell's line that changes its descriptors."""
        environment = {**self.user.environment, "HOME": str(self.home), "TERM": "xterm", **self.changes}
        line = ["sh", "-c", through, "sh", *words]
        done = subprocess.run(
            [*self.user.command(), *line],
            env={name: value for name, value in environment.items() if value is not None},
            cwd=self.home,
            input=stdin,
            capture_output=True,
            timeout=60,
        )
        assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr, done.stderr.decode()
        return done

    def sshore(self, *words: str, **how: str) -> subprocess.CompletedProcess[bytes]:
        return self.run("sshore", *words, **how)  # type: ignore[arg-type]

    def ok(self, *words: str | bytes, stdin: bytes = b"") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, (words, done.stderr.decode(errors="replace"))
        return done.stdout.decode(errors="replace")

    def refused(self, *words: str, status: int, says: str) -> None:
        done = self.sshore(*words)
        assert (done.returncode, done.stderr.count(b"\n")) == (status, 1), (words, done.stderr.decode())
        assert re.search(says, done.stderr.decode()), words


@pytest.fixture(scope="module")
def user() -> Iterator[OrdinaryUser]:
    with ordinary_user("sshore-somewhere") as user:
        yield user


@pytest.fixture(scope="module")
def login(shared: Deployment) -> str:
    """The credentials of a member who has the session `box`."""
    member = shared.member("somewhere")
    member.run_session("box", "--network", "none")
    return (member.config / "credentials.json").read_text()


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("localedef")
    need_that(Path("/usr/share/i18n/charmaps/EUC-KR.gz").exists(), "not installed here: Debian's package locales")
    place = tmp_path_factory.mktemp("locales")
    for directory in (place, *list(place.parents)[:3]):
        directory.chmod(directory.stat().st_mode | 0o055)
    for name, (language, charmap) in _LOCALES.items():
        subprocess.run(["localedef", "-i", language, "-f", charmap, place / name], check=True)
    return place


@pytest.fixture
def somewhere(user: OrdinaryUser, login: str) -> Iterator[Callable[..., Surroundings]]:
    """Makes surroundings, with a home that has a login."""
    made: list[Surroundings] = []

    def make(name: str | bytes = "home", **changes: str | None) -> Surroundings:
        here = Surroundings(user, user.home / os.fsdecode(name), changes)
        here.config.mkdir(parents=True)
        (here.config / "credentials.json").write_text(login)
        _give(here.home, user.name)
        made.append(here)
        return here

    yield make
    for here in made:
        here.run("sshore", "proxy", "stop")
        shutil.rmtree(here.home)


def _give(directory: Path, name: str) -> None:
    for path in (directory, *directory.rglob("*")):
        shutil.chown(path, name, name)


def walk(here: Surroundings, *, plain_ssh: bool = True) -> None:
    """What a user does in a day. `plain_ssh`: the user's own ssh_config leaves commands to their user."""
    home = here.home
    assert "box" in here.ok("sshore", "ls")
    assert json.loads(here.ok("sshore", "show", "box", "--json"))["state"] == "running"
    assert here.ok("sshore", "ssh", "box", "echo through").strip() == "through"
    (home / "sent").write_bytes(b"sent")
    here.ok("sshore", "sftp", "-b", "-", "box", stdin=b"put sent by-sftp\nget by-sftp by-sftp\n")
    here.ok("sshore", "cp", "sent", "box:by-cp")
    here.ok("sshore", "cp", "box:by-cp", "by-cp")
    assert (home / "by-cp").read_bytes() == (home / "by-sftp").read_bytes() == b"sent"
    card = json.loads(here.ok("sshore", "connect", "box", "--json"))
    # Files' names are bytes: in the letters of the locale that they were read by.
    letters = "euc_kr" if "EUC-KR" in (here.changes.get("LC_ALL") or "") else "utf-8"
    by_card = [word.encode(letters, "surrogateescape") for word in shlex.split(card["command"])]
    assert here.ok(by_card[0], "-F", "none", *by_card[1:], "echo through") == "through\n"
    assert "ok" in here.ok("sshore", "forwards")
    own = home / "ssh_config"
    here.ok(
        "sh",
        "-c",
        f'cat "{here.user.home}/.ssh/config" >ssh_config 2>/dev/null; exec sshore config-ssh --file ssh_config',
    )
    mine = () if plain_ssh else _LEFT_TO_THE_USER
    assert (
        here.ok("ssh", "-F", str(own), *(f"-o{option}" for option in mine), "box.sshore", "echo through") == "through\n"
    )
    assert "box" in here.ok("sshore", "profile", "box", "ssh-config")
    here.ok("sshore", "profile", "box", "putty", "--install")
    here.ok("sshore", "key", "box", "-o", "key")
    assert "stream" in here.ok("sshore", "doctor", "box")
    here.ok("sshore", "config-ssh", "--remove", "--file", "ssh_config")
    here.ok("sshore", "disconnect", "box")


@pytest.mark.parametrize(
    "name",
    ["two words", "o'brien", 'say "hi"', "100%c", "back\\slash", "홍길동", b"caf\xe9", "[a]*", "# $x;&"],
    ids=["blank", "quote", "double quote", "percent", "backslash", "Korean", "no UTF-8", "pattern", "shell"],
)
def test_any_home(somewhere: Callable[..., Surroundings], name: str | bytes) -> None:
    walk(somewhere(name))


@pytest.mark.parametrize("locale", ["C", *_LOCALES])
def test_any_locale(somewhere: Callable[..., Surroundings], locales: Path, locale: str) -> None:
    walk(somewhere("naïve – 홈", LC_ALL=locale, LANG=None, LOCPATH=str(locales)))


def test_another_pythons_packages(somewhere: Callable[..., Surroundings]) -> None:
    here = somewhere()
    packages = here.home / "python2.7"
    packages.mkdir()
    for name in _OF_ANOTHER_PYTHON:
        (packages / f"{name}.py").write_text("raise SystemError('of another Python')\n")
    here.changes = {"PYTHONPATH": str(packages)}
    walk(here)


@pytest.mark.parametrize("name", ["HOME", "TERM"])
def test_without_a_variable(somewhere: Callable[..., Surroundings], user: OrdinaryUser, name: str) -> None:
    here = somewhere()
    if name == "HOME":  # then it is what the user database says
        (user.home / ".config").symlink_to(here.home / ".config")
    here.changes = {name: None}
    try:
        walk(here)
    finally:
        (user.home / ".config").unlink(missing_ok=True)


def test_an_account_without_any_home_is_told_so(user: OrdinaryUser) -> None:
    environment = {name: value for name, value in user.environment.items() if name != "HOME"}
    nobody = ["setpriv", "--reuid=59999", "--regid=59999", "--clear-groups", str(user.sshore), "ls"]
    user.home.chmod(0o755)
    done = subprocess.run(nobody, env=environment, cwd="/", capture_output=True)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr.decode()
    assert b"set HOME, or SSHORE_CONFIG_DIR" in done.stderr


def test_an_ssh_config_that_sets_everything(somewhere: Callable[..., Surroundings], user: OrdinaryUser) -> None:
    here = somewhere()
    theirs = user.home / ".ssh" / "config"
    theirs.parent.mkdir(mode=0o700)
    theirs.write_text(_SETS_EVERYTHING.format(home=here.home))
    theirs.chmod(0o600)
    _give(theirs.parent, user.name)
    try:
        walk(here, plain_ssh=False)
    finally:
        shutil.rmtree(theirs.parent)


@pytest.mark.parametrize("through", ['exec "$@" >&-', 'exec "$@" <&-', 'exec "$@" >&- <&- 2>&-'])
def test_closed_descriptors(somewhere: Callable[..., Surroundings], through: str) -> None:
    here = somewhere()
    for words in (
        ["ls"],
        ["show", "box", "--json"],
        ["connect", "box"],
        ["ssh", "box", "true"],
        ["key", "box", "-o", "k"],
    ):
        assert here.sshore(*words, through=through).returncode == 0, words
    for words, status in ((["show", "nobox"], 3), (["ls", "--no-such"], 2)):
        assert here.sshore(*words, through=through).returncode == status, words


def test_an_output_that_cannot_be_written_is_said(somewhere: Callable[..., Surroundings]) -> None:
    here = somewhere()
    for words in (["ls"], ["show", "box", "--json"], ["--help"], ["key", "box", "-o", "-"]):
        done = here.sshore(*words, through='exec "$@" >/dev/full')
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1), done.stderr.decode()
        assert b"No space left" in done.stderr
        here.sshore(*words, through='"$@" | true')


def test_a_config_directory_that_cannot_be_written(somewhere: Callable[..., Surroundings]) -> None:
    here = somewhere()
    here.config.chmod(0o555)
    assert "box" in here.ok("sshore", "ls")
    assert "running" in here.ok("sshore", "show", "box")
    for words in (
        ["ssh", "box", "true"],
        ["connect", "box"],
        ["config-ssh", "--file", "own"],
        ["cp", "box:.profile", "."],
        ["logout"],
    ):
        here.refused(*words, status=1, says="ermission denied; .*SSHORE_CONFIG_DIR=DIR sshore login")
    here.ok("sshore", "key", "box", "-o", "key")
    assert b"SSHORE_CONFIG_DIR=DIR" in here.sshore("doctor", "box").stdout
    # As it says.
    stored = json.loads((here.config / "credentials.json").read_text())
    here.changes = {"SSHORE_CONFIG_DIR": str(here.home / "other")}
    here.ok("sshore", "login", stored["default"], "--token", stored["tokens"][stored["default"]])
    assert here.ok("sshore", "ssh", "box", "echo through") == "through\n"
    here.config.chmod(0o700)


def test_a_config_directory_on_a_full_disk(somewhere: Callable[..., Surroundings], login: str) -> None:
    here = somewhere()
    shutil.rmtree(here.config)
    with small_disk(here.config, "64k") as disk:
        (here.config / "credentials.json").write_text(login)
        _give(here.config, here.user.name)
        disk.fill()
        assert "box" in here.ok("sshore", "ls")
        for words in (["ssh", "box", "true"], ["connect", "box"], ["config-ssh", "--file", "own"]):
            here.refused(*words, status=1, says="disk is full|No space left")
        disk.make_room()
        assert here.ok("sshore", "ssh", "box", "echo through") == "through\n"
