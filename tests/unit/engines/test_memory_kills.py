"""Programs ended for want of memory, as the kernel counts and logs them."""

from pathlib import Path

from sshore.core.sessions import NO_KILLS
from sshore.engines.memory_kills import last_kill, memory_kills

LOG = (
    "6,1,1000000,-;Linux version 6.1",
    "6,2,2000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/sshore/abc,"
    "task_memcg=/sshore/abc,task=first,pid=7,uid=1000\n SUBSYSTEM=none",
    "6,3,3000000,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    "task_memcg=/sshore/abc/below,task=py,thon ;3,pid=8,uid=1000",
    "6,4,4000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/sshore/abcd,"
    "task_memcg=/sshore/abcd,task=another,pid=9,uid=1000",
)


def group(root: Path, path: str, name: str, text: str) -> Path:
    directory = root / path
    directory.mkdir(parents=True)
    (directory / name).write_text(text)
    return directory


def test_both_versions_count(tmp_path: Path) -> None:
    nothing = tmp_path / "no-log"
    first = group(tmp_path, "memory/sshore/abc", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    second = group(tmp_path, "unified/sshore/abc", "memory.events", "low 0\noom 4\noom_kill 3\noom_group_kill 0\n")
    assert memory_kills([first], tmp_path, nothing).count == 2
    assert memory_kills([second], tmp_path, nothing).count == 3
    assert memory_kills([tmp_path / "cpu/sshore/abc"], tmp_path, nothing) == NO_KILLS


def test_a_group_without_a_log_of_its_kills_is_told_by_number_alone(tmp_path: Path) -> None:
    mine = group(tmp_path, "memory/sshore/abc", "memory.oom_control", "oom_kill 1\n")
    kills = memory_kills([mine], tmp_path, tmp_path / "no-log")
    assert (kills.count, kills.program, kills.at) == (1, "", None)


def test_the_last_ones_name_is_in_the_log_whatever_it_calls_itself(tmp_path: Path) -> None:
    found = last_kill({"/sshore/abc"}, LOG)
    assert found.program == "py,thon ;3"
    assert found.at is not None
    assert last_kill({"/sshore/abcd"}, LOG).program == "another"
    assert last_kill({"/sshore/ab"}, LOG) == NO_KILLS
