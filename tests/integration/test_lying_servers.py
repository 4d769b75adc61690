"""What a server answers becomes names of files and lines of other programs' files: it is checked before."""

from pathlib import Path

import pytest
from fake_server import FURTHER_HOST_KEY, HOST_KEY, FakeServer, session

from sshore.core.errors import SshoreError
from sshore.proxy.setup import list_all, prepare
from sshore.sdk.address import parse_server_url
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login

PATHS = ("../../outside", "/tmp/outside", "..", ".", "", "a/b")
LINES = ("demo\nProxyCommand id", "demo\r\nProxyMethod=5", 'demo"', "d mo")


@pytest.fixture
def lying() -> FakeServer:
    server = FakeServer()
    server.sessions = {"demo": session("demo")}
    return server


def login(server: FakeServer) -> Login:
    return Login(parse_server_url(server.url), server.token)


@pytest.mark.parametrize("told", [*({"id": path} for path in PATHS), *({"name": line} for line in LINES)])
def test_ids_and_names_are_labels(lying: FakeServer, tmp_path: Path, told: dict[str, str]) -> None:
    lying._find = lambda ref: session("demo") | told  # type: ignore[method-assign]
    lying.sessions = {"demo": session("demo") | told}
    with lying:
        with pytest.raises(SshoreError, match="not as a Sshore server does"):
            prepare(login(lying), "demo", "ssh", ConfigDir(tmp_path / "config"))
        with pytest.raises(SshoreError, match="not as a Sshore server does"):
            list_all(login(lying), folders=False)
    assert list(tmp_path.rglob("id_container")) == []


def test_a_fingerprint_is_the_host_keys_whatever_is_told(lying: FakeServer, tmp_path: Path) -> None:
    lying.sessions = {"demo": session("demo", host_key_fingerprint="SHA256:abc\nProxyMethod=5")}
    with lying:
        prepared = prepare(login(lying), "demo", "ssh", ConfigDir(tmp_path))
    assert prepared.host_key == HOST_KEY
    assert prepared.host_key_fingerprint.startswith("SHA256:") and "\n" not in prepared.host_key_fingerprint
    assert prepared.host_key_fingerprint != "SHA256:abc"


def test_further_host_keys_are_keys_too(lying: FakeServer, tmp_path: Path) -> None:
    lying.further_host_keys = [f"{FURTHER_HOST_KEY} a comment"]
    with lying:
        told = prepare(login(lying), "demo", "ssh", ConfigDir(tmp_path))
        assert [" ".join(key.split()[:2]) for key in told.further_host_keys] == [FURTHER_HOST_KEY]
        for line in ("ssh-rsa AAAA", f"{FURTHER_HOST_KEY}\n@cert-authority * {HOST_KEY}", "* ssh-ed25519 AAAA"):
            lying.further_host_keys = [line]
            with pytest.raises(SshoreError):
                prepare(login(lying), "demo", "ssh", ConfigDir(tmp_path))


@pytest.mark.parametrize("framing", [b"Content-Length: 1025", b"Transfer-Encoding: chunked"])
def test_an_answer_without_end_is_no_servers(
    lying: FakeServer, monkeypatch: pytest.MonkeyPatch, framing: bytes
) -> None:
    monkeypatch.setattr("sshore.sdk.http.MAX_ANSWER_BYTES", 1024)
    chunk = b"401\r\n" if b"chunked" in framing else b""
    answer = b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s%s" % (framing, chunk, b" " * 1025)
    lying._respond = lambda head, body: answer  # type: ignore[method-assign]
    with lying, pytest.raises(SshoreError, match="not as a Sshore server does"):
        list_all(login(lying), folders=False)


@pytest.mark.parametrize("path", PATHS)
def test_no_id_leads_out_of_the_directory_of_keys(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError):
        ConfigDir(tmp_path).session_key(path)
