"""A server for tests of the client side: the routes that clients ask for, and streams to an app of the test's own."""

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sshore.wire.heads import RequestHead, parse_request, problem_response, split_head, switching_protocols
from sshore.wire.problems import Code, Problem

App = Callable[[socket.socket], None]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzIwu73JjY627sr0yW8KFWU7YtVyYvPKbppax+u8aTD"
FURTHER_HOST_KEY = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBL6FHU+JaezffRusL/D+3jvIKh6FTBDMLRD6Rk/3U"
    "lbqzpuqopsYmFAFh9GkujfREvo0m10xpLh58avCilus7go="
)
HOST_KEY_FINGERPRINT = "SHA256:pfj2dUXZ4namShr0RXb3ApBA5wkGkgpBlUhqqYM8TXg"

CERTIFICATE = "ssh-ed25519-cert-v01@openssh.com AAAA"


def echo(stream: socket.socket) -> None:
    """Answers each chunk, says ``bye`` after the client's half-close, then closes."""
    while data := stream.recv(65536):
        stream.sendall(data)
    stream.sendall(b"bye")


def session(name: str, **changes: Any) -> dict[str, Any]:
    """A running session with SSH launched; its id is made of its name."""
    return {
        "id": f"id-{name}",
        "name": name,
        "owner": "ann",
        "state": "running",
        "reason": "",
        "engine": "sandbox",
        "image": "",
        "network": "nat",
        "key_type": "ed25519",
        "resources": {"cpus": None, "memory_bytes": None, "pids": None, "gpus": 0},
        "mounts": [],
        "launched": ["ssh"],
        "linked": True,
        "host_key_fingerprint": HOST_KEY_FINGERPRINT,
        "created_at": "2026-01-01T00:00:00Z",
        "started_at": None,
        **changes,
    }


class FakeServer:
    """Listens from `start` to `stop`, always on the same port. What it answers can be changed at any time."""

    token = "secret"

    def __init__(self, app: App = echo, tls: ssl.SSLContext | None = None) -> None:
        self.app = app
        self.sessions = {name: session(name) for name in ("demo", "other")}
        self.preferred_port = ""
        self.refuse_streams: Problem | None = None
        self.launches: list[str] = []
        self.certifies_with_streams = True
        """Servers before this could not."""
        self.told = {"certificate": CERTIFICATE, "host-ca": HOST_KEY}
        """What comes with a stream, beside and instead of the session's own name and id."""
        self.further_host_keys: list[str] = []
        self.port = 0
        self._tls = tls
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "FakeServer":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """As a killed server does: everything is closed at once."""
        if self._listener is not None:
            _shut(self._listener)
            self._listener = None
        for connection in list(self._open):
            _shut(connection)
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()

    def _spawn(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._open.add(connection)
                self._spawn(self._serve, connection)

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(plain, server_side=True)
                self._open.add(connection)
            self._answer(connection)
        self._open.discard(connection)
        self._open.discard(plain)
        connection.close()

    def _answer(self, connection: socket.socket) -> None:
        received = b""
        while (parts := split_head(received)) is None:
            data = connection.recv(4096)  # a client sends nothing of the stream before it is open
            if not data:
                return
            received += data
        head, body = parse_request(parts[0]), parts[1]
        length = int(head.fields.get("content-length", "0"))
        while len(body) < length:
            body += connection.recv(4096)
        if head.upgrade:
            self._stream(connection, head)
        else:
            connection.sendall(self._respond(head, json.loads(body) if body else None))

    def _stream(self, connection: socket.socket, head: RequestHead) -> None:
        problem = self._refusal(head) or self.refuse_streams
        if problem is not None:
            connection.sendall(problem_response(problem))
            return
        connection.sendall(switching_protocols(head.upgrade, **self._told(head)))
        self.app(connection)

    def _told(self, head: RequestHead) -> dict[str, str]:
        if "sshore-public-key" not in head.fields or not self.certifies_with_streams:
            return {}
        found = self._find(head.path.split("/")[4]) or {}
        told = {"session": found["id"], "name": found["name"], **self.told}
        return {f"sshore-{name}": value for name, value in told.items()}

    def _respond(self, head: RequestHead, body: Any) -> bytes:
        problem = self._refusal(head)
        if problem is not None:
            return problem_response(problem)
        content = json.dumps(self._route(head.method, head.path.removeprefix("/api/v1/").split("/"))).encode()
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

    def _refusal(self, head: RequestHead) -> Problem | None:
        parts = head.path.split("/")
        if head.bearer_token != self.token and parts[3] != "version":
            return Problem(Code.UNAUTHENTICATED, "the API token is not known here")
        if parts[3] == "sessions" and len(parts) > 4 and self._find(parts[4]) is None:
            return Problem(Code.NOT_FOUND, f"you have no session '{parts[4]}'")
        return None

    def _find(self, ref: str) -> dict[str, Any] | None:
        return next((one for one in self.sessions.values() if ref in (one["id"], one["name"])), None)

    def _route(self, method: str, parts: list[str]) -> Any:
        match method, *parts:
            case "GET", "me":
                return {"name": "ann", "role": "member", "settings": {}}
            case "GET", "version":
                return {"version": "0.1.0", "engines": ["sandbox"], "kit": "abc"}
            case "GET", "trust":
                return {"host_ca": HOST_KEY}
            case "GET", "settings", name:
                return {"name": name, "title": "", "value": self.preferred_port, "default": "", "warning": ""}
            case "GET", "sessions":
                return list(self.sessions.values())
            case "GET", "sessions", ref:
                return self._find(ref)
            case "POST", "sessions", ref, "apps", app, "start":
                self.launches.append(app)
                return {"name": app, "title": app, "launched": True, "connections": 0}
            case "GET", "sessions", ref, "key":
                found = self._find(ref) or {}
                keys: dict[str, Any] = {
                    "private_key": "PRIVATE\n",
                    "public_key": "ssh-ed25519 AAAA",
                    "host_key": HOST_KEY,
                }
                keys |= {"further_host_keys": self.further_host_keys}
                return {"session_id": found["id"], "name": found["name"], **keys}
            case "POST", "sessions", ref, "certificate":
                found = self._find(ref) or {}
                told = {"certificate": CERTIFICATE, "valid_until": "2026-01-01T00:10:00Z"}
                return {"session_id": found["id"], "name": found["name"], **told}
        raise AssertionError(f"no such route: {method} {parts}")


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    if connection.type == socket.SOCK_STREAM:
        connection.close()
