"""A port for a server or a forward of a test's own."""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on, and that stays free while its holder is stopped: neither one that
    the system gives away by itself (ip(7), ip_local_port_range) nor one of the first that a local proxy tries."""
    for port in random.sample(range(12000, 32000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")
