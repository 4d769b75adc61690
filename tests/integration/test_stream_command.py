"""`sshore stream`: bytes, ends and refusals, as `ssh` meets them in a ProxyCommand."""

import hashlib
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from fake_server import FakeServer

from sshore.proxy.refusal import disconnection
from sshore.wire.problems import Code, Problem


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def sshore(tmp_path: Path, server: FakeServer) -> CommandLine:
    return CommandLine(tmp_path / "config", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token)


@pytest.mark.parametrize("name", ["demo", "demo.sshore", "id-demo"])
def test_stdin_goes_up_and_the_answer_comes_down_after_the_end(sshore: CommandLine, name: str) -> None:
    done = sshore.run("stream", name, stdin=b"hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hellobye", b"")


def test_large_streams_arrive_whole(sshore: CommandLine) -> None:
    data = os.urandom(32 << 20)
    done = sshore.run("stream", "demo", stdin=data)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data + b"bye").digest()


def test_the_far_side_may_end_first(sshore: CommandLine, server: FakeServer) -> None:
    heard: list[bytes] = []

    def greet(stream: socket.socket) -> None:
        stream.sendall(b"welcome")
        stream.shutdown(socket.SHUT_WR)
        heard.append(stream.makefile("rb").read())

    server.app = greet
    process = sshore.popen("stream", "demo", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout and process.stdin
    with process:
        assert process.stdout.read() == b"welcome"
        process.stdin.write(b"last words")
        process.stdin.close()
    assert process.returncode == 0
    server.stop()
    assert heard == [b"last words"]


def test_a_refusal_says_why_and_how_to_launch(sshore: CommandLine, server: FakeServer) -> None:
    server.refuse_streams = Problem(Code.APP_NOT_LAUNCHED, "SSH / SFTP is not launched")
    done = sshore.run("stream", "demo")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"sshore: SSH / SFTP is not launched; launch it with: sshore app start demo ssh\n"


def test_a_refusal_is_told_to_an_ssh_client_as_ssh_tells_it(sshore: CommandLine, server: FakeServer) -> None:
    """AsyncSSH, plink and libssh show what SSH says, and not what a ProxyCommand says on stderr."""
    server.refuse_streams = Problem(Code.APP_NOT_LAUNCHED, "sshore app start demo ssh")
    done = sshore.run("stream", "demo", stdin=b"SSH-2.0-client\r\n")
    assert (done.returncode, done.stderr) == (1, b"sshore: sshore app start demo ssh\n")
    assert done.stdout == disconnection("sshore app start demo ssh")
    waiting, ours = os.pipe()
    try:
        process = sshore.popen("stream", "demo.sshore", stdin=waiting, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.communicate(timeout=10) == (done.stdout, done.stderr)
    finally:
        os.close(waiting)
        os.close(ours)


def test_it_ends_with_its_client_though_that_left_it_the_other_end_of_its_stdin(
    sshore: CommandLine, server: FakeServer
) -> None:
    server.app = lambda stream: stream.shutdown(socket.SHUT_WR)
    theirs, ours = os.pipe()
    process = sshore.popen("stream", "demo", stdin=theirs, stdout=subprocess.PIPE, pass_fds=(ours,))
    os.close(theirs)
    assert process.stdout and process.stdout.read() == b""
    os.close(ours)
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "said"),
    [
        (["dmeo"], {}, 3, b"did you mean demo"),
        (["demo"], {"SSHORE_TOKEN": "expired"}, 4, b"token"),
        (["demo"], {"SSHORE_SERVER": "http://127.0.0.1:1"}, 5, b"cannot reach the server"),
        ([], {}, 2, b"usage: sshore stream"),
        (["demo", "--nonsense"], {}, 2, b"unknown option"),
    ],
)
def test_refusals_have_the_exit_status_of_their_kind(
    sshore: CommandLine, arguments: list[str], environment: dict[str, str], status: int, said: bytes
) -> None:
    sshore.environment |= environment
    done = sshore.run("stream", *arguments)
    assert (done.returncode, done.stdout) == (status, b"")
    assert said in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_ssh_is_given_the_socket_itself(sshore: CommandLine) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = sshore.popen("stream", "--fdpass", "demo", stdin=theirs, stdout=theirs)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        assert process.wait(10) == 0  # nothing stands between any more
        with socket.socket(fileno=descriptors[0]) as stream:
            stream.sendall(b"hello")
            assert stream.recv(100) == b"hello"


def test_a_server_that_breaks_off_is_no_end_of_file(sshore: CommandLine, server: FakeServer) -> None:
    def break_off(stream: socket.socket) -> None:
        stream.recv(100)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close by a reset

    server.app = break_off
    process = sshore.popen("stream", "demo", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(b"x")
    process.stdin.flush()
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 1
    assert b"the connection to the server broke" in stderr


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, and its key in the same file."""
    path = tmp_path / "server.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(path), "-out", str(path)]
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True)
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[FakeServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def reply(stream: socket.socket) -> None:
        stream.sendall(b"got " + stream.recv(100))

    with FakeServer(reply, context) as server:
        yield server


def test_streams_and_forwards_go_over_tls(tmp_path: Path, tls_server: FakeServer, certificate: Path) -> None:
    sshore = CommandLine(
        tmp_path / "config",
        SSHORE_SERVER=tls_server.url,
        SSHORE_TOKEN=tls_server.token,
        SSL_CERT_FILE=str(certificate),
    )
    process = sshore.popen("stream", "demo", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    with process:
        process.stdin.write(b"hello")
        process.stdin.flush()
        assert process.stdout.read() == b"got hello"
        process.stdin.close()
    try:
        with socket.create_connection(("127.0.0.1", sshore.json("connect", "demo")["port"])) as client:
            client.sendall(b"hello")
            assert client.makefile("rb").read() == b"got hello"
    finally:
        sshore.close()


def test_an_unknown_certificate_is_refused(tmp_path: Path, tls_server: FakeServer) -> None:
    sshore = CommandLine(tmp_path / "config", SSHORE_SERVER=tls_server.url, SSHORE_TOKEN=tls_server.token)
    done = sshore.run("stream", "demo")
    assert done.returncode == 5
    assert b"certificate verify failed" in done.stderr
