"""Quotas that the kernel holds, on images of the test's own: with CONFIG_QFMT_V2 (ext4) and CONFIG_XFS_QUOTA."""

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.quota_disk import quota_disk
from sshore.core.errors import QuotaExceeded
from sshore.core.ids import FolderId, SessionId, UserId
from sshore.core.sessions import Session
from sshore.core.states import SessionState
from sshore.store.files import StateFiles
from sshore.store.project_quotas import ProjectQuotas

MIB = 1 << 20
ANN, ANNS_UID = UserId("ann000000000"), 70211
BOB, BOBS_UID = UserId("bob000000000"), 70212


OVER = (errno.EDQUOT, errno.ENOSPC)
"""What ext4 and what xfs say of a project that may take no more."""


@pytest.fixture(params=["ext4", "xfs"])
def disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    with quota_disk(48 * MIB, request.param) as mounted:
        yield mounted


def write(path: Path, size: int, uid: int) -> int:
    """Write as somebody, as far as it goes; the error's number, or 0."""
    child = os.fork()
    if child == 0:
        status = 0
        try:
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            with path.open("wb", buffering=0) as file:
                for _ in range(size // 65536):
                    file.write(bytes(65536))
        except OSError as error:
            status = error.errno or 1
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_quota_binds_whoever_writes_and_counts_the_trash(disk: Path) -> None:
    async def run() -> None:
        files = StateFiles(disk)
        assert await files.cannot_hold_quotas() == ""
        data = await files.create_folder(ANN, "data", ANNS_UID)
        assert write(data / "before", 2 * MIB, ANNS_UID) == 0
        (data / "sub").mkdir()
        (data / "link").symlink_to(disk)
        os.chown(data / "sub", ANNS_UID, ANNS_UID)
        os.mkfifo(data / "pipe")
        other = await files.create_folder(BOB, "data", BOBS_UID)
        assert await files.held_bytes(ANN, ANNS_UID) is None
        await files.hold_quota(ANN, ANNS_UID, 6 * MIB, [])
        assert 2 * MIB <= (await files.held_bytes(ANN, ANNS_UID) or 0) <= 2.2 * MIB
        more = await files.create_folder(ANN, "more", ANNS_UID)
        # Whatever directory, new or old, and whoever writes.
        assert write(data / "sub" / "much", 8 * MIB, ANNS_UID) in OVER
        assert write(more / "file", MIB, ANNS_UID) in OVER
        assert write(other / "file", 8 * MIB, BOBS_UID) == 0, "another's quota is another's"
        assert 5.9 * MIB <= (await files.held_bytes(ANN, ANNS_UID) or 0) <= 6 * MIB
        with suppress(QuotaExceeded):  # xfs binds root, too; and it is no full disk
            await files.create_folder(ANN, "third", ANNS_UID)
        # In the trash it counts on; it comes back, and is gone when it is emptied.
        (disk / "trash").mkdir()
        trashed = disk / "trash" / "000000000000"
        data.rename(trashed)
        assert write(more / "file", MIB, ANNS_UID) in OVER
        trashed.rename(data)
        data.rename(trashed)
        await files.empty_trash(FolderId(trashed.name))
        assert write(more / "file", 4 * MIB, ANNS_UID) == 0
        await files.hold_quota(ANN, ANNS_UID, None, [])
        assert write(more / "much", 8 * MIB, ANNS_UID) == 0

    asyncio.run(run())


def test_what_was_in_the_trash_before_counts_and_comes_back(disk: Path) -> None:
    async def run() -> None:
        files = StateFiles(disk)
        data = await files.create_folder(ANN, "data", ANNS_UID)
        assert write(data / "file", 2 * MIB, ANNS_UID) == 0
        (disk / "trash").mkdir()
        trashed = disk / "trash" / "000000000000"
        data.rename(trashed)
        await files.hold_quota(ANN, ANNS_UID, 3 * MIB, [FolderId(trashed.name)])
        assert (await files.held_bytes(ANN, ANNS_UID) or 0) >= 2 * MIB
        trashed.rename(data)
        assert write(data / "more", 2 * MIB, ANNS_UID) in OVER

    asyncio.run(run())


def test_each_home_has_a_bound_of_its_own(disk: Path) -> None:
    """Also one that was written before; what is inside moves about as before, and a limit that goes binds nobody."""

    async def run() -> None:
        files = StateFiles(disk)
        assert await files.cannot_hold_homes() == ""
        assert await files.homes_disk_bytes() > 30 * MIB
        homes = []
        for name in ("one", "two"):
            homes.append(home := files.paths(SessionId(name))[0])
            (home / "sub").mkdir(parents=True)
            for place in (home, home / "sub"):
                os.chown(place, ANNS_UID, ANNS_UID)
        one, two = homes
        assert write(one / "sub" / "before", 2 * MIB, ANNS_UID) == 0
        assert await files.held_home_bytes(SessionId("one")) is None
        for name in ("one", "two"):
            await files.hold_home(SessionId(name), 6 * MIB)
        assert 2 * MIB <= (await files.held_home_bytes(SessionId("one")) or 0) <= 2.2 * MIB
        assert write(one / "sub" / "much", 8 * MIB, ANNS_UID) in OVER
        assert write(two / "file", 5 * MIB, ANNS_UID) == 0, "another home's bound is another"
        (one / "sub" / "before").rename(one / "after")
        await files.hold_home(SessionId("one"), 7 * MIB)
        assert write(one / "more", MIB // 2, ANNS_UID) == 0
        await files.hold_home(SessionId("one"), None)
        assert write(one / "much", 8 * MIB, ANNS_UID) == 0
        await files.hold_home(SessionId("one"), 6 * MIB)
        project = ProjectQuotas(disk).home_project(one)
        assert project is not None
        await files.remove(SessionId("one"))
        assert not one.exists() and ProjectQuotas(disk).room_bytes(project) is None

    asyncio.run(run())


def test_a_session_whose_home_is_full_starts(disk: Path) -> None:
    """xfs binds root, too, and says of a full home what it says of a full disk."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    session = Session(SessionId("one"), ANN, "one", SessionState.PENDING, now, "sandbox", private_key="K" * 1000)

    async def run() -> None:
        files = StateFiles(disk)
        await files.prepare(session, {"agent.json": "{}"}, ANNS_UID)
        await files.hold_home(session.id, 4 * MIB)
        home = files.paths(session.id)[0]
        assert write(home / "much", 8 * MIB, ANNS_UID) in OVER
        await files.prepare(session, {"agent.json": "{}"}, ANNS_UID)

    asyncio.run(run())


def test_a_tree_as_deep_as_one_likes_is_assigned(disk: Path) -> None:
    top = disk / "deep"
    top.mkdir()
    directory = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=directory)
        below = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = below
    os.mkdir("last", dir_fd=directory)
    quotas = ProjectQuotas(disk)
    quotas.assign([top], ANNS_UID)
    last = Path(f"/proc/self/fd/{directory}/last")
    try:
        assert quotas.is_assigned(last, ANNS_UID)
    finally:
        os.close(directory)


def test_where_the_disk_has_none_it_is_said(tmp_path: Path) -> None:
    why = ProjectQuotas(tmp_path).why_not()
    assert "project quotas" in why or "not root" in why
