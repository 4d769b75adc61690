"""A server that may open few files: a member takes as many of them as can be had, and everybody else is served."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from deployment import Deployment, deployment

from sshore.wire import heads

FILES = 320


@pytest.fixture
def small(shared: Deployment) -> Iterator[Deployment]:
    with deployment(started=False, kit_of=shared.state) as made:
        made.server.before = ("prlimit", f"--nofile={FILES}:{FILES}", "--")
        made.start()
        yield made


def test_one_member_leaves_files_for_everybody_else(small: Deployment) -> None:
    """Connections that are answered and stay, links, streams: of each as many as the server has files."""
    small.run_session("demo", "--network", "none")
    ann = small.member("ann")
    box = ann.run_session("box", "--network", "none")
    agents_token = json.loads((small.state / "sessions" / box["id"] / "run" / "agent.json").read_text())["token"]
    me = f"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n\r\n".encode()
    with ExitStack() as taken:
        answers = {
            kind: [ask(taken, small, request) for _ in range(FILES)]
            for kind, request in (
                ("idle", me),
                ("stream", heads.stream_request("x", "box", "ssh", ann.token, "test")),
                ("link", heads.link_request("x", agents_token, "test")),
            )
        }
        assert (answers["link"].count(101), answers["link"].count(503)) > (0, 0)
        assert small.cli("ssh", "demo", "echo served") == "served\n"
        assert small.admin.json("show", "demo")["linked"]
        assert answers["stream"].count(101) <= FILES // 8
        assert answers["stream"].count(403) >= FILES // 2
    assert ann.ok("ssh", "box", "echo and so is she") == "and so is she\n"


def ask(taken: ExitStack, server: Deployment, request: bytes) -> int:
    """The answer's status; the connection stays. 0 where it is cut off."""
    sock = taken.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
    try:
        sock.sendall(request)
        return int(sock.recv(4096)[9:12] or 0)
    except ConnectionError:
        return 0
