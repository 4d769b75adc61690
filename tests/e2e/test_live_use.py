"""`sshore top`, the API and /metrics show what a session really does, and to nobody else."""

import re
import urllib.request
from typing import Any

import pytest
from deployment import Deployment, Owner
from host_processes import until
from ssh_client import through_proxy_command
from terminal import terminal

pytestmark = pytest.mark.every_engine

WORK = rb"""
while read -r _ to way _; do [ "$to" = 00000000 ] && hex=$way; done </proc/net/route
printf -v gateway '%d.%d.%d.%d' "0x${hex:6:2}" "0x${hex:4:2}" "0x${hex:2:2}" "0x${hex:0:2}"
( while :; do :; done ) &
( head -c 150000000 /dev/zero; sleep 100 ) | tail -n 1 >/dev/null &
( while :; do dd if=/dev/zero of="$HOME/written" bs=1M count=8 conv=fsync; sleep 0.2; done ) &
( while :; do head -c 1200 /dev/zero >"/dev/udp/$gateway/9"; sleep 0.02; done ) &
"""
"""One CPU, 150 MB in `tail`, which waits for a line's end; what reaches the disk; and datagrams to where the session's
own network ends."""


def busy(use: dict[str, Any]) -> bool:
    now = use["now"]
    return bool(
        (now["cpus"] or 0) > 0.3
        and now["memory_bytes"] > 100_000_000
        and (now["disk_written_bytes_s"] or 0) > 1_000_000
        and (now["network_sent_bytes_s"] or 0) > 5_000
    )


def sums(shared: Deployment) -> tuple[str, dict[str, float]]:
    """What /metrics says, and its sums over sessions."""
    with urllib.request.urlopen(f"{shared.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return text, {name: float(value) for name, value in re.findall(r"^sshore_sessions_(\w+)\{.*\} (\S+)$", text, re.M)}


def only(owner: Owner, *options: str) -> dict[str, Any] | None:
    found = [use for use in owner.json("top", "--once", *options) if use["name"] == "busy-box"]
    return found[0] if found and busy(found[0]) else None


def test_what_a_session_does_is_seen_by_its_owner_and_admins_alone(shared: Deployment) -> None:
    worker, neighbour = shared.member("top-worker"), shared.member("top-neighbour")
    assert worker.json("top") == []
    empty = worker.run("top")
    assert (empty.returncode, empty.stdout) == (0, b"") and b"sshore run demo" in empty.stderr
    session = worker.run_session("busy-box", "--network", "nat")
    before = sums(shared)[1]
    client = through_proxy_command(worker, "busy-box", worker.key("busy-box"))
    client.run("cat >work", stdin=WORK)
    client.ok("setsid bash work >/dev/null 2>&1 </dev/null &")

    use = until(lambda: only(worker), "its owner sees what it does", 40)
    assert (use["id"], use["owner"], use["now"]["gpus"]) == (session["id"], "top-worker", None)
    assert use["history"][-1] == use["now"] and use["history"][0]["cpus"] is None
    assert len(use["history"]) >= 2

    text, now = sums(shared)
    assert now["cpu_seconds_total"] - before.get("cpu_seconds_total", 0) > 1
    assert now["memory_bytes"] > 100_000_000 and now["running"] >= 1
    assert now["disk_written_bytes_total"] - before.get("disk_written_bytes_total", 0) > 1_000_000
    assert now["network_sent_bytes_total"] - before.get("network_sent_bytes_total", 0) > 5_000
    assert "busy-box" not in text and session["id"] not in text and "top-worker" not in text

    assert neighbour.json("top") == []
    assert neighbour.run("top", "--all").returncode == 4
    by_name, by_nothing = (neighbour.run("top", name) for name in ("busy-box", "nosuch-box"))
    assert by_name.returncode == by_nothing.returncode == 3
    assert by_name.stderr.replace(b"busy-box", b"nosuch-box") == by_nothing.stderr
    assert not [it for it in shared.admin.json("top") if it["name"] == "busy-box"]
    assert only(shared.admin, "--all")
    assert re.search(r"^busy-box +top-worker +\d\.\d\d ", shared.admin.ok("top", "--all"), re.M)

    assert "GPU" not in worker.ok("top", "busy-box")
    program = [*worker.command, "top"]
    with terminal(program, worker.environment) as screen:
        screen.expect(r"busy-box +[\d.]+ .*[▁▂▃▄▅▆▇█]")
        screen.expect(r"busy-box +[\d.]+ .*[▁▂▃▄▅▆▇█]")  # again
        screen.type("\x03")
        assert screen.wait() == 0

    worker.ok("stop", "busy-box")
    assert worker.json("top") == []
    again = sums(shared)[1]
    assert again["cpu_seconds_total"] >= now["cpu_seconds_total"]
    worker.remove("busy-box")
