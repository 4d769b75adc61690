"""Large files into folders and back with no session running: resumed after each break, the same by hash."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cutting_proxy import CuttingProxy, cutting_proxy
from deployment import Deployment

from integration.command_line import CommandLine

MIB = 1 << 20
SIZE = int(os.environ.get("SSHORE_TEST_UPLOAD_MIB", "512")) * MIB


@pytest.fixture
def big(own_deployment: Deployment) -> Path:
    """A file of random bytes."""
    path = own_deployment.directory / "big.tar"
    with path.open("wb") as file:
        for _ in range(SIZE // (64 * MIB)):
            file.write(os.urandom(64 * MIB))
    return path


@pytest.fixture
def network(own_deployment: Deployment) -> Iterator[CuttingProxy]:
    with cutting_proxy(own_deployment.port, [SIZE // 5, SIZE * 2 // 5, SIZE * 3 // 5]) as proxy:
        yield proxy


@pytest.fixture
def client(own_deployment: Deployment, network: CuttingProxy) -> CommandLine:
    """The admin, who reaches the server through that network only."""
    _, token = own_deployment.login
    return CommandLine(own_deployment.directory / "away", SSHORE_SERVER=network.url, SSHORE_TOKEN=token)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_an_upload_survives_a_killed_client_a_killed_server_and_a_cut_network(
    own_deployment: Deployment, big: Path, network: CuttingProxy, client: CommandLine
) -> None:
    own_deployment.cli("folder", "create", "data")
    folder = own_deployment.folder("data")
    assert own_deployment.admin.json("ls") == []
    words = ("cp", "--json", str(big), "folder:data/")
    first = client.popen(*words)
    network.wait_stopped()
    first.kill()
    assert first.wait(10) != 0
    assert [path.name for path in folder.iterdir()] == ["big.tar.part"]
    network.cut()  # the killed client's sockets are gone, too
    network.go_on()

    second = client.popen(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    network.wait_stopped()
    own_deployment.server.kill()
    network.go_on()
    own_deployment.server.start()
    network.wait_stopped()
    network.cut()
    network.go_on()
    out, err = second.communicate(timeout=120)

    assert second.returncode == 0, err.decode()
    (sent,) = json.loads(out)["files"]
    assert sent["sha256"] == sha256(big) == sha256(folder / "big.tar")
    assert json.loads(out)["interruptions"] >= 2
    print(f"{network.bytes_up / SIZE:.3f} times the bytes were sent")
    assert network.bytes_up < 1.2 * SIZE
    assert sent["moved_bytes"] < 1.0 * SIZE  # this process found what the killed one had sent
    assert [path.name for path in folder.iterdir()] == ["big.tar"]
    assert b"trying again" in err

    back = own_deployment.directory / "back"
    own_deployment.cli("cp", "folder:data/big.tar", str(back))
    assert sha256(back) == sent["sha256"]
    again = own_deployment.admin.json("cp", str(big), "folder:data")
    assert again["moved_bytes"] == 0
