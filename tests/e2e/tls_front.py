"""TLS in front of a server, as a reverse proxy has it, with a certificate of its own for 127.0.0.1."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import SHUT_RDWR, SHUT_WR, create_connection, create_server, socket


@contextmanager
def tls_front(port: int, directory: Path) -> Iterator[tuple[int, Path]]:
    """The port by which another is reached over TLS, and the file of the certificate that clients must trust."""
    pem = directory / "front.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pem, "-out", pem]
    subprocess.run(["openssl", "req", *kind, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    front = _Front(context, port)
    try:
        yield front.port, pem
    finally:
        front.close()


class _Front:
    def __init__(self, context: ssl.SSLContext, behind: int) -> None:
        self._context, self._behind = context, behind
        self._listener = create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._sockets: set[socket] = {self._listener}
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def close(self) -> None:
        for each in list(self._sockets):
            with suppress(OSError):
                socket.shutdown(each, SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()

    def _spawn(self, target: object, *arguments: socket) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._spawn(self._join, self._listener.accept()[0])

    def _join(self, plain: socket) -> None:
        with suppress(OSError):
            client = self._context.wrap_socket(plain, server_side=True)
            server = create_connection(("127.0.0.1", self._behind))
            self._sockets |= {client, server}
            self._spawn(self._copy, client, server)
            self._copy(server, client)

    def _copy(self, source: socket, sink: socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(SHUT_WR)
