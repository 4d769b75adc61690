"""`sshore cp` with OpenSSH's own SFTP server at the other end: whatever files and file systems are like."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sftp_side import SFTP_SERVER, SftpSide, bindfs

from sshore.cli.failures import report
from sshore.core.errors import SshoreError
from sshore.sdk.sftp.checks import Checker
from sshore.sdk.sftp.connection import ProgramConnection

MIB = 1 << 20

pytestmark = pytest.mark.skipif(not Path(SFTP_SERVER).exists(), reason="openssh-sftp-server is not installed")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    place = tmp_path / "there"
    place.mkdir()
    return place


@pytest.fixture
def here(tmp_path: Path) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    return place


@pytest.fixture
def side(there: Path) -> SftpSide:
    return SftpSide(there)


@contextmanager
def growing(path: Path) -> Iterator[None]:
    """A file that grows all the time."""
    over = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            while not over.wait(0.001):
                file.write(b"one more line\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


@pytest.mark.parametrize("size", [0, 8 * MIB])
def test_of_a_file_that_grows_what_was_there_at_the_start(
    side: SftpSide, there: Path, here: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    content = os.urandom(size)
    for source, words in ((there / "log", ("there:log", str(here))), (here / "log2", (str(here / "log2"), "there:"))):
        source.write_bytes(content)
        with growing(source):
            time.sleep(0.01)
            assert side.copy(*words) == 0
        copy = (here if source.parent == there else there) / source.name
        assert copy.read_bytes() == source.read_bytes()[: copy.stat().st_size]
        assert copy.stat().st_size >= size
    assert capsys.readouterr().err.count("grew while it was") == 2 or not size  # that is over at once


def test_a_file_that_shrinks_is_an_error(side: SftpSide, there: Path, here: Path) -> None:
    for source, words in ((there / "log", ("there:log", str(here))), (here / "log2", (str(here / "log2"), "there:"))):
        source.write_bytes(os.urandom(MIB) * 100)
        copying = threading.Thread(target=lambda: statuses.append(side.copy(*words)))  # noqa: B023
        statuses: list[int] = []
        copying.start()
        part = (here if source.parent == there else there) / f"{source.name}.part"
        while not part.exists() or not part.stat().st_size:
            assert copying.is_alive()
        os.truncate(source, 100)
        copying.join()
        assert statuses == [1]
        assert not part.with_suffix("").exists()
        part.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these files")
def test_a_file_that_says_another_size_is_read_to_its_end(side: SftpSide, here: Path, there: Path) -> None:
    stable = ("/proc/version", "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/kallsyms")
    for name in stable:
        assert side.copy(f"there:{name}", str(here)) == 0
        assert side.copy(name, "there:") == 0
        content = Path(name).read_bytes()
        assert content and (here / Path(name).name).read_bytes() == content == (there / Path(name).name).read_bytes()
    assert side.copy("there:/proc/uptime", str(here)) == 0  # no two readings are the same
    assert len((here / "uptime").read_text().split()) == 2


def test_an_upload_writes_through_a_dangling_link(side: SftpSide, there: Path, here: Path) -> None:
    (here / "new").write_text("new")
    (there / "link").symlink_to("not yet")
    (here / "link").symlink_to("not yet")
    assert side.copy(str(here / "new"), "there:link") == 0
    assert side.copy("there:link", str(here / "link")) == 0
    for place in (here, there):
        assert (place / "link").is_symlink() and (place / "not yet").read_text() == "new"


def test_holes_stay_holes(side: SftpSide, there: Path, here: Path) -> None:
    for place in (there, here):
        with (place / f"from {place.name}").open("wb") as file:
            file.seek(20 * MIB)
            file.write(b"data")
            file.truncate(50 * MIB)
    assert side.copy("there:from there", str(here)) == 0
    assert side.copy(str(here / "from here"), "there:") == 0
    for name in ("from there", "from here"):
        assert (here / name).read_bytes() == (there / name).read_bytes()
        assert max((place / name).stat().st_blocks for place in (here, there)) * 512 < MIB


def test_times_before_1970(side: SftpSide, there: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, time_s in (("old", -1_000_000_000), ("far", 3_000_000_000)):
        for place in (there, here):
            (place / name).write_text(name)
            os.utime(place / name, (time_s, time_s))
        assert side.copy(f"there:{name}", str(here / "down")) == 0
        assert (here / "down").stat().st_mtime == time_s
        assert side.copy(str(here / name), "there:up") == 0
        assert (there / "up").stat().st_mtime == max(time_s, 0)
    assert capsys.readouterr().err.count("no times before 1970") == 1


def test_modes_that_a_file_system_refuses(
    tmp_path: Path, there: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("bindfs") is None and os.environ.get("CI") != "true":
        pytest.skip("bindfs is not installed")
    tree = here / "tree"
    (tree / "sub").mkdir(parents=True)
    for name in ("a", "sub/b"):
        (tree / name).write_text(name)
    with bindfs(there, tmp_path / "refuses", "--chmod-deny") as place:
        assert SftpSide(here).copy("-r", "there:tree", str(place)) == 0
        assert capsys.readouterr().err.count("modes of what arrives are not kept") == 1
        assert SftpSide(place).copy("-r", str(tree), "there:again") == 0
        assert capsys.readouterr().err.count("modes of what arrives are not kept") == 1
        for name in ("tree/a", "tree/sub/b", "again/a", "again/sub/b"):
            assert (place / name).read_text() == name.partition("/")[2]


def test_no_name_in_a_listing_leads_out_of_the_target(
    tmp_path: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (b"/planted", b"../planted", b"x/..", b"x/.profile", b"a\0b", b""):
        server = [sys.executable, str(Path(__file__).with_name("lying_sftp_server.py")), name.hex()]
        lying = SftpSide(tmp_path, server=server, checksums=False)  # none stands in its way
        for words in (("-r", "there:d", str(here)), ("-r", "there:*", str(here)), ("-r", "there:d/*", str(here))):
            assert lying.copy(*words) == 1
            assert "no name of a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_part_is_its_owners_and_the_umask_holds(side: SftpSide, there: Path, here: Path) -> None:
    (there / "open").write_text("open")
    (there / "open").chmod(0o777)
    (here / "open.part").write_text("op")
    (here / "open.part").chmod(0o666)
    before = os.umask(0o027)
    try:
        assert side.copy("there:open", str(here)) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((here / "open").stat().st_mode) == 0o750
    seen: set[int] = set()
    (here / "big").write_bytes(os.urandom(20 * MIB))
    copying = threading.Thread(target=side.copy, args=(str(here / "big"), "there:"))
    copying.start()
    while copying.is_alive():
        with suppress(FileNotFoundError):
            seen.add(stat.S_IMODE((there / "big.part").stat().st_mode))
    assert 0o600 in seen and (there / "big").exists()


def test_what_is_called_like_a_part_file_is_not_lost(side: SftpSide, there: Path, here: Path) -> None:
    (there / "d").mkdir()
    for name in ("a.part", "a", "b.part.part", "b.part", "b"):
        (there / "d" / name).write_text(name)
    for _ in range(2):
        (here / "down").mkdir(exist_ok=True)
        (there / "up").mkdir(exist_ok=True)
        assert side.copy("-r", "there:d/*", str(here / "down")) == 0
        assert side.copy("-r", *map(str, sorted((here / "down").iterdir())), "there:up") == 0
        for place in (here / "down", there / "up"):
            assert {path.name: path.read_text() for path in place.iterdir()} == {
                name: name for name in ("a.part", "a", "b.part.part", "b.part", "b")
            }


def test_a_part_that_is_a_pipe_or_a_link_is_refused(
    side: SftpSide, there: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a").write_text("a")
    (there / "b").write_text("b")
    for place, name in ((there, "a.part"), (here, "b.part")):
        os.mkfifo(place / name)
        (place / "outside").write_text("mine")
    assert side.copy(str(here / "a"), "there:") == 2
    assert side.copy("there:b", str(here)) == 2
    for place, name in ((there, "a.part"), (here, "b.part")):
        (place / name).unlink()
        (place / name).symlink_to("outside")
    assert side.copy(str(here / "a"), "there:") == 2
    assert side.copy("there:b", str(here)) == 1
    assert "is no file" in capsys.readouterr().err
    assert (there / "outside").read_text() == (here / "outside").read_text() == "mine"


def test_a_tree_as_deep_as_paths_can_be(side: SftpSide, there: Path, here: Path) -> None:
    deep = there / "/".join(["d"] * 700)
    deep.mkdir(parents=True)
    (deep / "f").write_text("deep")
    assert side.copy("-r", "there:d", str(here)) == 0
    assert (here / "/".join(["d"] * 700) / "f").read_text() == "deep"
    assert side.copy("-r", str(here / "d"), "there:back") == 0
    assert sum(1 for _ in os.walk(there / "back")) == 700


def test_links_in_a_circle(side: SftpSide, there: Path, here: Path) -> None:
    (there / "f").write_text("f")
    (here / "link").symlink_to("link")
    assert side.copy("there:f", str(here / "link")) == 2
    assert (here / "link").is_symlink()


def test_an_end_that_makes_no_checksums_is_compared_with_by_size(
    there: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "f").write_text("content")
    assert SftpSide(there, checksums=False).copy(str(here / "f"), "there:") == 0
    assert (there / "f").read_text() == "content"
    assert "by its size only" in capsys.readouterr().out


def test_a_server_that_falls_silent_ends_the_wait(there: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As one whose disk hangs. Half a second for each wait, and as long for all."""
    silent = SftpSide(there, server=["sleep", "1000"], patience_s=0.5)
    began = time.monotonic()
    with pytest.raises(Exception, match="no answer in time"):
        silent.copy("--timeout", "0.5", "there:f", str(here))
    assert time.monotonic() - began < 10


