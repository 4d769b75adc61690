"""`sshore stream --fdpass --certify`, as the managed ssh_config calls it: the certificate comes with the stream."""

import os
import shlex
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import SSHORE, CommandLine
from fake_server import CERTIFICATE, FURTHER_HOST_KEY, HOST_KEY, FakeServer

from sshore.cli.connecting import take_over

OTHER_KEY = "ssh-rsa AAAA"
WANTED = ("stream", "--fdpass", "--certify", "demo.sshore")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def sshore(tmp_path: Path, server: FakeServer) -> CommandLine:
    sshore = CommandLine(tmp_path / "config", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token)
    sshore.ok("config-ssh", "--file", str(tmp_path / "own"))
    (sshore.config / "ssh" / "known_hosts").unlink(missing_ok=True)
    return sshore


def certificate_of(sshore: CommandLine, host: str = "demo.sshore") -> str:
    return (sshore.config / "ssh" / "certs" / f"{host}-cert.pub").read_text()


def handed_over(sshore: CommandLine, *arguments: str) -> socket.socket:
    """What `ssh` would be given, when the ProxyCommand has ended."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = sshore.popen(*arguments, stdin=theirs, stdout=theirs)
        theirs.close()
        ours.settimeout(20)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        assert process.wait(20) == 0
        assert len(descriptors) == 1, "no descriptor was handed over"
        return socket.socket(fileno=descriptors[0])


@pytest.mark.parametrize("is_older", [False, True])
def test_ssh_finds_the_certificate_when_it_has_the_stream(
    sshore: CommandLine, server: FakeServer, is_older: bool
) -> None:
    server.certifies_with_streams = not is_older
    with handed_over(sshore, *WANTED) as stream:
        stream.sendall(b"hello")
        assert stream.recv(100) == b"hello"
    assert certificate_of(sshore) == f"{CERTIFICATE}\n"
    known_hosts = (sshore.config / "ssh" / "known_hosts").read_text()
    assert known_hosts == f"@cert-authority *.sshore {HOST_KEY} {server.url}\n"


def test_further_host_keys_are_known_by_the_sessions_names(sshore: CommandLine, server: FakeServer) -> None:
    server.told |= {"host-key": HOST_KEY, "further-host-keys": f"{FURTHER_HOST_KEY}, {OTHER_KEY}"}
    handed_over(sshore, *WANTED).close()
    known = (sshore.config / "ssh" / "known_hosts").read_text().splitlines()[1:]
    assert known == [f"demo.sshore,id-demo.sshore {key}" for key in (HOST_KEY, FURTHER_HOST_KEY, OTHER_KEY)]


def test_a_program_without_certificates_finds_a_sessions_latest_host_key(
    sshore: CommandLine, server: FakeServer
) -> None:
    """Such as libssh, which asks for no certificate, and for no descriptor."""
    for key in (HOST_KEY, OTHER_KEY):
        server.told |= {"host-key": key}
        assert sshore.run("stream", "demo.sshore", stdin=b"").returncode == 0
        known = (sshore.config / "ssh" / "known_hosts").read_text().splitlines()[1:]
        assert known == [f"demo.sshore,id-demo.sshore {key}"]
    assert not (sshore.config / "ssh" / "certs").exists()


@pytest.mark.parametrize("line", ["ssh-rsa", f"{CERTIFICATE}", "* ssh-rsa AAAA", "ssh-rsa AA@AA"])
def test_what_is_no_further_host_key_is_not_written(sshore: CommandLine, server: FakeServer, line: str) -> None:
    server.told |= {"host-key": HOST_KEY, "further-host-keys": line}
    refused = sshore.run(*WANTED)
    assert refused.returncode == 1 and b"not as a Sshore server does" in refused.stderr
    assert not (sshore.config / "ssh" / "known_hosts").exists()


def test_two_pipes_are_given_the_stream_itself(sshore: CommandLine) -> None:
    done = sshore.run(*WANTED, stdin=b"hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hellobye", b"")


def test_the_first_time_makes_the_client_key(sshore: CommandLine) -> None:
    for path in (sshore.config / "ssh").glob("id_sshore*"):
        path.unlink()
    handed_over(sshore, *WANTED).close()
    assert (sshore.config / "ssh" / "id_sshore.pub").exists()


def test_nothing_is_loaded_that_takes_long(sshore: CommandLine) -> None:
    words = [sys.executable, "-I", "-X", "importtime", SSHORE, *WANTED]
    done = subprocess.run(words, env=sshore.environment, input=b"", capture_output=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "sshore.cli.connecting.quick" in loaded
    slow = {"dataclasses", "typing", "pathlib", "ssl", "subprocess", "sshore.cli.connecting.ordinary"}
    assert not slow & loaded


def test_for_ssh_it_starts_past_what_python_brings(sshore: CommandLine, tmp_path: Path) -> None:
    sshore.ok("config-ssh", "--file", str(tmp_path / "own"))
    managed = (sshore.config / "ssh" / "config").read_text()
    python, *words = shlex.split(next(line for line in managed.splitlines() if "ProxyCommand" in line))[1:-2]
    timed = [python, "-X", "importtime", *words, *WANTED]
    done = subprocess.run(timed, env=sshore.environment, input=b"", capture_output=True)
    loaded = [line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()]
    # What copies comes later: `ssh` takes the socket instead.
    loaded = loaded[: loaded.index("sshore.profiles.known_hosts")]
    assert "sshore.sdk.login_certificate" in loaded
    assert not {"site", "json", "re", "enum", "collections", "contextlib", "socket", "encodings.idna"} & set(loaded)


@pytest.mark.parametrize(
    ("what", "lie"),
    [
        ("certificate", "ssh-ed25519 AAAA"),
        ("certificate", "ssh-ed25519-cert-v01@openssh.com"),
        ("certificate", "ssh-ed25519-cert-v01@openssh.com ../../x"),
        ("host-ca", "*.example.org ssh-ed25519 AAAA"),
        ("name", "../../.ssh/authorized_keys"),
        ("name", "-oProxyCommand=x"),
        ("session", "../x"),
        ("session", ""),
    ],
)
def test_a_server_that_says_something_else_is_not_believed(
    sshore: CommandLine, server: FakeServer, what: str, lie: str
) -> None:
    server.told[what] = lie
    for words in (WANTED, ("ssh", "demo", "true")):
        done = sshore.run(*words)
        assert done.returncode == 1, done.stderr.decode()
        assert b"not as a Sshore server does" in done.stderr and done.stderr.count(b"\n") == 1
    assert not (sshore.config / "ssh" / "certs").exists()
    assert not (sshore.config / "ssh" / "known_hosts").exists()


@pytest.mark.parametrize("name", ["../x", "-x", "a/b", "a b", "x" * 64, ""])
def test_what_is_no_name_becomes_no_file(sshore: CommandLine, name: str) -> None:
    assert sshore.run("stream", "--certify", f"{name}.sshore").returncode == 2


def test_a_config_directory_that_cannot_be_written_is_named(sshore: CommandLine) -> None:
    (sshore.config / "ssh" / "certs").write_text("in the way")
    done = sshore.run(*WANTED)
    assert done.returncode == 1
    assert done.stderr.startswith(b"sshore: ") and b"certs" in done.stderr and done.stderr.count(b"\n") == 1


def test_many_at_once_each_have_a_whole_certificate(sshore: CommandLine) -> None:
    processes = [sshore.popen(*WANTED, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(8)]
    for process in processes:
        assert process.communicate(timeout=60)[0] == b"bye"
    assert certificate_of(sshore) == f"{CERTIFICATE}\n"
    assert [path.name for path in (sshore.config / "ssh" / "certs").iterdir()] == ["demo.sshore-cert.pub"]


class TestOverTls:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[FakeServer]:
        pem = str(tmp_path / "server.pem")
        kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pem, "-out", pem]
        subprocess.run(["openssl", "req", *kind, *subject], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        with FakeServer(tls=context) as server:
            yield server

    def test_one_end_of_a_pair_is_handed_over_and_a_child_relays(self, sshore: CommandLine, tmp_path: Path) -> None:
        sshore.environment["SSL_CERT_FILE"] = str(tmp_path / "server.pem")
        data = os.urandom(1 << 20)
        with handed_over(sshore, *WANTED) as stream:
            stream.settimeout(30)
            received = bytearray()
            for at in range(0, len(data), 1 << 16):
                stream.sendall(data[at : at + (1 << 16)])
                while len(received) < at + (1 << 16):
                    received += stream.recv(1 << 16)
        assert received == data
        assert certificate_of(sshore) == f"{CERTIFICATE}\n"


def test_whoever_comes_too_late_runs_the_command() -> None:
    words = [sys.executable, "-I", "-S", take_over.__file__, "/nowhere/stream", "/bin/echo", "by itself"]
    assert subprocess.run(words, capture_output=True).stdout == b"by itself\n"
