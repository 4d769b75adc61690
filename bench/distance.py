"""A way to a port of this machine that takes as long as one to a far place: a relay that delays, in its own thread.

What is said arrives half a round trip later, both ways; and a connection's first bytes one round trip later still, for
TCP's handshake, which a relay on loopback has answered at once.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK_BYTES = 256 << 10


@contextmanager
def distance(port: int, round_trip_s: float) -> Iterator[int]:
    """The port by which another is reached from far away."""
    loop = asyncio.new_event_loop()
    ready: list[int] = []
    listening = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(lambda *ends: _joined(*ends, port, round_trip_s), "127.0.0.1", 0)
        ready.append(server.sockets[0].getsockname()[1])
        listening.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        if not listening.wait(10):
            raise SystemExit("the relay that delays does not listen")
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        if tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks))
        loop.close()


async def _joined(
    client: asyncio.StreamReader, to_client: asyncio.StreamWriter, port: int, round_trip_s: float
) -> None:
    server, to_server = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.TaskGroup() as group:
        group.create_task(_delayed(client, to_server, round_trip_s / 2, round_trip_s))
        group.create_task(_delayed(server, to_client, round_trip_s / 2, 0))


async def _delayed(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay_s: float, first_s: float) -> None:
    """Copy, each chunk as much later as it takes to arrive."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

    async def read() -> None:
        not_before = loop.time() + first_s
        data = b"more"
        while data:
            with suppress(ConnectionError):
                data = await source.read(_CHUNK_BYTES)
            await chunks.put((max(loop.time(), not_before) + delay_s, data))

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        with suppress(ConnectionError):
            while True:
                due, data = await chunks.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not data:
                    break
                sink.write(data)
                await sink.drain()
    sink.close()
