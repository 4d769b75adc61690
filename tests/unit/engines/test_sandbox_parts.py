"""GPUs, capacity, records, logs and reasons: what the sandbox engine knows without running anything."""

import os
from pathlib import Path

import pytest

from sshore.core.errors import EngineFailed
from sshore.core.ids import SessionId
from sshore.engines.sandbox.capacity import machine_capacity
from sshore.engines.sandbox.ending import end
from sshore.engines.sandbox.gpus import Gpus, find_gpus
from sshore.engines.sandbox.logs import PIPE_BYTES, ROTATE_BYTES, Logs
from sshore.engines.sandbox.nat.tun import is_open_to
from sshore.engines.sandbox.processes import Process, boot_id, identify
from sshore.engines.sandbox.records import Record, Records

ID = SessionId("abcdefghijkm")


def test_nvidias_gpus_are_found_with_what_they_share(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / name).touch()
    (tmp_path / "dri").mkdir()
    (tmp_path / "dri" / "renderD128").touch()
    gpus = find_gpus(tmp_path)
    assert gpus.nodes == (f"{tmp_path}/nvidia0", f"{tmp_path}/nvidia1")
    assert gpus.shared == (f"{tmp_path}/nvidiactl", f"{tmp_path}/nvidia-uvm")


def test_other_gpus_are_found_by_their_render_nodes(tmp_path: Path) -> None:
    (tmp_path / "dri").mkdir()
    for name in ("kfd", "dri/renderD128", "dri/renderD129", "dri/card0"):
        (tmp_path / name).touch()
    gpus = find_gpus(tmp_path)
    assert gpus.nodes == (f"{tmp_path}/dri/renderD128", f"{tmp_path}/dri/renderD129")
    assert gpus.shared == (f"{tmp_path}/kfd",)
    assert find_gpus(tmp_path / "dri") == Gpus()


def test_no_gpu_is_given_twice() -> None:
    gpus = Gpus(("/dev/nvidia0", "/dev/nvidia1"), ("/dev/nvidiactl",))
    assert gpus.choose(1, {"/dev/nvidia0"}) == ("/dev/nvidia1",)
    assert gpus.choose(0, set()) == ()
    with pytest.raises(EngineFailed, match="2 GPUs are wanted and 1 of 2 are free"):
        gpus.choose(2, {"/dev/nvidia0"})
    assert gpus.with_shared(("/dev/nvidia1",)) == ("/dev/nvidia1", "/dev/nvidiactl")
    assert gpus.with_shared(()) == ()


def test_some_memory_stays_with_the_host(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       1048576 kB\nMemFree: 5 kB\n")
    capacity = machine_capacity(Gpus(("a", "b")), tmp_path / "meminfo")
    assert capacity.memory_bytes == int((1 << 30) * 0.95)
    assert capacity.cpus == len(os.sched_getaffinity(0))
    assert capacity.gpus == 2


def test_records_come_back_as_written(tmp_path: Path) -> None:
    records = Records(tmp_path)
    record = Record(
        ID, "boot", Process(1, 2), Process(3, 4), None, (Path("/sys/fs/cgroup/x"),), ("/dev/nvidia0",), 1 << 30, True
    )
    records.write(record)
    assert records.read(ID) == record
    assert records.list() == [ID]
    assert list(records.unended()) == [record]
    records.remove(ID)
    assert records.read(ID) is None
    assert list(tmp_path.iterdir()) == []


def test_a_record_of_a_server_that_knew_slirp4netns_alone_names_the_network(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(Record(ID, "boot", network=Process(5, 6)))
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().replace('"network"', '"slirp"'))
    assert records.read(ID) == Record(ID, "boot", network=Process(5, 6))


def test_a_process_is_told_from_a_later_one_of_the_same_pid() -> None:
    mine = identify(os.getpid())
    assert mine.alive
    assert not Process(mine.pid, mine.start_ticks + 1).alive
    with pytest.raises(ProcessLookupError):
        identify(2**22 + 1)


@pytest.mark.parametrize(
    ("status", "log", "reason"),
    [
        ('{"child-pid": 1}\n{"exit-code": 0}\n', "", "the agent ended with exit status 0"),
        ('{"child-pid": 1}\n{"exit-code": 3}\n', "", "the agent ended with exit status 3"),
        ('{"child-pid": 1}\n{"exit-code": 139}\n', "", "the agent was ended by SIGSEGV"),
        ('{"child-pid": 1}\n', "hello\n", "its processes were killed"),
        ('{"child-pid": 1}\n', "hello\nbwrap: execvp x: No\n", "the agent could not start: bwrap: execvp x: No"),
        ("", "", "its processes were killed"),
        ('{"child-p', "", "its processes were killed"),
    ],
)
def test_an_end_is_explained(tmp_path: Path, status: str, log: str, reason: str) -> None:
    records, logs = Records(tmp_path), Logs(tmp_path)
    records.status_path(ID).write_text(status)
    (tmp_path / f"{ID}.log").write_text(log)
    record = Record(ID, boot_id(), started=True)
    assert end(records, logs, record).end_reason == reason
    assert end(records, logs, record, "stopped").end_reason == "stopped"


def test_a_log_has_a_tail_and_an_end(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    assert logs.tail(ID, 10) == b""
    descriptor = logs.open(ID)
    os.write(descriptor, b"one\ntwo\n")
    os.close(descriptor)
    assert logs.tail(ID, 4) == b"two\n"
    assert logs.tail(ID, 100) == b"one\ntwo\n"
    assert logs.tail(ID, 0) == b""
    assert logs.tail(ID, 100, start=6) == b"o\n"
    (tmp_path / f"{ID}.log").write_bytes(b"x" * (ROTATE_BYTES + 1))
    descriptor = logs.open(ID)
    os.write(descriptor, b"three\n")
    os.close(descriptor)
    assert logs.tail(ID, 10) == b"three\n"
    logs.remove(ID)
    assert list(tmp_path.iterdir()) == []


def test_who_has_a_log_opened_neither_empties_it_nor_fills_the_disk(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    descriptor = logs.open(ID)
    os.write(descriptor, b"kept\n")
    assert logs.tail(ID, 10) == b"kept\n"
    with pytest.raises(OSError, match="Invalid argument"):
        os.ftruncate(descriptor, 0)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 4096)
    for _ in range(3 * ROTATE_BYTES // PIPE_BYTES):
        logs.take(ID)
        os.write(descriptor, b"x" * PIPE_BYTES)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2 * (ROTATE_BYTES + PIPE_BYTES)
    os.close(descriptor)
    logs.let_go()


def test_what_is_written_while_no_server_runs_is_not_lost(tmp_path: Path) -> None:
    before = Logs(tmp_path)
    descriptor = before.open(ID)
    before.let_go()
    os.write(descriptor, b"meanwhile\n")
    after = Logs(tmp_path)
    assert after.tail(ID, 100) == b"meanwhile\n"
    after.close(ID)
    os.close(descriptor)
    assert after.tail(ID, 100) == b"meanwhile\n"


def test_a_device_is_open_to_everyone_or_to_its_owner(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.touch()
    node.chmod(0o600)
    assert not is_open_to(os.getuid() + 1, node)
    assert is_open_to(os.getuid(), node)
    node.chmod(0o666)
    assert is_open_to(os.getuid() + 1, node)
