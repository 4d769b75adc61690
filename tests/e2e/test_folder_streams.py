"""Storage folders without any session: OpenSSH's sftp, an SFTP port, confinement, limits, quotas, full disks."""

import json
import os
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from deployment import Deployment, Owner, deployment
from host_processes import bwraps_of, until
from small_disk import small_disk
from ssh_client import SshClient, run, through_forward

from integration.free_port import free_port
from sshore.engines.sandbox.folder_server import MAX_OPEN
from sshore.proxy.forwards import Card

MIB = 1 << 20


@pytest.fixture(scope="module")
def cat(shared: Deployment) -> Iterator[Owner]:
    """A user with one folder, `data`, and no session."""
    owner = shared.member("cat")
    owner.ok("folder", "create", "data")
    yield owner
    owner.proxy.stop()
    shared.cli("user", "rm", "--with-data", "cat")


def sftp(owner: Owner, folder: str, *commands: str, stdin: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    """OpenSSH's sftp by `sshore sftp`, in batch mode: it ends at the first command that fails."""
    batch = stdin or "".join(f"{command}\n" for command in commands).encode()
    return owner.run("sftp", "-q", "-b", "-", f"folder:{folder}", stdin=batch)


def sftp_ok(owner: Owner, folder: str, *commands: str) -> str:
    done = sftp(owner, folder, *commands)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def forwards(owner: Owner) -> dict[str, tuple[int, str]]:
    """Port and health of each forward, by what it leads to."""
    return {status["session"]: (status["port"], status["health"]) for status in owner.json("forwards")}


def programs_of(shared: Deployment) -> int:
    """Confined programs that run on this deployment's folders."""
    return len(bwraps_of("", psutil.Process(shared.server.pid).children()))


def test_sftp_needs_no_session_and_no_ssh(shared: Deployment, cat: Owner, tmp_path: Path) -> None:
    (tmp_path / "file with blanks and ümlaut").write_bytes(b"content")
    said = sftp_ok(
        cat, "data", "pwd", f'put "{tmp_path}/file with blanks and ümlaut" f', "ls -l", "mkdir sub", "rename f sub/g"
    )
    assert "Remote working directory: /home/work/data" in said and " work " in said
    sftp_ok(cat, "data", f"get sub/g {tmp_path}/back", "rm sub/g", "rmdir sub")
    assert (tmp_path / "back").read_bytes() == b"content"
    assert cat.json("ls") == []
    until(lambda: programs_of(shared) == 0, "the confined programs end with their streams")


def test_any_sftp_client_by_a_port_of_the_local_proxy(cat: Owner, tmp_path: Path) -> None:
    card = Card(**cat.json("connect", "folder:data"))
    assert card.url == f"sftp://work@localhost:{card.port}/home/work/data" and card.command == card.sftp_command
    client = through_forward(cat, card)
    (tmp_path / "a").write_bytes(os.urandom(MIB))
    client.sftp(f"put {tmp_path}/a", f"get a {tmp_path}/b", "rm a")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert client.scp(str(tmp_path / "a"), ":via-scp") == ""
    (status,) = cat.json("forwards")
    assert (status["session"], status["health"]) == ("folder:data", "ok")
    printed = cat.ok("connect", "folder:data")
    assert "folder:data" in printed and "session" not in printed
    cat.ok("disconnect", "folder:data")


def test_a_port_follows_its_folder(shared: Deployment, cat: Owner) -> None:
    """Renamed, it is the same folder behind the same port at once, and a new folder of the old name has another."""
    cat.ok("folder", "create", "before")
    card = Card(**cat.json("connect", "folder:before"))
    client = through_forward(cat, card)
    client.sftp("mkdir mark")
    cat.ok("folder", "rename", "before", "after")
    client.sftp("rmdir mark", "mkdir again")
    assert forwards(cat) == {"folder:after": (card.port, "ok")}
    cat.ok("folder", "create", "before")
    other = Card(**cat.json("connect", "folder:before"))
    through_forward(cat, other).sftp("mkdir new")
    assert sorted(path.name for path in shared.folder("after", "cat").iterdir()) == ["again"]
    assert forwards(cat) == {"folder:after": (card.port, "ok"), "folder:before": (other.port, "ok")}
    cat.ok("folder", "rm", "after")
    refused = client.run("true").stderr.decode()
    assert "the folder after is not there" in refused and "sshore disconnect folder:after" in refused
    listed = cat.ok("forwards")
    assert "folder_gone" in listed and "session" not in listed.lower()
    cat.ok("folder", "trash", "restore", "after", "--as", "back")
    assert forwards(cat)["folder:back"] == (card.port, "ok")
    through_forward(cat, Card(**cat.json("connect", "folder:back"))).sftp("rmdir again")  # its keys went with the trash
    assert forwards(cat)["folder:back"] == (card.port, "ok")
    for name in ("back", "before"):
        cat.ok("disconnect", f"folder:{name}")
        cat.ok("folder", "rm", name)


def test_a_port_of_an_older_local_proxy_follows_its_folder_too(shared: Deployment, cat: Owner) -> None:
    """The state file of an older one knows folders by their names, one's own and others'."""
    shared.admin.ok("folder", "create", "common")
    shared.admin.ok("folder", "share", "common", "--with", "cat", "--rw")
    (owner,) = (folder["owner"] for folder in cat.json("folder", "ls") if folder["name"] == "common")
    cat.ok("folder", "create", "own")
    names = {"own": "own", "common": f"{owner}/common"}
    cards = {
        name: Card(**cat.json("connect", f"folder:{ref}", "--port", str(free_port()))) for name, ref in names.items()
    }
    cat.ok("proxy", "stop")
    state = json.loads((cat.config / "forwards.json").read_bytes())
    for item in (*state["forwards"], *state["last_ports"]):
        if (port := item["port"]) in (cards["own"].port, cards["common"].port):
            item["key"]["session_id"] = "folder:" + names["own" if port == cards["own"].port else "common"]
    (cat.config / "forwards.json").write_text(json.dumps(state))
    cat.ok("proxy", "start")
    known = {"folder:own": (cards["own"].port, "ok"), f"folder:{owner}/common": (cards["common"].port, "ok")}
    assert forwards(cat) == known
    cat.ok("folder", "rename", "own", "own-2")
    shared.admin.ok("folder", "rename", "common", "common-2")
    for name, card in cards.items():
        through_forward(cat, card).sftp(f"mkdir {name}-is-here")
    assert forwards(cat) == {f"{name}-2": where for name, where in known.items()}
    assert (shared.folder("common-2", owner) / "common-is-here").is_dir()
    for ref in ("own-2", f"{owner}/common-2"):
        cat.ok("disconnect", f"folder:{ref}")
    cat.ok("folder", "rm", "own-2")
    shared.admin.ok("folder", "rm", "common-2")


def test_the_port_gives_sftp_and_nothing_else(cat: Owner) -> None:
    client = through_forward(cat, Card(**cat.json("connect", "folder:data")))
    shell = client.run("id")
    assert shell.returncode != 0 and b"uid=" not in shell.stdout
    forward = client.run(flags=("-N", "-W", "127.0.0.1:22"), timeout_s=20)
    assert forward.returncode != 0
    anybody = client.having(IdentityFile="/nonexistent").run("id")
    assert b"Permission denied" in anybody.stderr
    cat.ok("disconnect", "folder:data")


def test_a_directory_there_and_back(cat: Owner, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    names = ["-rf", "a b", "ünï", "*", "new\nline", "'\"", "x" * 255, ".hidden"]
    for number, name in enumerate(names):
        (tree / "deep" / "er" / name).write_bytes(os.urandom(1000 + number))
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "run.sh").chmod(0o750)
    os.utime(tree / "run.sh", (1_600_000_000, 1_600_000_000))
    result = cat.json("cp", "-r", str(tree), "folder:data/")
    assert len(result["files"]) == len(names) + 1
    cat.ok("cp", "-r", "folder:data/tree", str(tmp_path / "back"))
    for path in tree.rglob("*"):
        twin = tmp_path / "back" / path.relative_to(tree)
        assert path.is_dir() == twin.is_dir()
        if path.is_file():
            assert path.read_bytes() == twin.read_bytes(), path
    back = (tmp_path / "back" / "run.sh").stat()
    assert (stat.S_IMODE(back.st_mode), back.st_mtime) == (0o750, 1_600_000_000)
    assert cat.json("cp", "-r", str(tree), "folder:data/")["moved_bytes"] == 0


def test_what_leads_out_of_a_folder_does_not(shared: Deployment, cat: Owner, tmp_path: Path) -> None:
    """By `..`, absolute paths and links: behind them are the kit and an empty root directory, and they cannot be
    written."""
    folder = shared.folder("data", "cat")
    for name, target in {
        "out": "../../../../..",
        "root": "/",
        "shadow": "/etc/shadow",
        "state": str(shared.state),
    }.items():
        (folder / name).symlink_to(target)
    (tmp_path / "x").write_text("x")
    for words in (
        ("get /etc/shadow",),
        ("get shadow",),
        (f"ls {shared.state}",),
        ("ls state/folders",),
        ("ls out/work",),
        ("ls /usr",),
        (f"put {tmp_path}/x ../x",),
        (f"put {tmp_path}/x /tmp/x",),
        (f"put {tmp_path}/x out/x",),
        ("mkdir /home/work/other",),
        ("ln -s x /home/work/link",),
        ("rename out /home/work/out",),
    ):
        assert sftp(cat, "data", *words).returncode != 0, words
    seen = sftp_ok(cat, "data", "ls -1 root")
    assert {Path(line).name for line in seen.splitlines() if line.startswith("root/")} == {
        *("dev", "etc", "home", "opt", "run")
    }
    assert "root:" not in sftp_ok(cat, "data", f"get /etc/passwd {tmp_path}/passwd") + (tmp_path / "passwd").read_text()
    for place in ("folder:data/../x", "folder:data/sub/../../x"):
        refused = cat.run("cp", str(tmp_path / "x"), place)
        assert refused.returncode == 2 and b"cannot lead out of it" in refused.stderr
    for name in ("out", "root", "shadow", "state"):
        (folder / name).unlink()


@pytest.mark.parametrize(
    "name", ["..", ".", "a/b", "/etc", "", "-rf/..", "a\nb", "ü", "x" * 101, "a\0b", "%2e%2e", "a "]
)
def test_names_that_no_folder_has(shared: Deployment, cat: Owner, name: str) -> None:
    """By the API, which is asked without the command line's own checks."""
    for path, body in (("/api/v1/folders", {"name": name}), ("/api/v1/folders/data", {"name": name})):
        status, answer = ask(shared, cat, "POST" if body and path.endswith("s") else "PATCH", path, body)
        assert (status, answer["code"]) == (422, "invalid_input"), answer
    mounts = [{"folder": name}]
    status, answer = ask(shared, cat, "POST", "/api/v1/sessions", {"name": "nosuch", "mounts": mounts})
    assert status in (404, 422), answer


def test_paths_that_no_stream_has(shared: Deployment, cat: Owner) -> None:
    for ref in ("..", "nosuch", "admin/data", "cat/../data", "data/..", "data%00", "%2e%2e%2fdata", "-rf"):
        refused = cat.run("stream", f"folder:{ref}", stdin=b"")
        assert refused.returncode in (2, 3), (ref, refused.stderr)


def test_the_checker_answers_for_plain_files_of_the_folder_only(cat: Owner, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    cat.ok("cp", str(tmp_path / "f"), "folder:data/f")
    asked = [{"path": "f"}, {"path": "f", "length": 1}, {"path": "nosuch"}, {"path": "/etc/shadow"}]
    asked += [{"path": "."}, {"path": "a\0b"}, {"path": 3}, {"nothing": 1}, {"path": "x" * 300}, {"path": "/dev/null"}]
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in asked) + b"no json\n"
    done = cat.run("stream", "folder:data", "--app", "check", stdin=lines)
    first, second, *refused = map(json.loads, done.stdout.splitlines())
    assert first["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" and first["size"] == 3
    assert second["length"] == 1 and second["sha256"] != first["sha256"]
    assert len(refused) == len(asked) - 1 and not any(one["ok"] for one in refused)


def test_another_users_folder_does_not_exist(shared: Deployment, cat: Owner) -> None:
    shared.cli("folder", "create", "secret")
    for words in (("sftp", "folder:admin/secret"), ("cp", "folder:secret/x", "."), ("connect", "folder:admin/secret")):
        refused = cat.run(*words)
        assert refused.returncode == 3, refused.stderr
    assert cat.run("stream", "folder:admin/secret", stdin=b"").returncode == 3
    shared.cli("folder", "rm", "--for-ever", "secret")


def test_so_many_streams_a_user_may_have(shared: Deployment, cat: Owner) -> None:
    held = [cat.popen("stream", "folder:data", stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(MAX_OPEN)]
    try:
        until(lambda: programs_of(shared) >= MAX_OPEN, "all are open", 30)
        refused = cat.run("stream", "folder:data", stdin=b"")
        assert refused.returncode == 5 and b"close some" in refused.stderr
        shared.cli("folder", "create", "mine")  # nobody else's business
        sftp_ok(shared.admin, "mine", "ls")
    finally:
        for process in held:
            process.communicate()
    until(lambda: programs_of(shared) == 0, "all are gone")
    sftp_ok(cat, "data", "ls")
    shared.cli("folder", "rm", "--for-ever", "mine")


def test_a_quota_reached_in_the_middle(shared: Deployment, cat: Owner, tmp_path: Path) -> None:
    """The client gets SFTP's error, what is there stays, and the server serves on."""
    (tmp_path / "big").write_bytes(os.urandom(8 * MIB))
    (tmp_path / "small").write_bytes(b"small")
    cat.ok("cp", str(tmp_path / "small"), "folder:data/kept")
    shared.cli("folder", "quota", "cat", "4m")
    try:
        refused = sftp(cat, "data", f"put {tmp_path}/big")
        assert refused.returncode != 0 and b"Failure" in refused.stderr
        sftp_ok(cat, "data", "rm big")
        sftp_ok(cat, "data", f"put {tmp_path}/small", f"get kept {tmp_path}/kept")
        refused = cat.run("cp", str(tmp_path / "big"), "folder:data/")
        assert refused.returncode == 1 and b"quota" in refused.stderr and b"big.part" in refused.stderr
        client = through_forward(cat, Card(**cat.json("connect", "folder:data")))
        assert by_port(client, f"put {tmp_path}/big big2").returncode != 0
        client.sftp(f"get kept {tmp_path}/kept2")
        shared.cli("folder", "quota", "cat", "4k")
        mounting = cat.run("run", "nosuch", "--network", "none", "--mount", "data")
        assert mounting.returncode == 4 and b"quota" in mounting.stderr
        assert cat.json("folder", "usage")["quota_bytes"] == 4096
        shared.cli("folder", "quota", "cat", "none")
        resumed = cat.json("cp", str(tmp_path / "big"), "folder:data/")
        assert resumed["moved_bytes"] < 8 * MIB
    finally:
        shared.cli("folder", "quota", "cat", "none")
        cat.run("disconnect", "folder:data")
    assert (tmp_path / "kept").read_bytes() == (tmp_path / "kept2").read_bytes() == b"small"


def test_a_disk_that_is_full_in_the_middle(shared: Deployment, tmp_path: Path) -> None:
    with (
        small_disk(shared.directory / "small", "64m") as disk,
        deployment(kit_of=shared.state, state=disk.path / "state") as made,
    ):
        made.cli("folder", "create", "data")
        (tmp_path / "kept").write_bytes(b"kept")
        (tmp_path / "big").write_bytes(os.urandom(2 * MIB))
        made.cli("cp", str(tmp_path / "kept"), "folder:data/")
        disk.fill_to_leave(1 * MIB)
        refused = sftp(made.admin, "data", f"put {tmp_path}/big by-sftp")
        assert refused.returncode != 0 and b"Failure" in refused.stderr
        sftp_ok(made.admin, "data", "rm by-sftp")
        refused = made.admin.run("cp", str(tmp_path / "big"), "folder:data/")
        assert refused.returncode == 1 and b"disk is full" in refused.stderr, refused.stderr
        assert made.cli("folder", "ls").count("data") == 1
        sftp_ok(made.admin, "data", f"get kept {tmp_path}/back")
        assert (tmp_path / "back").read_bytes() == b"kept"
        disk.make_room()
        assert made.admin.json("cp", str(tmp_path / "big"), "folder:data/")["moved_bytes"] < 2 * MIB


def by_port(client: SshClient, command: str) -> "subprocess.CompletedProcess[bytes]":
    words = ["sftp", "-q", *client.words, "-b", "-", client.destination]
    return run(words, client.environment, f"{command}\n".encode())


def ask(shared: Deployment, owner: Owner, method: str, path: str, body: object) -> tuple[int, dict[str, str]]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {owner.token}"}
    request = urllib.request.Request(shared.url + path, json.dumps(body).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)
