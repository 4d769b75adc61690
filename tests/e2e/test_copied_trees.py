"""`sshore cp` as people's sessions are: with shells, names and files of all kinds; and random trees of them.

SSHORE_TEST_COPY_ROUNDS=100 SSHORE_TEST_COPY_SEED=7 scripts/test tests/e2e/test_copied_trees.py
"""

import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from deployment import Deployment
from host_processes import command_of

from integration.command_line import CommandLine
from integration.random_trees import RandomTree

ROUNDS = int(os.environ.get("SSHORE_TEST_COPY_ROUNDS", "4"))
SEED = int(os.environ.get("SSHORE_TEST_COPY_SEED", "2106"))
SILENT = ("exec zsh -l", "exec fish", "exec tcsh", "exec dash", "cat", "exit 3")
STARTUP = (*SILENT, "", "read line", "echo NOISE; printf '{'")
SECONDS = 60


class Home:
    """A session's home, or a folder, as the host sees it."""

    def __init__(self, deployment: Deployment, place: str, path: Path) -> None:
        self.deployment = deployment
        self.place = place
        self.path = path
        self.owner = path.stat().st_uid

    def write(self, name: str, content: bytes) -> Path:
        path = self.path / name
        path.write_bytes(content)
        os.chown(path, self.owner, self.owner)
        return path

    def copy(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
        """`sshore cp`; it ends."""
        admin = CommandLine(self.deployment.admin.config, **environment)
        began = time.monotonic()
        done = admin.run("cp", *words)
        assert time.monotonic() - began < SECONDS
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert b"\x1b" not in done.stdout + done.stderr
        return done

    def ok(self, *words: str, **environment: str) -> str:
        done = self.copy(*words, **environment)
        assert done.returncode == 0, done.stderr.decode()
        return (done.stdout + done.stderr).decode()


@pytest.fixture(scope="module")
def home(shared: Deployment) -> Iterator[Home]:
    """Of a session of the tests' own, whose startup files they change."""
    made = shared.run_session("copies")
    yield Home(shared, "copies:", shared.home(made["id"]))
    shared.remove("copies")


@pytest.fixture(scope="module")
def folder(shared: Deployment) -> Iterator[Home]:
    shared.cli("folder", "create", "copies")
    yield Home(shared, "folder:copies/", shared.folder("copies"))
    shared.cli("folder", "rm", "--for-ever", "copies")


@pytest.fixture(scope="module")
def strict_locale(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a UTF-8 locale that is not C.UTF-8, in which Python writes any byte."""
    places = tmp_path_factory.mktemp("locales")
    if not Path("/usr/share/i18n/locales/en_US").exists() and os.environ.get("CI") != "true":
        pytest.skip("the package locales is not installed")
    subprocess.run(["localedef", "-i", "en_US", "-f", "UTF-8", places / "en_US.UTF-8"], check=True)
    return {"LOCPATH": str(places), "LC_ALL": "en_US.UTF-8"}


def test_no_startup_file_is_in_the_way(home: Home, tmp_path: Path) -> None:
    """Neither of the copy nor of its checksums; and what one would start is not left in the session."""
    (tmp_path / "hi").write_text("hi")
    number = str(random.randint(10**6, 10**9))
    for line in ("exec zsh -l", "read line", f"exec sleep {number}", f"bash -c 'while :; do :; done' {number}"):
        home.write(".bashrc", f"{line}\n".encode())
        began = time.monotonic()
        said = home.ok(str(tmp_path / "hi"), "copies:")
        home.ok("copies:hi", str(tmp_path / "back"))
        print(f"{line}: {time.monotonic() - began:.1f} s")
        assert "size only" not in said
        assert not [process for process in psutil.process_iter() if number in command_of(process)]
        (home.path / "hi").unlink()
    home.write(".bashrc", b"")


def test_names_of_any_bytes(home: Home, folder: Home, tmp_path: Path, strict_locale: dict[str, str]) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    for far in (home, folder):
        (far.path / "d").mkdir()
        os.chown(far.path / "d", far.owner, far.owner)
        far.write(f"d/{name}", b"coffee")
        far.write("d/zzz", b"after it")
        out = tmp_path / far.place.partition(":")[0]
        said = far.ok("-r", f"{far.place}d", str(out), **strict_locale)
        assert "caf\\xe9.txt: 6 B" in said
        assert sorted(path.name for path in out.iterdir()) == [name, "zzz"]
        done = far.copy("-r", "--json", str(out), f"{far.place}again", **strict_locale)
        assert {Path(file["target"]).name for file in json.loads(done.stdout)["files"]} == {name, "zzz"}
        assert (far.path / "again" / name).read_bytes() == b"coffee"


def test_what_a_directory_holds_and_not_itself(home: Home, folder: Home, tmp_path: Path) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "f").write_text("f")
    (tmp_path / "back").mkdir()
    for far in (home, folder):
        for _ in range(2):
            far.ok("-r", f"{tmp_path}/tree/.", f"{far.place}held")
            far.ok("-r", f"{far.place}held/.", str(tmp_path / "back"))
        assert [path.name for path in (far.path / "held").iterdir()] == ["sub"]
        assert [path.name for path in (tmp_path / "back").iterdir()] == ["sub"]
        shutil.rmtree(far.path / "held")
    shutil.rmtree(tmp_path / "back" / "sub")
    folder.write("one", b"1")
    folder.ok("-r", "folder:copies/.", str(tmp_path / "back"))
    assert (tmp_path / "back" / "one").exists() and not (tmp_path / "back" / "copies").exists()


def test_any_temporary_directory(home: Home, tmp_path: Path) -> None:
    """One with a long or an odd name; and one that nobody can write to, whatever access(2) tells root."""
    home.write("f", b"f")
    for place in ("/proc", "/sys", "/sys/fs/cgroup", "/dev/null", "/nowhere"):
        assert "size only" not in home.ok("copies:f", str(tmp_path / "f"), TMPDIR=place, XDG_RUNTIME_DIR=place)
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        for place in (tmp_path / ("x" * 72), Path(short) / "50% of it's"):
            place.mkdir()
            assert "size only" not in home.ok("copies:f", str(tmp_path / "f"), TMPDIR=str(place), XDG_RUNTIME_DIR="")


def test_what_the_kernel_makes_as_it_is_read(home: Home, tmp_path: Path) -> None:
    said = home.ok("copies:/proc/version", "copies:/proc/meminfo", str(tmp_path))
    assert (tmp_path / "version").read_bytes() == Path("/proc/version").read_bytes()
    assert (tmp_path / "meminfo").read_text().startswith("MemTotal:")
    assert "meminfo is made as it is read" in said and "version is made" not in said


def test_holes_and_old_times_in_sessions_and_folders(home: Home, folder: Home, tmp_path: Path) -> None:
    for far in (home, folder):
        path = far.write("sparse", b"")
        os.truncate(path, 8 << 20)
        os.utime(path, (-86400, -86400))
        far.ok(f"{far.place}sparse", str(tmp_path))
        far.ok(str(tmp_path / "sparse"), f"{far.place}up")
        for copy in (tmp_path / "sparse", far.path / "up"):
            assert (copy.stat().st_size, copy.stat().st_blocks) == (8 << 20, 0)
        assert (tmp_path / "sparse").stat().st_mtime == -86400


@pytest.mark.timeout(60 + 4 * SECONDS * ROUNDS)
def test_random_trees_arrive_or_are_told(home: Home, folder: Home, tmp_path: Path) -> None:
    for seed in range(SEED, SEED + ROUNDS):
        print(f"seed {seed}")
        far = (home, folder)[seed % 2]
        one_round(random.Random(seed), far, tmp_path / str(seed))


def one_round(rng: random.Random, far: Home, root: Path) -> None:
    startup = rng.choice(STARTUP)
    if far.place.startswith("copies"):
        far.write(".bashrc", f"{startup}\n".encode())
    root.mkdir()
    tree = RandomTree(rng, root / "tree", unreadable=os.geteuid() != 0)
    name = f"up-{root.name}"
    with tree.growing():
        done = far.copy("-rq", str(root / "tree"), f"{far.place}{name}")
    tree.check(far.path / name, done.stderr.decode())
    name = f"down-{root.name}"
    tree = RandomTree(rng, far.path / name, unreadable=True, owner=far.owner)
    with tree.growing():
        done = far.copy("-r", f"{far.place}{name}", str(root / "down"))
    tree.check(root / "down", done.stderr.decode(), umask=umask())
    subprocess.run(["rm", "-rf", far.path / f"up-{root.name}", far.path / name, root], check=True)


def umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
