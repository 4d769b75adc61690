"""The worst that a member of a server can do to it from outside, with a token of one's own: in threads, for a time."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress

from sshore.sdk.credentials import Login

_THREADS = 4
_REQUESTS = 100_000
"""At most so many, however long it takes."""
_HELD = 1000
_BODY = 1 << 20


def streams(login: Login, port: int, until: float) -> None:
    """Connections through a local port, all kept open."""
    _hold([("127.0.0.1", port)] * _HELD, b"SSH-2.0-worst\r\n", until)


def unfinished(login: Login, port: int, until: float) -> None:
    """Requests that never end."""
    _hold([(login.address.host, login.address.port)] * _HELD, b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n", until)


def requests(login: Login, port: int, until: float) -> None:
    """Small requests, one after the other, on several connections."""
    left = [_REQUESTS // _THREADS] * _THREADS

    def ask(thread: int) -> None:
        connection = http.client.HTTPConnection(login.address.host, login.address.port, timeout=30)
        while time.monotonic() < until and left[thread] > 0:
            left[thread] -= 1
            _answered(connection, "GET", "/api/v1/sessions", None, login)
        connection.close()

    _in_threads(ask)


def misuse(login: Login, port: int, until: float) -> None:
    """Requests that no client of ours makes: huge names, deep documents, large bodies, heads that are too long."""
    bodies = (
        {"name": "x" * _BODY},
        {"name": "ok", "mounts": [{"folder": "f", "target": "/t"}] * 10_000},
        json.loads("[" * 500 + "]" * 500),
        {"name": "caf\ud800"},
    )

    def ask(thread: int) -> None:
        connection = http.client.HTTPConnection(login.address.host, login.address.port, timeout=30)
        turn = thread
        while time.monotonic() < until:
            turn += 1
            _answered(connection, "POST", "/api/v1/sessions", json.dumps(bodies[turn % len(bodies)]), login)
            _answered(connection, "GET", f"/api/v1/sessions/{'y' * 60_000}", None, login)
            _answered(connection, "GET", f"/api/v1/folders/{'%2f' * 1000}", None, login)
        connection.close()

    _in_threads(ask)


def waits(login: Login, port: int, until: float) -> None:
    """Requests that wait for what does not come."""
    path = "/api/v1/sessions/worst?wait_s=30&seen=never"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {login.token}\r\n\r\n"
    _hold([(login.address.host, login.address.port)] * _HELD, head.encode(), until)


KINDS: Mapping[str, Callable[[Login, int, float], None]] = {
    kind.__name__: kind for kind in (streams, unfinished, requests, misuse, waits)
}


def _hold(addresses: list[tuple[str, int]], first: bytes, until: float) -> None:
    with ExitStack() as stack:
        for address in addresses:
            with suppress(OSError):
                connection = stack.enter_context(socket.create_connection(address, timeout=1))
                connection.sendall(first)
            if time.monotonic() > until:
                return
        time.sleep(max(until - time.monotonic(), 0))


def _answered(connection: http.client.HTTPConnection, method: str, path: str, body: str | None, login: Login) -> None:
    headers = {"Authorization": f"Bearer {login.token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, body, headers)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        connection.close()
        time.sleep(0.01)


def _in_threads(action: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=action, args=(number,)) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    import os
    import sys
    from pathlib import Path

    from sshore.sdk.config_dir import ConfigDir
    from sshore.sdk.credentials import read_credentials

    kind, seconds, port = sys.argv[1:]
    stored = read_credentials(ConfigDir(Path(os.environ["SSHORE_CONFIG_DIR"])).credentials)
    KINDS[kind](stored.choose(), int(port), time.monotonic() + float(seconds))
