"""What is remembered of streams, and what becomes of sessions that do nothing."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from deployment import Deployment, Owner
from host_processes import until
from ssh_client import SshClient, through_proxy_command
from terminal import terminal

from bench.processes import hear


@pytest.fixture(scope="module")
def bob(shared: Deployment) -> Iterator[Owner]:
    """A user of this module's own, whose sessions have no network, which plays no part here."""
    yield shared.member("bob-the-idle")


def session(owner: Owner, name: str, *options: str) -> SshClient:
    owner.run_session(name, "--network", "none", *options)
    return through_proxy_command(owner, name, owner.key(name))


def state(owner: Owner, name: str) -> Any:
    found = owner.json("show", name)
    return found["state"], found["reason"]


def test_the_audit_tells_who_connected_from_where_and_how_much_moved(bob: Owner, shared: Deployment) -> None:
    client = session(bob, "told")
    assert client.run("cat >big", stdin=b"x" * 1_000_000).returncode == 0
    client.ok("head -c 2000000 /dev/zero")
    newest, before = until(lambda: _ended(bob.json("audit", "--session", "told")), "both streams have ended")
    assert newest["user"] == "bob-the-idle" and newest["app"] == "ssh" and newest["address"] == "127.0.0.1"
    assert newest["client"].startswith("sshore/") and newest["end"] == "closed"
    assert before["bytes_in"] > 1_000_000 > before["bytes_out"]
    assert newest["bytes_out"] > 2_000_000 > newest["bytes_in"]
    assert [row["session"] for row in shared.admin.json("audit", "--user", "bob-the-idle", "--since", "1h")] == [
        "told"
    ] * 2
    assert shared.admin.json("audit", "--session", "told", "--limit", "1") == [newest]
    bob.remove("told")
    assert len(bob.json("audit", "--session", "told")) == 2
    refused = bob.run("audit", "--user", "admin")
    assert refused.returncode == 4 and b"admin" in refused.stderr
    assert bob.run("audit", "--since", "yesterday").returncode == 2
    assert "told" in bob.ok("audit") and "1.9 MiB" in bob.ok("audit")


def _ended(rows: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return rows if len(rows) == 2 and all(row["end"] for row in rows) else None


def test_streams_end_with_the_server_and_say_so(own_deployment: Deployment) -> None:
    """In order when it is stopped; when it is killed, the next one notes it."""
    own_deployment.run_session("box", "--network", "none")
    client = through_proxy_command(own_deployment.admin, "box", own_deployment.key("box"))
    for end in ("server stopped", "server ended"):
        open_one = client.start("echo here; cat")
        try:
            hear(open_one, b"here\n")
            until(lambda: own_deployment.admin.json("audit")[0]["end"] == "", "it is recorded")
            if end == "server stopped":
                own_deployment.server.stop()
            else:
                own_deployment.server.kill()
            own_deployment.server.start()
            assert own_deployment.admin.json("audit")[0]["end"] == end
        finally:
            open_one.kill()
            open_one.communicate()


def test_what_a_session_did_last_is_known_to_the_next_server(own_deployment: Deployment) -> None:
    it = own_deployment
    it.run_session("box", "--network", "none", "--idle-timeout", "12s")
    client = through_proxy_command(it.admin, "box", it.key("box"))
    assert client.ok("head -c 100000 /dev/zero | tr '\\0' x") == "x" * 100000

    def moved() -> dict[str, Any] | None:
        shown: dict[str, Any] = it.admin.json("show", "box")["activity"]
        return shown if shown["moved_bytes"] >= 100000 else None

    before = until(moved, "the transfer is counted")
    it.server.stop()
    it.server.start()
    after = until(moved, "the next server knows of it")
    assert after["moved_at"] == before["moved_at"]
    stopped = until(lambda: (box := it.admin.json("show", "box"))["state"] == "stopped" and box, "it is idle", 40)
    assert stopped["reason"] == "idle for 12s"


def test_an_open_ssh_does_not_keep_an_idle_session_and_its_user_is_warned(bob: Owner) -> None:
    client = session(bob, "idle", "--idle-timeout", "8s")
    with terminal(client.arguments(flags=("-tt",)), client.environment) as typist:
        typist.expect(r"\$ ")
        shown = bob.ok("show", "idle")
        assert "idle time-out  8s" in shown and "idle for 8s" in shown
        typist.expect(r"\[Session idle is idle and stops in \d+s: press a few keys to keep it\.\]")
        typist.wait()
    until(lambda: state(bob, "idle") == ("stopped", "idle for 8s"), "it stops", 30)
    bob.remove("idle")


def test_work_keeps_a_session_alive_until_its_time_is_over(bob: Owner) -> None:
    client = session(bob, "works", "--idle-timeout", "3s", "--ttl", "20s")
    client.ok("setsid sh -c 'while :; do :; done' >/dev/null 2>&1 </dev/null &")
    idle_it_would_have_stopped = time.monotonic() + 8
    until(
        lambda: (
            time.monotonic() > idle_it_would_have_stopped
            and (bob.json("show", "works")["activity"] or {}).get("cpu_s", 0) > 1
        ),
        "it works for longer than that",
        15,
    )
    assert state(bob, "works")[0] == "running"
    until(lambda: state(bob, "works") == ("stopped", "its time to live of 20s is over"), "it stops", 40)
    bob.remove("works")


def test_limits_in_time_are_changed_and_settings_are_the_default(bob: Owner) -> None:
    for name, value in (("idle-timeout", "2h"), ("network", "none"), ("mounts", "all"), ("memory", "256m")):
        bob.ok("settings", "set", name, value)
    try:
        bob.ok("folder", "create", "data")
        made = bob.json("run", "set")
        assert (made["idle_timeout_s"], made["network"], made["resources"]["memory_bytes"]) == (7200, "none", 256 << 20)
        assert [mount["target"] for mount in made["mounts"]] == ["/home/work/data"]
        other = bob.json("run", "other", "--idle-timeout", "never", "--memory", "128m", "--no-wait")
        assert (other["idle_timeout_s"], other["resources"]["memory_bytes"]) == (None, 128 << 20)
        changed = bob.json("limit", "set", "--idle-timeout", "30m", "--ttl", "1d")
        assert (changed["idle_timeout_s"], changed["ttl_s"]) == (1800, 86400)
        assert bob.json("limit", "set", "--ttl", "never")["ttl_s"] is None
        assert bob.run("limit", "set", "--ttl", "soon").returncode == 2
        assert bob.run("settings", "set", "engine", "cloud").returncode == 2
    finally:
        for name in ("idle-timeout", "network", "mounts", "memory"):
            bob.ok("settings", "set", name, "")
        bob.remove("set", "other")
