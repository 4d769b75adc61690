"""Storage folders: mounted where the user says, and there when the session is gone."""

from collections.abc import Iterator

import pytest
from deployment import Owner
from ssh_client import SshClient, through_proxy_command

pytestmark = pytest.mark.every_engine


@pytest.fixture
def data(ann: Owner) -> Iterator[str]:
    """A storage folder of Ann's."""
    ann.ok("folder", "create", "data")
    yield "data"
    for session in ann.json("ls"):
        ann.remove(session["name"])
    ann.ok("folder", "rm", "data")


def session(ann: Owner, name: str, *options: str) -> SshClient:
    ann.run_session(name, *options)
    return through_proxy_command(ann, name, ann.key(name))


def test_a_folder_lies_in_the_home_and_outlives_the_session(ann: Owner, data: str) -> None:
    one = session(ann, "one", "--mount", data)
    one.ok("cat >data/result", stdin=b"42\n")
    assert "data" in one.sftp("ls -1")
    ann.remove("one")
    two = session(ann, "two", "--mount", data)
    assert two.ok("cat ~/data/result") == "42\n"
    assert two.ok("stat -c %U data/result") == "work\n"


def test_one_folder_in_two_sessions_at_once(ann: Owner, data: str) -> None:
    one, two = (session(ann, name, "--mount", data) for name in ("one", "two"))
    one.ok("echo shared >data/note")
    assert two.ok("cat data/note") == "shared\n"


def test_a_folder_mounted_read_only_refuses_writes(ann: Owner, data: str) -> None:
    writer = session(ann, "writer", "--mount", data)
    writer.ok("echo kept >data/file")
    reader = session(ann, "reader", "--mount", f"{data}:/home/work/d:ro")
    assert reader.ok("cat /home/work/d/file") == "kept\n"
    for attempt in ("echo x >d/file", "rm -f d/file", "touch d/new", "chmod 777 d/file"):
        refused = reader.run(attempt)
        assert refused.returncode != 0
        assert b"Read-only file system" in refused.stderr
    assert writer.ok("cat data/file; ls data") == "kept\nfile\n"


def test_a_folder_can_lie_outside_the_home(ann: Owner, data: str) -> None:
    client = session(ann, "outside", "--mount", f"{data}:/data")
    client.ok("echo there >/data/file")
    assert client.sftp("ls -1 /data").endswith("/data/file\n")


def test_a_mounted_folder_is_not_removed_under_a_session(ann: Owner, data: str) -> None:
    session(ann, "one", "--mount", data)
    refused = ann.run("folder", "rm", data)
    assert refused.returncode == 1
    assert b"mounted in session 'one'" in refused.stderr


def test_a_folder_that_does_not_exist_makes_no_session(ann: Owner, data: str) -> None:
    refused = ann.run("run", "one", "--mount", "dta")
    assert refused.returncode == 3
    assert b"did you mean data?" in refused.stderr
    assert ann.json("ls") == []
