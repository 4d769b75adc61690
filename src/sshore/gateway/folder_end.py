"""The far end of a stream to a folder: a program's socket as a transport, ready to be joined."""

import asyncio
from contextlib import AsyncExitStack

from sshore.core.folders import FolderApp, FolderView
from sshore.core.ports import FolderServer


class _Early(asyncio.Protocol):
    """Keeps what the program says before the stream is joined: `sshd` speaks first."""

    def __init__(self) -> None:
        self.received = bytearray()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        return False


async def open_folder_end(
    stack: AsyncExitStack, server: FolderServer, view: FolderView, app: FolderApp
) -> tuple[asyncio.Transport, bytes]:
    """Start the program, which ends with `stack`; its transport, reading paused, and its first bytes."""
    process = await server.open(view, app)
    stack.push_async_callback(process.aclose)
    loop = asyncio.get_running_loop()
    transport, early = await loop.create_unix_connection(_Early, sock=process.socket)
    if not transport.is_closing():
        transport.pause_reading()
    return transport, bytes(early.received)