def test_what_makes_checksums_gives_signs_of_life(tmp_path: Path) -> None:
    """Or a large file would be taken for silence. Here it gives one for each piece that it reads."""
    (tmp_path / "large").write_bytes(bytes(5 * MIB))
    program = "from sshore.agent import check_files; check_files._SIGN_S = 0; check_files.main()"
    connection = ProgramConnection([sys.executable, "-c", program], os.environ)
    try:
        connection.sendall(b'{"path":"%s","length":null,"signs":true}\n' % bytes(tmp_path / "large"))
        said = b""
        while b"sha256" not in said:
            said += connection.recv(4096)
        assert said.count(b'{"ok":"going"}\n') == 5
        checksum = Checker(connection, patience_s=5).check(bytes(tmp_path / "large"))
        assert checksum is not None and checksum.size == 5 * MIB
    finally:
        connection.close()


@pytest.mark.parametrize("target", ["new", "made", "made/", "made/."])
@pytest.mark.parametrize(
    "source", ["tree", "tree/", "tree/.", "tree/./", "tree/sub/..", "t*e/.", "file/.", "tree/file/"]
)
def test_places_are_read_as_cp_reads_them(tmp_path: Path, source: str, target: str) -> None:
    """Twice, as people repeat commands: what `DIR/.` holds goes into the target, not into DIR below it."""
    for name in ("there", "here", "oracle"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "tree" / "sub").mkdir(parents=True)
        for path in ("file", "tree/file", "tree/sub/deep"):
            (tmp_path / name / path).write_text(path)
        (tmp_path / name / "out" / ("made" if "made" in target else "")).mkdir(parents=True)
    side, target = SftpSide(tmp_path / "there", checksums=False), f"out/{target}"
    for _ in range(2):
        by_cp = subprocess.run(["sh", "-c", f"cp -r {source} {target}"], cwd=tmp_path / "oracle", capture_output=True)
        down = side.copy("-r", f"there:{source}", f"{tmp_path}/here/{target}")
        assert (down == 0) is (by_cp.returncode == 0), by_cp.stderr
        assert _below(tmp_path / "here" / "out") == _below(tmp_path / "oracle" / "out")
        if "*" not in source:  # that is the shell's to read, here
            up = side.copy("-r", f"{tmp_path}/here/{source}", f"there:{target}")
            assert (up == 0) is (by_cp.returncode == 0), by_cp.stderr
            assert _below(tmp_path / "there" / "out") == _below(tmp_path / "oracle" / "out")


