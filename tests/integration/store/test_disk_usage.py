"""How much directories hold, as du(1) counts it."""

import asyncio
from pathlib import Path

import psutil
import pytest

from sshore.store.disk_usage import disk_usage

pytestmark = pytest.mark.anyio

KIB = 1024


async def test_what_several_directories_hold_is_counted_and_links_lead_nowhere(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(100 * KIB))
    (tmp_path / "one" / "again").hardlink_to(tmp_path / "one" / "file")
    (tmp_path / "one" / "link").symlink_to("/usr")
    assert 200 * KIB <= await disk_usage([tmp_path / "one", tmp_path / "two"]) < 250 * KIB
    assert await disk_usage([]) == 0


async def test_whoever_waits_no_longer_leaves_no_program_that_counts_on() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await disk_usage([Path("/usr")] * 20)
    assert [child.name() for child in psutil.Process().children() if child.name() == "du"] == []
