"""Quotas that the kernel holds bind sessions, in their homes and in mounted folders, in the middle of a transfer."""

from pathlib import Path

import pytest
from deployment import deployment
from ssh_client import run, through_proxy_command

from integration.quota_disk import quota_disk

MIB = 1 << 20


@pytest.mark.parametrize(("kind", "said"), [("ext4", b"quota exceeded"), ("xfs", b"no space left")])
def test_a_quota_reached_in_a_session_ends_the_transfer_and_nothing_else(
    tmp_path: Path, kind: str, said: bytes
) -> None:
    (tmp_path / "big").write_bytes(bytes(16 * MIB))
    with quota_disk(320 * MIB, kind) as disk, deployment(state=disk / "state") as it:
        ann = it.member("ann")
        ann.ok("folder", "create", "data")
        assert "by the kernel" in it.cli("folder", "quota", "ann", "6m")
        ann.run_session("one", "--network", "none", "--mount", "data")
        one = through_proxy_command(ann, "one", ann.key("one"))
        ann.ok("folder", "create", "more")
        ann.ok("mount", "one", "more")
        for folder in ("data", "more"):
            words = ["sftp", "-q", *one.words, "-b", "-", one.destination]
            refused = run(words, one.environment, f"put {tmp_path}/big {folder}/big\n".encode())
            assert refused.returncode != 0 and b"Failure" in refused.stderr, refused
        assert said in one.run("cat /dev/zero >data/zero").stderr.lower()
        assert 5 * MIB < ann.json("folder", "usage")["used_bytes"] <= 6 * MIB
        one.ok("rm data/big data/zero more/big; echo on >data/on; cp /bin/ls ~")
        assert one.ok("cat data/on") == "on\n"
        assert ann.json("folder", "usage")["used_bytes"] < MIB
        assert 50 * MIB < ann.json("show", "one")["home"]["most_bytes"] <= 80 * MIB, "a quarter of the disk"
        it.cli("group", "create", "lab")
        it.cli("group", "join", "lab", "ann")
        it.cli("group", "allow", "lab", "home=4m")
        assert said in one.run("cat /dev/zero >zero").stderr.lower()
        home = ann.json("show", "one")["home"]
        assert 3 * MIB < home["used_bytes"] <= home["most_bytes"] == 4 * MIB and not home["not_held"]
        ann.ok("stop", "one")
        ann.ok("start", "one")  # to tidy up
        one.ok("rm zero; mv .profile data/")
        it.server.kill()
        it.server.start()
        assert said in one.run("cat /dev/zero >more/zero").stderr.lower()