def _below(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def test_what_is_left_out_is_named_and_counted(
    side: SftpSide, there: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (there, here):
        tree = place / "tree"
        (tree / "sub").mkdir(parents=True)
        (tree / "sub" / "file").write_text("f")
        os.mkfifo(tree / "pipe")
        (tree / "circle").symlink_to(".")
        (tree / "loop").symlink_to("loop")
        (tree / os.fsdecode(b"dangling\xe9")).symlink_to("nowhere")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(tree / "sub" / "socket"))
    for words in (("-r", "there:tree", str(here / "down")), ("-r", str(here / "tree"), "there:up")):
        assert side.copy(*words) == 0
        said = capsys.readouterr()
        for name in ("pipe is left out: it is a pipe", "socket is left out: it is a socket", "circle is left out"):
            assert name in said.err
        assert "dangling\\xe9 is left out: it is a link to nothing" in said.err
        assert said.err.endswith(
            "5 left out: special files, and links that lead nowhere or in a circle, are not copied\n"
        )
        assert side.copy("--json", *words) == 0
        left_out = json.loads(capsys.readouterr().out)["left_out"]
        assert sorted(Path(entry["source"]).name for entry in left_out) == [
            "circle", os.fsdecode(b"dangling\xe9"), "loop", "pipe", "socket"
        ]  # fmt: skip
        assert {entry["reason"] for entry in left_out} >= {"it is a pipe", "it leads in a circle"}
        assert side.copy("-q", *words) == 0
        assert "5 left out" not in capsys.readouterr().err


def test_what_is_no_file_is_called_what_it_is(
    side: SftpSide, there: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(there / "pipe")
    os.mkfifo(here / "pipe")
    for words, kind in (
        (("/dev/zero", "there:"), "a device"),
        (("there:/dev/zero", str(here)), "a device"),
        ((str(here / "pipe"), "there:"), "a pipe"),
        (("there:pipe", str(here / "f")), "a pipe"),
        (("/etc/passwd", "there:pipe"), "a pipe"),
        (("there:/etc/passwd", "/dev/null"), "a device"),
        (("there:/etc/passwd", str(here / "pipe")), "a pipe"),
    ):
        assert side.copy(*words) == 2, words
        assert f"no file, but {kind}" in capsys.readouterr().err


def test_errors_show_names_as_other_lines_do(
    side: SftpSide, there: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(b"caf\xe9")
    for place in (there, here):
        (place / name).mkdir()
    for words in (
        (f"{here}/{name}", "there:x"),
        (f"there:{name}", str(here)),
        (f"{here}/{name}/not", "there:x"),
        (f"there:{name}/not", str(here)),
        (f"there:{name}/*", str(here)),
        ("/etc/passwd", f"there:{name}/not/"),
        ("there:/etc/passwd", f"{here}/{name}/not/"),
    ):
        try:
            assert side.copy(*words) != 0
        except SshoreError as error:  # which ends the command
            report(error)
        said = capsys.readouterr().err
        assert "\ufffd" not in said and "caf\\xe9" in said, said
