"""`sshore cp -r` of random trees, up and down: it ends, and what is not the same is told.

SSHORE_TEST_COPY_ROUNDS=1000 SSHORE_TEST_COPY_SEED=7 scripts/test tests/integration/test_random_copies.py
"""

import os
import random
from pathlib import Path

import pytest
from random_trees import RandomTree
from sftp_side import SFTP_SERVER, SftpSide

ROUNDS = int(os.environ.get("SSHORE_TEST_COPY_ROUNDS", "25"))
SEED = int(os.environ.get("SSHORE_TEST_COPY_SEED", "1970"))

pytestmark = pytest.mark.skipif(not Path(SFTP_SERVER).exists(), reason="openssh-sftp-server is not installed")


@pytest.mark.timeout(60 + 5 * ROUNDS)
def test_random_trees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(SEED, SEED + ROUNDS):
        print(f"seed {seed}")
        root = tmp_path / str(seed)
        root.mkdir()
        one_round(random.Random(seed), root, capsys)


def one_round(rng: random.Random, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "there").mkdir()
    side = SftpSide(root / "there", checksums=rng.random() < 0.8)
    tree = RandomTree(rng, root / "tree", unreadable=os.geteuid() != 0)
    for words, copy, umask in (
        (("-r", str(root / "tree"), "there:up"), root / "there" / "up", 0),
        (("-r", f"there:{root}/tree", str(root / "down")), root / "down", 0o022),
    ):
        before = os.umask(0o022)
        try:
            with tree.growing():
                status = side.copy(*words)
        finally:
            os.umask(before)
        said = capsys.readouterr()
        assert "\x1b" not in said.out + said.err
        assert status in (0, 1, 2, 3, 4)
        tree.check(copy, said.err, umask=umask)
