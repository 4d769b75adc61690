"""Large transfers, by hash: a gigabyte each way, many at once, slow readers, and what they cost in memory.

With SSHORE_SLOW_TESTS=1 in the environment the slow reader is as slow as they come (5 MB/s, 140 s).
"""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest
from deployment import Deployment
from host_memory import resident_bytes, wait_until_idle
from ssh_client import SshClient

from bench.processes import hear

MIB = 1 << 20
SLOW_DOWNLOAD_BYTES = 700_000_000
READER_BYTES_PER_S = 5_000_000 if os.environ.get("SSHORE_SLOW_TESTS") == "1" else 30_000_000


@pytest.fixture(scope="module")
def gigabyte(tmp_path_factory: pytest.TempPathFactory, random_64_mib: bytes) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("large") / "gigabyte"
    with path.open("wb") as file:
        for turn in range(16):
            file.write(random_64_mib[turn:] + random_64_mib[:turn])
    yield path
    path.unlink()


def test_a_gigabyte_up_and_down_by_sftp(demo: SshClient, gigabyte: Path, tmp_path: Path) -> None:
    demo.sftp(f"put {gigabyte} gigabyte", timeout_s=120)
    there = demo.ok("sha256sum gigabyte").split()[0]
    demo.sftp(f"get gigabyte {tmp_path}/back", "rm gigabyte", timeout_s=120)
    with (tmp_path / "back").open("rb") as back, gigabyte.open("rb") as sent:
        assert (
            there == hashlib.file_digest(back, "sha256").hexdigest() == hashlib.file_digest(sent, "sha256").hexdigest()
        )
    (tmp_path / "back").unlink()


@pytest.mark.timeout(600)
def test_a_slow_reader_gets_every_byte(demo: SshClient) -> None:
    """A daemon that ignored the window once sent faster than was read, lost the rest, and said that all was well."""
    numbers = f"seq 1 100000000 | head -c {SLOW_DOWNLOAD_BYTES} | tee >(sha256sum >&2)"
    with demo.start(f"bash -c '{numbers}'", stdin=subprocess.DEVNULL) as process:
        assert process.stdout and process.stderr
        digest, size = read_slowly(process.stdout, READER_BYTES_PER_S)
        assert process.stderr.read().split()[0].decode() == digest
        assert process.wait(10) == 0
    assert size == SLOW_DOWNLOAD_BYTES


def read_slowly(source: BinaryIO, bytes_per_s: int) -> tuple[str, int]:
    """Read to the end, never faster than that on average; hash and size of what came."""
    digest, size, started = hashlib.sha256(), 0, time.monotonic()
    while data := source.read(MIB // 4):
        digest.update(data)
        size += len(data)
        ahead_s = size / bytes_per_s - (time.monotonic() - started)
        if ahead_s > 0:
            time.sleep(ahead_s)
    return digest.hexdigest(), size


def test_twenty_transfers_at_once(demo: SshClient, random_64_mib: bytes) -> None:
    def transfer(number: int) -> bool:
        data = random_64_mib[number * MIB :][: 24 * MIB]
        digest = hashlib.sha256(data).hexdigest()
        if number % 2:
            return demo.ok("sha256sum", stdin=data).split()[0] == digest
        done = demo.run("cat", stdin=data)
        return done.returncode == 0 and hashlib.sha256(done.stdout).hexdigest() == digest

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(transfer, range(20)))


@pytest.mark.every_engine
def test_clients_that_stall_cost_no_memory_and_miss_nothing(
    shared: Deployment, demo: SshClient, tmp_path: Path
) -> None:
    """A daemon sends as much as SSH's windows let it (2 MB each); where the client does not even read its socket,
    that would lie in the memory of whoever stands between."""
    daemons = (shared.server.pid, shared.proxy.pid)
    with ExitStack() as stack:
        stack.callback(demo.ok, "rm -f go")
        masters = [stack.enter_context(shared_connection(demo, tmp_path / f"master{n}")) for n in range(3)]
        command = "echo waiting; until [ -e go ]; do sleep 0.1; done; seq 1 400000"
        downloads = [stack.enter_context(ended(client.start(command))) for _, client in masters for _ in range(12)]
        for download in downloads:
            hear(download, b"waiting\n")
        before = [resident_bytes(pid) for pid in daemons]
        for process, _ in masters:
            process.send_signal(signal.SIGSTOP)
        demo.ok("touch go")
        wait_until_idle(lambda: sum(psutil.Process(pid).io_counters().read_count for pid in daemons))
        grown = [resident_bytes(pid) - size for pid, size in zip(daemons, before, strict=True)]
        for process, _ in masters:
            process.send_signal(signal.SIGCONT)
        with ThreadPoolExecutor(len(downloads)) as pool:
            digests = set(pool.map(digest_to_the_end, downloads))
    assert max(grown) < 30 * MIB, f"server and local proxy have grown by {grown} bytes"
    assert digests == {hashlib.sha256(b"".join(b"%d\n" % i for i in range(1, 400_001))).hexdigest()}


@contextmanager
def shared_connection(client: SshClient, path: Path) -> Iterator[tuple[subprocess.Popen[bytes], SshClient]]:
    """A connection, and a client whose commands go over it."""
    over = client.having(ControlPath=str(path))
    with ended(over.having(ControlMaster="yes").start("echo ready; cat")) as process:
        hear(process, b"ready\n")
        yield process, over


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with process:
        try:
            yield process
        finally:
            process.kill()


def digest_to_the_end(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    return hashlib.file_digest(process.stdout, "sha256").hexdigest()
