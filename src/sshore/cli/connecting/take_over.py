"""The ProxyCommand of `sshore ssh`: passes the stream that it has opened on to `ssh`. Run as a program, not imported:

    python -I -S take_over.py SOCKET COMMAND…     COMMAND is run instead where nobody is at SOCKET any more

`_socket` and not `socket`, which is made of enums and takes longer to load than the whole of this program to run.
"""

import _socket
import sys

_DESCRIPTOR_BYTES = 4


def _taken(path: str) -> list[tuple[int, int, bytes]]:
    """The descriptor, as one socket passes it to another (unix(7), SCM_RIGHTS); empty where there is none."""
    offerer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        offerer.connect(path)
        ancillary = offerer.recvmsg(1, _socket.CMSG_SPACE(_DESCRIPTOR_BYTES))[1]
    except OSError:
        return []
    return [item for item in ancillary if item[:2] == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)]


def _main() -> None:
    descriptors = _taken(sys.argv[1])
    import os  # the interpreter has not loaded it yet (-S)

    if not descriptors:
        os.execv(sys.argv[2], sys.argv[2:])
    _socket.socket(fileno=1).sendmsg([b"\0"], descriptors)
    os._exit(0)


if __name__ == "__main__":
    _main()
