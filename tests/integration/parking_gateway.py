"""The least gateway that there can be, for tests of the agent: parks links that come to a Unix socket,
and joins connections to a TCP port of its own with streams to the app ``ssh``."""

import queue
import socket
import threading
from contextlib import suppress
from pathlib import Path

from sshore.wire.heads import LINK_PATH, LINK_PROTOCOL, parse_request, problem_response, switching_protocols
from sshore.wire.lines import decode_line, encode_line
from sshore.wire.problems import Code, Problem


class ParkingGateway:
    """A context: listens from entry to exit."""

    def __init__(self, path: Path, token: str) -> None:
        self._path = path
        self.token = token
        self.links: queue.Queue[socket.socket] = queue.Queue()
        self.parked = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._tcp = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._tcp.getsockname()[1]

    def __enter__(self) -> "ParkingGateway":
        self.listen()
        self._spawn(self._accept_streams, self._tcp)
        return self

    def __exit__(self, *exc: object) -> None:
        self._shut(self._tcp)
        self.hang_up()
        for connection in list(self._open):
            self._shut(connection)
        for thread in self._threads:
            thread.join(10)
        for connection in [self._tcp, *self._open]:
            connection.close()

    def listen(self) -> None:
        """Begin to accept links."""
        self._unix = socket.socket(socket.AF_UNIX)
        self._unix.bind(str(self._path))
        self._path.chmod(0o666)
        self._unix.listen(128)
        self._spawn(self._accept_links, self._unix)

    def hang_up(self) -> None:
        """What a killed server does: the socket is gone, the parked links are closed."""
        self._path.unlink(missing_ok=True)
        self._shut(self._unix)
        self._unix.close()
        while not self.links.empty():
            self._close(self.links.get())

    def take(self, within_s: float = 10.0) -> socket.socket:
        return self.links.get(timeout=within_s)

    def ask(self, line: bytes | dict[str, object]) -> tuple[dict[str, object], socket.socket]:
        """Send a line on a parked link; the answer, and the socket."""
        link = self.take()
        link.settimeout(40)
        link.sendall(line if isinstance(line, bytes) else encode_line(line))
        received = b""
        while not received.endswith(b"\n"):
            byte = link.recv(1)
            if not byte:
                raise ConnectionError("the agent has closed the link without an answer")
            received += byte
        return decode_line(received), link

    def call(self, **message: object) -> dict[str, object]:
        reply, link = self.ask(message)
        assert link.recv(1) == b"", "a call's link ends after the answer"
        self._close(link)
        return reply

    def close(self, link: socket.socket) -> None:
        self._close(link)

    def _accept_links(self, listener: socket.socket) -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            self._open.add(link)
            try:
                self._park(link)
            except OSError:  # the agent has ended meanwhile
                self._close(link)

    def _park(self, link: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = link.recv(1)
            if not byte:
                raise ConnectionError("the agent has closed the link")
            head += byte
        request = parse_request(head[:-4])
        assert (request.path, request.upgrade) == (LINK_PATH, LINK_PROTOCOL)
        if request.bearer_token == self.token:
            link.sendall(switching_protocols(LINK_PROTOCOL))
            self.parked += 1
            self.links.put(link)
        else:
            link.sendall(problem_response(Problem(Code.UNAUTHENTICATED, "no such session")))
            self._close(link)

    def _accept_streams(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(client)
            self._spawn(self._join, client)

    def _join(self, client: socket.socket) -> None:
        reply, link = self.ask({"open": "ssh"})
        link.settimeout(None)
        if reply["ok"]:
            other = self._spawn(self._copy, link, client)
            self._copy(client, link)
            other.join()
        self._close(client)
        self._close(link)

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(256 << 10):
                if source.family == socket.AF_INET:
                    # ssh's own Nagle waits for the acknowledgement of NEWKEYS, which is delayed by 40 ms otherwise.
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._shut(source)
            self._shut(sink)

    def _spawn(self, target, *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments)
        thread.start()
        self._threads.append(thread)
        return thread

    def _close(self, connection: socket.socket) -> None:
        self._open.discard(connection)
        connection.close()

    @staticmethod
    def _shut(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
