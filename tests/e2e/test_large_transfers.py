"""Large transfers, by hash: a gigabyte each way, many at once, slow readers, and what they cost in memory.

With SSHORE_SLOW_TESTS=1 in the environment the slow reader is as slow as they come (5 MB/s, 140 s).
"""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest
from deployment import Deployment
from host_memory import resident_bytes, wait_until_idle
from ssh_client import SshClient

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


def test_stalled_downloads_cost_no_memory_and_go_on_afterwards(shared: Deployment, demo: SshClient) -> None:
    daemons = (shared.server.pid, shared.proxy.pid)
    demo.ok("true")
    before = [resident_bytes(pid) for pid in daemons]
    with ExitStack() as stack:
        stalled = [stack.enter_context(demo.start("seq 1 10000000", stdin=subprocess.DEVNULL)) for _ in range(5)]
        wait_until_idle(lambda: sum(psutil.Process(pid).io_counters().read_count for pid in daemons))
        grown = [resident_bytes(pid) - size for pid, size in zip(daemons, before, strict=True)]
        assert max(grown) < 30 * MIB, f"server and local proxy have grown by {grown} bytes"
        for process in stalled:
            assert process.poll() is None
        with ThreadPoolExecutor(5) as pool:
            digests = set(pool.map(digest_to_the_end, stalled))
    assert digests == {hashlib.sha256(b"".join(b"%d\n" % i for i in range(1, 10_000_001))).hexdigest()}


def digest_to_the_end(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    return hashlib.file_digest(process.stdout, "sha256").hexdigest()
