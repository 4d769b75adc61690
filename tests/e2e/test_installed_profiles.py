"""`sshore profile NAME putty|filezilla --install`: the real programs connect, and ask nothing."""

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from deployment import Deployment
from host_processes import until
from programs import need
from terminal import terminal

from integration.command_line import SSHORE
from sshore.proxy.forwards import Card

_TIMEOUT_S = 30


class Desktop:
    """A user's home, with nothing of PuTTY or FileZilla in it yet."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        own = ("PUTTYDIR", "XDG_CONFIG_HOME")
        self.environment = {
            **{k: v for k, v in environment.items() if k not in own},
            "HOME": str(home),
            "TMPDIR": str(home),
        }

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            words, env=self.environment, input=stdin, capture_output=True, text=True, timeout=_TIMEOUT_S
        )

    def ok(self, *words: str, stdin: str = "") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self, program: str, name: str = "demo") -> "subprocess.CompletedProcess[str]":
        return self.run(SSHORE, "profile", name, program, "--install")

    def write(self, path: str, text: str) -> Path:
        there = self.home / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)
        return there


@pytest.fixture
def desktop(shared: Deployment, card: Card, tmp_path: Path) -> Desktop:
    (tmp_path / "home").mkdir()
    return Desktop(tmp_path / "home", shared.admin.environment)


class TestPutty:
    @pytest.fixture(autouse=True)
    def tools(self) -> None:
        need("plink", "psftp")

    def test_it_asks_where_nothing_is_installed(self, desktop: Desktop, card: Card) -> None:
        (desktop.home / ".putty").mkdir()  # else plink looks into the account's real home
        done = desktop.run("plink", "-batch", "-P", str(card.port), "work@localhost", "true")
        assert "not cached" in done.stderr

    @pytest.mark.parametrize("session", ["demo", "demo.sshore"])
    @pytest.mark.parametrize("directory", [".config/putty", ".putty"])
    def test_a_saved_session_connects(self, desktop: Desktop, directory: str, session: str) -> None:
        (desktop.home / directory).mkdir(parents=True)
        assert desktop.install("putty").returncode == 0
        assert desktop.install("putty").returncode == 0, "it may be renewed"
        assert "(work)" in desktop.ok("plink", "-batch", "-load", session, "id")
        assert ".bashrc" in desktop.ok("psftp", "-batch", "-load", session, "-b", "/dev/stdin", stdin="ls\n")

    def test_a_file_keeps_its_mode_and_a_new_one_is_as_putty_would_make_it(self, desktop: Desktop, card: Card) -> None:
        (desktop.home / ".putty").mkdir()
        with terminal(["plink", "-P", str(card.port), "work@localhost", "true"], desktop.environment) as user:
            user.expect(r"\(y/n")
            user.type("y\r")
            user.wait()
        keys = desktop.home / ".putty" / "sshhostkeys"
        by_plink = stat.S_IMODE(keys.stat().st_mode)
        keys.chmod(0o640)
        assert desktop.install("putty").returncode == 0
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.parent.rglob("*")}
        assert (modes["sshhostkeys"], modes["demo"], modes["demo.sshore"]) == (0o640, by_plink, by_plink)

    def test_a_folder_opens_by_sftp(self, desktop: Desktop, shared: Deployment) -> None:
        shared.cli("folder", "create", "for putty")
        assert desktop.install("putty", "folder:for putty").returncode == 0
        words = ["psftp", "-batch", "-load", "folder:for putty", "-b", "/dev/stdin"]
        assert "/home/work/for putty" in desktop.ok(*words, stdin="pwd\n")

    def test_a_port_typed_by_hand_is_known_too(self, desktop: Desktop, card: Card) -> None:
        desktop.ok(SSHORE, "profile", "demo", "putty", "--install")
        key = str(Path(card.key_file).with_suffix(".ppk"))
        for host in ("localhost", "127.0.0.1"):
            assert "(work)" in desktop.ok("plink", "-batch", "-P", str(card.port), "-i", key, f"work@{host}", "id")

    def test_a_session_of_the_users_own_stays(self, desktop: Desktop) -> None:
        own = desktop.write(".putty/sessions/demo", "HostName=demo.example.org\nPublicKeyFile=/home/ann/own.ppk\n")
        before = own.read_text()
        done = desktop.install("putty")
        assert (done.returncode, own.read_text()) == (1, before)
        assert "another name" in done.stderr

    @pytest.mark.parametrize("words", [["winscp", "--install"], ["putty", "--install", "-o", "file"]])
    def test_there_is_nothing_else_to_install(self, desktop: Desktop, words: list[str]) -> None:
        assert desktop.run(SSHORE, "profile", "demo", *words).returncode == 2


class TestFilezilla:
    @pytest.fixture(autouse=True)
    def program(self) -> None:
        need("filezilla", "xvfb-run", "xauth")

    @pytest.fixture
    def log(self, desktop: Desktop) -> Iterator[Path]:
        """What FileZilla, on a screen of its own, logs of its visit to the site."""
        log = desktop.home / "log"
        settings = {"Logging file": log, "Greeting version": "99.0.0", "Update Check": 0}
        lines = "".join(f'<Setting name="{name}">{value}</Setting>' for name, value in settings.items())
        desktop.write(".config/filezilla/filezilla.xml", f"<FileZilla3><Settings>{lines}</Settings></FileZilla3>")
        desktop.ok(SSHORE, "profile", "demo", "filezilla", "--install")
        yield log

    def test_the_site_opens(self, desktop: Desktop, log: Path) -> None:
        words = ["xvfb-run", "-a", "filezilla", "--site=0/demo"]
        with subprocess.Popen(words, env=desktop.environment, start_new_session=True, **_QUIET) as program:
            try:
                until(lambda: log.exists() and "Directory listing of" in log.read_text(), "it lists the home", 25)
            finally:
                os.killpg(program.pid, 15)
        assert 'Directory listing of "/home/work" successful' in log.read_text()
        own, ours = ((desktop.home / ".config/filezilla" / name).stat() for name in ("layout.xml", "sitemanager.xml"))
        assert stat.S_IMODE(ours.st_mode) == stat.S_IMODE(own.st_mode), "as FileZilla makes them"


_QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
