"""`sshore config-ssh`, then plain `ssh NAME.sshore` and all that goes through it; who is behind a name (B4, B5)."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from programs import need
from ssh_client import run, through_forward

from integration.command_line import SSHORE
from sshore.core.choices import KeyType
from sshore.core.keys import CertificateAuthority, new_private_key, public_line


class Configured(Owner):
    """An owner with a home directory of her own, whose ssh_config `config-ssh` has changed."""

    def __init__(self, directory: Path, url: str, token: str, session_options: tuple[str, ...] = ()) -> None:
        super().__init__(directory / "config", url, token, session_options)
        self.environment["HOME"] = str(directory)
        self.own = directory / ".ssh" / "config"

    def ssh(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        # ssh looks ~ up in the password database, not in HOME: it is told where the file is.
        return run(["ssh", "-F", str(self.own), *arguments], self.environment, stdin)


@pytest.fixture(scope="module")
def fay(shared: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    shared.cli("user", "add", "fay-configured")
    token = shared.cli("token", "create", "--user", "fay-configured").strip()
    fay = Configured(tmp_path_factory.mktemp("home"), shared.url, token, shared.sessions_in.options)
    for name in ("demo", "other"):
        fay.run_session(name, "--network", "none")
    fay.run_session("quiet", "--network", "none", app="")
    fay.ok("config-ssh")
    yield fay
    fay.close()


@pytest.mark.every_engine
class TestPlainSsh:
    def test_it_reaches_a_session_and_asks_nothing(self, fay: Configured) -> None:
        # Without BatchMode, and without a terminal on which it could ask.
        done = fay.ssh("demo.sshore", "whoami; hostname")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"work\ndemo\n", b"")

    def test_nothing_is_learnt_at_the_first_use(self, fay: Configured) -> None:
        """What is known is the server's word: its authority, and each session's key under its own two names."""
        fay.ssh("other.sshore", "true")
        lines = (fay.config / "ssh" / "known_hosts").read_text().splitlines()
        ids = {name: fay.json("show", name)["id"] for name in ("demo", "other")}
        assert lines[0].startswith("@cert-authority *.sshore ")
        assert {line.split(" ")[0] for line in lines[1:]} <= {f"{name}.sshore,{ids[name]}.sshore" for name in ids}

    def test_a_client_that_wants_the_plain_key_gets_it_verified(self, fay: Configured) -> None:
        done = fay.ssh("-o", "HostKeyAlgorithms=ssh-ed25519", "demo.sshore", "whoami")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"work\n", b"")
        by_sshore = fay.run("ssh", "demo", "-o", "HostKeyAlgorithms=ssh-ed25519", "whoami")
        assert (by_sshore.returncode, by_sshore.stdout) == (0, b"work\n"), by_sshore.stderr

    def test_nothing_is_learnt_by_ssh_itself(self, fay: Configured) -> None:
        options = fay.ssh("-G", "demo.sshore").stdout
        assert b"stricthostkeychecking true" in options

    def test_a_sessions_id_is_a_name_as_well(self, fay: Configured) -> None:
        session_id = fay.json("show", "demo")["id"]
        assert fay.ssh(f"{session_id}.sshore", "hostname").stdout == b"demo\n"

    def test_the_exit_status_and_stdin_pass(self, fay: Configured) -> None:
        done = fay.ssh("demo.sshore", "cat; exit 3", stdin=b"through")
        assert (done.returncode, done.stdout) == (3, b"through")

    def test_scp_sftp_and_rsync_go_the_same_way(self, fay: Configured, tmp_path: Path) -> None:
        need("rsync")
        (tmp_path / "sent").write_bytes(b"x" * 100_000)
        options = ["-F", str(fay.own)]
        for number, words in enumerate(
            (
                ["scp", "-q", *options, str(tmp_path / "sent"), "demo.sshore:got-0"],
                ["rsync", "-e", f"ssh -F {fay.own}", str(tmp_path / "sent"), "demo.sshore:got-1"],
                ["sftp", "-q", *options, "-b", "-", "demo.sshore"],
            )
        ):
            done = run(words, fay.environment, f"put {tmp_path}/sent got-2\n".encode())
            assert done.returncode == 0, done.stderr.decode()
            assert fay.ssh("demo.sshore", f"wc -c < got-{number}").stdout == b"100000\n"

    def test_before_the_launch_it_fails_and_says_how_to_launch(self, fay: Configured) -> None:
        done = fay.ssh("quiet.sshore", "true")
        assert done.returncode == 255
        assert b"SSH / SFTP is not launched in session 'quiet'" in done.stderr
        assert b"sshore app start quiet ssh" in done.stderr
        assert b"Traceback" not in done.stderr

    def test_an_unknown_session_is_said_once(self, fay: Configured) -> None:
        done = fay.ssh("dmeo.sshore", "true")
        assert done.returncode == 255
        assert done.stderr.count(b"did you mean demo?") == 1

    def test_other_hosts_are_none_of_its_business(self, fay: Configured) -> None:
        options = fay.ssh("-G", "example.org").stdout
        assert b"sshore" not in options


@pytest.mark.every_engine
class TestWhoIsBehindTheName:
    """The session's host key is swapped below its `sshd`: each way in must refuse, with ssh's own words."""

    @pytest.fixture
    def ways_in(self, fay: Configured) -> Iterator[list[list[str]]]:
        card = fay.connect("demo")
        forward = through_forward(fay, card)
        yield [
            ["ssh", "-F", str(fay.own), "demo.sshore", "true"],
            [SSHORE, "ssh", "demo", "true"],
            forward.arguments("true"),
        ]
        fay.ok("disconnect", "demo")

    def test_a_key_that_another_ca_has_signed_is_refused(
        self, shared: Deployment, fay: Configured, ways_in: list[list[str]]
    ) -> None:
        key = new_private_key(KeyType.ED25519)
        other_ca = CertificateAuthority(new_private_key(KeyType.ED25519))
        certificate = other_ca.sign_host_key(public_line(key), ["demo.sshore"], "impostor")
        with host_key_of(shared, fay, "demo", key, certificate):
            assert_each_refuses(fay, ways_in)
        assert_each_works(fay, ways_in)

    def test_a_key_without_a_certificate_is_refused(
        self, shared: Deployment, fay: Configured, ways_in: list[list[str]]
    ) -> None:
        with host_key_of(shared, fay, "demo", new_private_key(KeyType.ED25519), None):
            assert_each_refuses(fay, ways_in)

    def test_another_sessions_key_and_certificate_are_refused(
        self, shared: Deployment, fay: Configured, ways_in: list[list[str]]
    ) -> None:
        others = run_directory(shared, fay, "other")
        key, certificate = ((others / name).read_text() for name in ("ssh_host_key", "ssh_host_key-cert.pub"))
        with host_key_of(shared, fay, "demo", key, certificate):
            assert_each_refuses(fay, ways_in)


class TestTheUsersOwnFile:
    @pytest.fixture
    def gil(self, shared: Deployment, tmp_path: Path) -> Configured:
        return Configured(tmp_path / "home", *shared.login)

    @pytest.mark.parametrize("mode", [0o600, 0o644])
    @pytest.mark.parametrize(
        "content", [b"", b"Host a\n    User b", b"# mine\r\nHost a\r\n    User b\r\n", b"\xff\xfe \n\n\n"]
    )
    def test_twice_and_removed_it_is_as_it_was(self, gil: Configured, content: bytes, mode: int) -> None:
        gil.own.parent.mkdir()
        gil.own.write_bytes(content)
        gil.own.chmod(mode)
        gil.ok("config-ssh")
        once = gil.own.read_bytes()
        gil.ok("config-ssh")
        assert gil.own.read_bytes() == once
        line, rest = once.split(b"\n", 1)
        assert (line[:7], rest) == (b"Include", content)
        gil.ok("config-ssh", "--remove")
        assert (gil.own.read_bytes(), gil.own.stat().st_mode & 0o777) == (content, mode)
        assert [path.name for path in gil.own.parent.iterdir()] == ["config"]

    def test_where_there_was_none_there_is_none_again(self, gil: Configured) -> None:
        gil.ok("config-ssh")
        assert gil.ssh("-G", "x.sshore").stdout.count(b" stream --fdpass ") == 1
        gil.ok("config-ssh", "--remove")
        assert not gil.own.exists()

    def test_a_symbolic_link_stays_one(self, gil: Configured, tmp_path: Path) -> None:
        (tmp_path / "dotfiles").write_bytes(b"Host a\n")
        gil.own.parent.mkdir()
        gil.own.symlink_to(tmp_path / "dotfiles")
        gil.ok("config-ssh")
        gil.ok("config-ssh", "--remove")
        assert gil.own.is_symlink()
        assert (tmp_path / "dotfiles").read_bytes() == b"Host a\n"


def run_directory(shared: Deployment, owner: Owner, name: str) -> Path:
    return shared.home(owner.json("show", name)["id"]).parent / "run"


@contextmanager
def host_key_of(shared: Deployment, owner: Owner, name: str, key: str, certificate: str | None) -> Iterator[None]:
    """Give a session's `sshd` another host key for a while; it reads them at each connection."""
    run_files = run_directory(shared, owner, name)
    kept = {path: path.read_text() for path in run_files.glob("ssh_host_key*")}
    # Written in place: owner and mode stay. Without the others, of which one would do.
    for path in kept:
        path.write_text("")
    (run_files / "ssh_host_key").write_text(key)
    (run_files / "ssh_host_key-cert.pub").write_text(certificate or "")
    try:
        yield
    finally:
        for path, text in kept.items():
            path.write_text(text)


def assert_each_refuses(who: Configured, ways_in: list[list[str]]) -> None:
    for words in ways_in:
        done = run(words, who.environment)
        assert done.returncode == 255, words
        assert b"Host key verification failed" in done.stderr, done.stderr.decode()


def assert_each_works(who: Configured, ways_in: list[list[str]]) -> None:
    for words in ways_in:
        done = run(words, who.environment)
        assert done.returncode == 0, done.stderr.decode()
