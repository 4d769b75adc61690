"""A network between client and server that can be cut, and that counts what goes up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Passes TCP connections on to a port of this machine. At each of `stops_at` (bytes that have gone up in all) it
    holds everything up until `go_on`, so that what is to happen there happens there."""

    def __init__(self, port: int, stops_at: list[int]) -> None:
        self._target = ("127.0.0.1", port)
        self._stops = list(stops_at)
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._going = threading.Event()
        self._going.set()
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.bytes_up = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_stopped(self) -> None:
        """Return when the next of the stops is reached."""
        assert self._stopped.wait(60), f"nothing more was sent after {self.bytes_up} bytes"

    def go_on(self) -> None:
        self._stopped.clear()
        self._going.set()

    def cut(self) -> None:
        """Break every connection off (RST), as a network does that has lost its memory."""
        with self._guard:
            for sock in self._open:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._going.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        with client, server:
            with self._guard:
                self._open |= {client, server}
            down = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            down.start()
            self._copy(client, server, up=True)
            down.join()
            with self._guard:
                self._open -= {client, server}

    def _copy(self, source: socket.socket, sink: socket.socket, *, up: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 18):
                if up:
                    self._count(len(data))
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _count(self, size: int) -> None:
        with self._guard:
            self.bytes_up += size
            if self._stops and self.bytes_up >= self._stops[0]:
                del self._stops[0]
                self._going.clear()
                self._stopped.set()
        self._going.wait()


@contextmanager
def cutting_proxy(port: int, stops_at: list[int]) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port, stops_at)
    try:
        yield proxy
    finally:
        proxy.close()
