"""What is read of sessions, on trees laid out as the kernel's: both versions of control groups, /proc, nvidia-smi."""

import os
from pathlib import Path

import pytest

from sshore.core.live_use import GpuReading, Reading
from sshore.engines.docker.statistics import reading_of_statistics
from sshore.engines.measuring.groups import GroupUse, groups_named, use_of_groups
from sshore.engines.measuring.nvidia import Gpu, parse, reading_of
from sshore.engines.measuring.processes import use_of_processes
from sshore.engines.measuring.reading import network_bytes, reading

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def files(directory: Path, **contents: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (directory / name.replace("__", ".")).write_text(content)
    return directory


def process(proc: Path, pid: int, parent: int, ticks: int, pages: int, io: str | None = None) -> None:
    after_name = ["S", str(parent), *["0"] * 9, str(ticks), "0", "0", "0", *["0"] * 4, "77", "0", str(pages)]
    files(proc / str(pid), stat=f"{pid} (a) b (c) {' '.join(after_name)}")
    if io is not None:
        files(proc / str(pid), io=io)


def test_version_2_counts_cpu_memory_and_disks(tmp_path: Path) -> None:
    group = files(
        tmp_path / "group",
        cpu__stat="usage_usec 2500000\nuser_usec 1\n",
        memory__current="9000\n",
        memory__stat="anon 1\ninactive_file 4000\n",
        io__stat="8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n259:0 rbytes=5 wbytes=7 rios=1\n",
    )
    assert use_of_groups([group]) == GroupUse(2.5, 5000, 15, 27)


def test_version_1_counts_in_several_groups_and_leaves_disks_to_the_processes(tmp_path: Path) -> None:
    cpu = files(tmp_path / "cpu", cpuacct__usage="1500000000\n", cpu__stat="nr_periods 3\n")
    stat = "inactive_file 1\ntotal_inactive_file 600\n"
    memory = files(tmp_path / "memory", memory__usage_in_bytes="1000\n", memory__stat=stat)
    assert use_of_groups([memory, cpu]) == GroupUse(1.5, 400)


def test_a_group_without_controllers_tells_nothing(tmp_path: Path) -> None:
    assert use_of_groups([files(tmp_path / "pids", pids__max="9"), tmp_path / "gone"]) == GroupUse()


def test_a_containers_groups_are_found_in_both_versions(tmp_path: Path) -> None:
    name = "0123456789ab"
    root, proc = tmp_path / "fs", tmp_path / "proc"
    scope = files(root / f"machine.slice/libpod-{name}.scope")
    memory = files(root / f"memory/docker/{name}")
    files(proc / "7", cgroup=f"5:memory:/docker/{name}\n3:freezer:/\n0::/machine.slice/libpod-{name}.scope/container\n")
    assert set(groups_named(7, name, root, proc)) == {scope, memory}


@pytest.mark.parametrize("line", ["0::/\n", "0::/user.slice\n", "0::/../0123456789ab\n"])
def test_a_process_that_is_not_seen_to_be_the_containers_has_no_groups(tmp_path: Path, line: str) -> None:
    files(tmp_path / "proc/7", cgroup=line)
    files(tmp_path / "fs/0123456789ab")
    assert groups_named(7, "0123456789ab", tmp_path / "fs", tmp_path / "proc") == []
    assert groups_named(8, "0123456789ab", tmp_path / "fs", tmp_path / "proc") == []


def test_processes_are_summed_below_each_agent(tmp_path: Path) -> None:
    process(tmp_path, 10, 1, TICKS, 3, "rchar: 9\nread_bytes: 100\nwrite_bytes: 7\n")
    process(tmp_path, 11, 10, TICKS // 2, 4, "rchar: 9\nread_bytes: 11\nwrite_bytes: 1\n")
    process(tmp_path, 12, 11, 0, 1)  # has ended meanwhile
    process(tmp_path, 20, 1, 5 * TICKS, 2)  # not to be read by this server
    found = use_of_processes([10, 20, 99], tmp_path)
    assert found.keys() == {10, 20}
    assert (found[10].cpu_s, found[10].memory_bytes) == (1.5, 8 * PAGE)
    assert (found[10].read_bytes, found[10].written_bytes) == (111, 8)
    assert (found[20].cpu_s, found[20].read_bytes) == (5.0, None)


def test_groups_come_first_and_processes_stand_in(tmp_path: Path) -> None:
    process(tmp_path, 10, 1, TICKS, 3, "read_bytes: 100\nwrite_bytes: 7\n")
    files(tmp_path / "10/net", dev="Inter-|\n face |\n    lo: 5 0 0 0 0 0 0 0 5 0\n  tap0:  300 2 0 0 0 0 0 0 40 1\n")
    group = files(tmp_path / "group", memory__current="9000\n")
    used = use_of_processes([10], tmp_path)[10]
    assert reading(10, used, [group], proc=tmp_path) == Reading(1.0, 9000, 100, 7, 300, 40)
    assert reading(10, used, [], proc=tmp_path).memory_bytes == 3 * PAGE


def test_the_network_of_this_process_is_read() -> None:
    received, sent = network_bytes(os.getpid())
    assert received is not None and sent is not None
    assert network_bytes(1 << 30) == (None, None)


def test_nvidia_smi_by_the_numbers_of_device_nodes() -> None:
    said = "0, 00000000:65:00.0, 40, 1024\n1, 00000000:CA:00.0, [N/A], [N/A]\n2, 00000000:DA:00.0, 0, 3\n"
    gpus = parse(said, {"0000:65:00.0": 1, "0000:ca:00.0": 0})
    assert gpus == {1: Gpu(0.4, 1 << 30), 0: Gpu(None, None), 2: Gpu(0.0, 3 << 20)}
    assert reading_of([], gpus) is None
    assert reading_of([1, 0], gpus) == GpuReading(2, 0.4, 1 << 30)
    assert reading_of([1, 2], gpus) == GpuReading(2, 0.2, (1 << 30) + (3 << 20))
    assert reading_of([1], {}) == GpuReading(1)


def test_what_a_daemon_says_of_a_container() -> None:
    stats = {
        "cpu_stats": {"cpu_usage": {"total_usage": 1_500_000_000}},
        "memory_stats": {"usage": 1000, "stats": {"inactive_file": 1, "total_inactive_file": 300}},
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"op": "read", "value": 5},
                {"op": "Read", "value": 6},
                {"op": "write", "value": 7},
            ]
        },
        "networks": {"eth0": {"rx_bytes": 8, "tx_bytes": 9}},
    }
    assert reading_of_statistics(stats) == Reading(1.5, 700, 11, 7, 8, 9)
    bare = {"cpu_stats": stats["cpu_stats"], "blkio_stats": {"io_service_bytes_recursive": None}}
    assert reading_of_statistics(bare) == Reading(1.5)
    for ended in (None, {}, {"cpu_stats": {"cpu_usage": {"total_usage": 0}}}):
        assert reading_of_statistics(ended) is None
