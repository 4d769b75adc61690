"""Names of images, and how a pull is told."""

import pytest

from sshore.core.errors import InvalidInput
from sshore.core.images import (
    PullProgress,
    check_image_name,
    check_own_name,
    check_registry,
    full_name,
    is_own_name,
    registry_of,
)

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("name", "full", "registry"),
    [
        ("debian", "debian:latest", "docker.io"),
        ("us/tool:1.2_3", "us/tool:1.2_3", "docker.io"),
        ("ghcr.io/us/tool", "ghcr.io/us/tool:latest", "ghcr.io"),
        ("localhost/tool:1", "localhost/tool:1", "localhost"),
        ("registry:5000/a/b__c", "registry:5000/a/b__c:latest", "registry:5000"),
        ("127.0.0.1:5000/tool:1", "127.0.0.1:5000/tool:1", "127.0.0.1:5000"),
        (f"debian@{DIGEST}", f"debian@{DIGEST}", "docker.io"),
        (DIGEST, DIGEST, "docker.io"),
    ],
)
def test_a_name_says_registry_and_tag(name: str, full: str, registry: str) -> None:
    assert (full_name(check_image_name(name)), registry_of(name)) == (full, registry)


@pytest.mark.parametrize("name", ["", "../containers/x", "a b", "Upper", "x?y=z", "x#y", "a//b", "/a", "a:b:c", "x\n"])
def test_what_is_no_name_reaches_no_daemon(name: str) -> None:
    with pytest.raises(InvalidInput, match="is no name of an image"):
        check_image_name(name)


def test_a_committed_image_is_of_no_registry() -> None:
    assert check_own_name("mine") == "mine:latest"
    assert check_own_name("team/mine:2") == "team/mine:2"
    for name in ("ghcr.io/mine", "localhost/mine", f"mine@{DIGEST}", DIGEST, "a" * 200, "", "-x", "Mine"):
        assert not is_own_name(name)
        with pytest.raises(InvalidInput, match="stays on this server"):
            check_own_name(name)


def test_a_registry_is_its_host_however_it_is_written() -> None:
    assert check_registry("https://ghcr.io/") == "ghcr.io"
    assert check_registry("https://index.docker.io/v1/") == check_registry("docker.io") == "docker.io"
    assert check_registry("registry.example.org:5000") == "registry.example.org:5000"
    for name in ("", "a/b", "a b", "https://", "x\n"):
        with pytest.raises(InvalidInput, match="is no registry"):
            check_registry(name)


def test_a_pull_is_told_as_far_as_it_is_known() -> None:
    assert PullProgress("x:1").phrase == "pulls the image x:1"
    told = PullProgress("x:1", layers=5, layers_done=2, done_bytes=1 << 20, total_bytes=4 << 20).phrase
    assert told == "pulls the image x:1: 1 MiB of 4 MiB, 2 of 5 layers"
