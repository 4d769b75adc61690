"""(g) What comparable systems do: dropbear behind a WebSocket, here Debian's `dropbear` behind `websockify`.

sftp ── TCP ──▶ relay (this package) ── WebSocket ──▶ websockify ── TCP ──▶ dropbear
"""

import asyncio
import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.deployment import Deployment
from bench.endpoint import Endpoint, free_port, in_other_home, memory_directory
from bench.figures import Figure
from bench.processes import listens, running
from bench.turns import Pace, timed
from sshore.profiles.ssh_config import CIPHERS

_MIB = 1 << 20
_LEAST = 3.0
_CHUNK_BYTES = 256 * 1024


def comparison(ours: Deployment, size: int, turns: int, pace: Pace) -> list[Figure]:
    """Figures of `sftp get`: ours with the cipher that our ssh_config asks for and with an unconfigured client's,
    against dropbear behind websockify with the best that it has."""
    missing = [program for program in ("dropbear", "websockify") if _program(program) is None]
    if missing:
        raise SystemExit(f"the comparison needs {' and '.join(missing)}: scripts/setup --test")
    with _dropbear() as other, memory_directory() as here:
        for endpoint in (ours.endpoint, other):
            endpoint.run("head", "-c", str(size), "/dev/zero", ">", f"{endpoint.memory}/compared")
        actions = {
            "ours": partial(_get_s, ours.endpoint, here, "-o", f"Ciphers={CIPHERS}"),
            "default": partial(_get_s, ours.endpoint, here),
            "dropbear": partial(_get_s, other, here),
        }
        taken = pace.take_turns(actions, turns)
        ours.endpoint.run("rm", f"{ours.endpoint.memory}/compared")
        theirs = other.cipher()
    value, default, base = (taken[name].rate(size / _MIB) for name in actions)
    samples = {name: samples.seconds for name, samples in taken.items()}
    title = f"sftp get, base: dropbear + websockify, {theirs.partition(',')[0]}"
    target = f"ratio ≥ {_LEAST:g}"
    return [
        Figure("g", title, value, "MiB/s", base, target, value / base, least=_LEAST, samples=samples),
        Figure("g", "the same, ours with an unconfigured client", default, "MiB/s", base),
    ]


def _get_s(endpoint: Endpoint, here: Path, *options: str) -> float:
    arrived = here / "compared"
    arrived.unlink(missing_ok=True)
    return timed(lambda: endpoint.transfer(f"get {endpoint.memory}/compared {arrived}", *options))


@contextmanager
def _dropbear() -> Iterator[Endpoint]:
    with tempfile.TemporaryDirectory(prefix="sshore-bench-dropbear-") as made, memory_directory() as memory:
        directory = Path(made)
        daemon, web, entrance = free_port(), free_port(), free_port()
        keys = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "id")]
        subprocess.run(keys, check=True)
        # It takes authorised keys from the home only.
        command = [*in_other_home(directory), *_daemon(directory, daemon)]
        relay = [sys.executable, "-m", "bench.websocket", str(entrance), f"ws://127.0.0.1:{web}"]
        websockify = [_program("websockify") or "", f"127.0.0.1:{web}", f"127.0.0.1:{daemon}"]
        with (
            running(command, lambda _: listens(daemon)),
            running(websockify, lambda _: listens(web)),
            running(relay, lambda _: listens(entrance)),
        ):
            known_hosts = directory / "known_hosts"
            public = subprocess.run(
                ["dropbearkey", "-y", "-f", str(directory / "host_key")], capture_output=True, text=True, check=True
            ).stdout
            key = next(line for line in public.splitlines() if line.startswith("ssh-"))
            known_hosts.write_text(f"[localhost]:{entrance} {key}\n")
            yield Endpoint(getpass.getuser(), entrance, directory / "id", known_hosts, str(memory))


def _daemon(directory: Path, port: int) -> list[str]:
    """dropbear's command line; its host key is made here."""
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", str(directory / "host_key")], capture_output=True, check=True)
    program = _program("dropbear") or ""
    return [program, "-F", "-E", "-s", "-p", f"127.0.0.1:{port}", "-r", str(directory / "host_key")]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


async def _serve(port: int, url: str) -> None:
    """The relay: each TCP connection becomes a WebSocket's binary frames."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _websocket(url) as web, asyncio.TaskGroup() as group:
            group.create_task(_up(reader, web))
            group.create_task(_down(web, writer))

    async with await asyncio.start_server(one, "127.0.0.1", port, limit=_CHUNK_BYTES) as server:
        await server.serve_forever()


def _websocket(url: str) -> connect:
    return connect(url, subprotocols=[Subprotocol("binary")], max_size=None, compression=None)


async def _up(reader: asyncio.StreamReader, web: ClientConnection) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        await web.send(data)
    await web.close()


async def _down(web: ClientConnection, writer: asyncio.StreamWriter) -> None:
    async for data in web:
        assert isinstance(data, bytes)
        writer.write(data)
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))
