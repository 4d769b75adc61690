"""Folders that are shared, renamed, removed for some days, and limited."""

import asyncio
from pathlib import Path

import pytest
from world import World

from fakes.streams import FakeStreams
from sshore.core.errors import Conflict, Forbidden, InvalidInput, NotFound, QuotaExceeded
from sshore.core.folders import FolderApp, FolderView
from sshore.core.ids import FolderId
from sshore.core.ports import FolderProcess
from sshore.core.sessions import Mount
from sshore.core.states import SessionState
from sshore.services.folders import folders
from sshore.services.folders.keys import FolderKeyService
from sshore.services.folders.sharing import FolderSharing
from sshore.services.folders.trash import FolderTrash
from sshore.services.sessions.records import SessionRecords
from sshore.store.files import StateFiles

pytestmark = pytest.mark.anyio
KIB = 1024


class CannotMap:
    """A machine whose kernel has no ID-mapped mounts."""

    def __init__(self, why: str = "") -> None:
        self.why = why

    async def open(self, view: FolderView, app: FolderApp) -> FolderProcess:
        raise AssertionError

    async def cannot_map(self, source: Path) -> str:
        return self.why


def trash_of(world: World) -> FolderTrash:
    records = SessionRecords(world.store)
    return FolderTrash(world.store, StateFiles(world.state), world.folders, records, FakeStreams(), world.clock)


async def test_there_is_an_end_to_folders(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST_FOLDERS", 2)
    ann = await world.member("ann")
    for name in ("one", "two"):
        await world.folders.create(ann, name)
    await trash_of(world).trash(ann, "one")
    with pytest.raises(QuotaExceeded, match="sshore folder trash empty"):
        await world.folders.create(ann, "three")
    await trash_of(world).empty(ann)
    await world.folders.create(ann, "three")


def sharing_of(world: World) -> FolderSharing:
    return FolderSharing(world.store, world.folders, CannotMap(), world.clock, world.state)


async def test_what_is_in_the_trash_is_gone_after_a_week_and_not_before(world: World) -> None:
    trash, owner = trash_of(world), await world.member("ann")
    folder = await world.folders.create(owner, "data")
    (world.folders._files.folder_path(owner.id, "data") / "file").write_text("kept")
    await trash.trash(owner, "data")
    world.clock.advance(days=6, hours=23)
    await trash.expire()
    assert (world.state / "trash" / folder.id / "file").read_text() == "kept"
    world.clock.advance(hours=1)
    await trash.expire()
    assert await trash.list(owner) == []
    assert not (world.state / "trash" / folder.id).exists()


async def test_of_two_of_one_name_the_latest_comes_back(world: World) -> None:
    trash, owner = trash_of(world), await world.member("ann")
    for text in ("first", "second"):
        await world.folders.create(owner, "data")
        (world.folders._files.folder_path(owner.id, "data") / "file").write_text(text)
        await trash.trash(owner, "data")
        world.clock.advance(hours=1)
    await trash.restore(owner, "data")
    assert (world.folders._files.folder_path(owner.id, "data") / "file").read_text() == "second"
    with pytest.raises(Conflict, match="--as"):
        await trash.restore(owner, "data")


async def test_another_users_trash_is_not_there(world: World) -> None:
    trash, ann, bob = trash_of(world), await world.member("ann"), await world.member("bob")
    folder = await world.folders.create(ann, "data")
    await trash.trash(ann, "data")
    for ref in ("data", folder.id):
        with pytest.raises(NotFound):
            await trash.restore(bob, ref)
        with pytest.raises(NotFound):
            await trash.empty(bob, ref)
    assert await trash.empty(bob) == 0


async def test_sessions_are_told_the_new_name_whether_they_run_or_not(world: World) -> None:
    trash, owner = trash_of(world), await world.member("ann")
    await world.folders.create(owner, "data")
    session = await world.run(owner, "one", mounts=(Mount("data", "/data"), Mount("ann/data", "/again")))
    await trash.rename(owner, "data", "newer")
    await world.sessions.stop(session)
    await trash.rename(owner, "newer", "new")
    mounts = (await world.session(owner, "one")).mounts
    assert mounts == (Mount("new", "/data"), Mount("ann/new", "/again"))


async def test_a_name_with_a_dot_is_for_what_nobody_shares_and_no_session_has(world: World) -> None:
    trash, owner = trash_of(world), await world.member("ann")
    await world.folders.create(owner, "data")
    await sharing_of(world).share(owner, "data", "", read_only=True)
    with pytest.raises(InvalidInput, match="is shared"):
        await trash.rename(owner, "data", ".data")
    await sharing_of(world).unshare(owner, "data", "")
    session = await world.run(owner, "one", mounts=(Mount("data", "/data"),))
    with pytest.raises(Conflict, match="sshore stop one"):
        await trash.rename(owner, "data", ".data")
    await world.sessions.stop(session)
    await trash.rename(owner, "data", ".data")


async def test_what_sessions_have_is_removed_by_force_only_and_they_start_without_it(world: World) -> None:
    trash, owner = trash_of(world), await world.member("ann")
    for name in ("data", ".conf"):
        await world.folders.create(owner, name)
    sessions = [await world.run(owner, name, mounts=(Mount("data", f"/{name}"),)) for name in ("one", "two")]
    with pytest.raises(Conflict, match=r"in sessions 'one', 'two'.*--force data"):
        await trash.trash(owner, "data")
    for name in ("data", ".conf"):
        await trash.trash(owner, name, force=True)
    assert [world.engine.mounted(session.id) for session in sessions] == [(), ()]
    assert await world.folders.missing(owner, (Mount("data", "/one"),)) == {"/one": "in the trash"}
    await world.sessions.stop(sessions[0])
    started = await world.sessions.start(await world.session(owner, "one"), wait_s=5)
    assert (started.state, [mount.live for mount in started.mounts]) == (SessionState.RUNNING, [False])
    await trash.restore(owner, "data")
    await world.sessions.stop(started)
    await world.sessions.start(await world.session(owner, "one"), wait_s=5)
    assert [mount.target for mount in world.engine.mounted(started.id)] == ["/one"]


async def test_by_force_nothing_is_taken_away_with_what_is_mounted_in_it(world: World) -> None:
    trash, owner = trash_of(world), await world.member("ann")
    for name in ("data", "more"):
        await world.folders.create(owner, name)
    await world.run(owner, "one", mounts=(Mount("data", "/data"), Mount("more", "/data/more")))
    with pytest.raises(Conflict, match="sshore unmount one /data/more"):
        await trash.trash(owner, "data", force=True)
    world.engine.mounts_at_start_only = True
    with pytest.raises(Conflict, match="sshore stop one"):
        await trash.trash(owner, "more", force=True)
    assert [folder.name for folder in await world.folders.list(owner)] == ["data", "more"]


async def test_the_wider_of_two_shares_holds(world: World) -> None:
    sharing, ann, bob = sharing_of(world), await world.member("ann"), await world.member("bob")
    await world.folders.create(ann, "data")
    with pytest.raises(NotFound):
        await world.folders.access(bob, "ann/data")
    await sharing.share(ann, "data", "", read_only=True)
    assert (await world.folders.access(bob, "ann/data")).read_only
    await sharing.share(ann, "data", "bob", read_only=False)
    assert not (await world.folders.access(bob, "ann/data")).read_only
    (listed,) = await world.folders.usable(bob)
    assert not listed.read_only and listed.shares == ()
    await sharing.unshare(ann, "data", "bob")
    await sharing.unshare(ann, "data", "")
    with pytest.raises(NotFound):
        await world.folders.access(bob, "ann/data")


async def test_the_id_of_a_folder_opens_no_more_than_its_name(world: World) -> None:
    sharing, ann, bob = sharing_of(world), await world.member("ann"), await world.member("bob")
    folder = await world.folders.create(ann, "data")
    assert (await world.folders.access_by_any_ref(ann, folder.id)).folder == folder
    with pytest.raises(NotFound):
        await world.folders.access_by_any_ref(bob, folder.id)
    await sharing.share(ann, "data", "bob", read_only=True)
    assert (await world.folders.access_by_any_ref(bob, folder.id)).read_only
    with pytest.raises(NotFound):  # commands take names
        await world.folders.access(bob, folder.id)
    named = await world.folders.create(bob, folder.id)
    assert (await world.folders.access_by_any_ref(bob, folder.id)).folder == named, "a name comes first"


async def test_what_cannot_be_shared(world: World) -> None:
    sharing, ann = sharing_of(world), await world.member("ann")
    for name in ("data", ".ssh"):
        await world.folders.create(ann, name)
    for name, with_user, error in (
        (".ssh", "", InvalidInput),
        ("data", "ann", InvalidInput),
        ("data", "nobody", NotFound),
        ("nosuch", "", NotFound),
    ):
        with pytest.raises(error):
            await sharing.share(ann, name, with_user, read_only=True)


async def test_only_admins_offer_directories_and_not_the_servers_own(world: World, tmp_path: Path) -> None:
    sharing, ann = sharing_of(world), await world.member("ann")
    place = world.state.parent / "datasets"
    place.mkdir()
    with pytest.raises(Forbidden):
        await sharing.offer(ann, "datasets", str(place), read_only=True)
    (place / "link").symlink_to(world.state)
    for bad in ("/", "/etc", "/proc/self", "..", str(world.state), str(place / "link"), str(world.state.parent)):
        with pytest.raises(InvalidInput):
            await sharing.offer(world.admin, "bad", bad, read_only=True)
    await sharing.offer(world.admin, "datasets", str(place), read_only=True)
    access = await world.folders.access(ann, "admin/datasets")
    assert (access.source, access.read_only, access.disk_uid) == (place, True, None)
    await trash_of(world).trash(world.admin, "datasets")
    assert place.is_dir()


async def test_a_quota_counts_all_folders_and_the_trash(world: World) -> None:
    usage, owner = world.folders.usage, await world.member("ann")
    for name in ("one", "two"):
        await world.folders.create(owner, name)
        (world.folders._files.folder_path(owner.id, name) / "file").write_bytes(bytes(100 * KIB))
    await trash_of(world).trash(owner, "two")
    assert await usage.room_bytes(owner.id) is None
    await usage.set_quota(world.admin, "ann", 150 * KIB)
    assert await usage.room_bytes(owner.id) == 0
    with pytest.raises(QuotaExceeded, match="trash"):
        await world.folders.checked_mounts(owner, [Mount("one", "/one")])
    assert await world.folders.checked_mounts(owner, [Mount("one", "/one", read_only=True)])
    await trash_of(world).empty(owner)
    assert 0 < (await usage.room_bytes(owner.id) or 0) < 50 * KIB
    with pytest.raises(Forbidden):
        await usage.set_quota(owner, "ann", None)


async def test_each_user_has_keys_of_the_users_own_for_a_folder(world: World) -> None:
    sharing, ann, bob = sharing_of(world), await world.member("ann"), await world.member("bob")
    keys = FolderKeyService(world.store, world.folders)
    await world.folders.create(ann, "data")
    await sharing.share(ann, "data", "bob", read_only=True)
    hers, his = await keys.of(ann, "data"), await keys.of(bob, "ann/data")
    assert hers.private_key != his.private_key and hers.host_key != his.host_key
    assert await keys.of(ann, "data") == hers


async def test_a_folder_that_cannot_be_removed_does_not_end_the_server(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash, tried = trash_of(world), asyncio.Event()

    async def fail() -> None:
        tried.set()
        raise RecursionError

    monkeypatch.setattr(trash, "expire", fail)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(trash.run())
        await tried.wait()
        await asyncio.sleep(0)
        assert not running.done()
        running.cancel()


async def test_connections_to_a_folder_that_is_removed_for_ever_end(world: World) -> None:
    owner = await world.member("ann")
    folder = await world.folders.create(owner, "data")
    await world.folders.remove(owner, "data")
    assert folder.id in world.open_streams.revoked


async def test_one_folder_in_the_trash_that_cannot_be_removed_keeps_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await world.member("ann")
    files = StateFiles(world.state)
    trash = FolderTrash(
        world.store, files, world.folders, SessionRecords(world.store), FakeStreams(), world.clock, days=2
    )
    made = [await world.folders.create(owner, name) for name in ("one", "two")]
    for folder in made:
        await trash.trash(owner, folder.name)
    (stuck, other) = (trashed.id for trashed in await trash.list(owner))
    remove = files.empty_trash

    async def fail_once(folder_id: FolderId) -> None:
        if folder_id == stuck:
            raise PermissionError("a disk that answers no more")
        await remove(folder_id)

    files.empty_trash = fail_once  # type: ignore[method-assign]
    world.clock.advance(days=2)
    await trash.expire()
    assert [trashed.id for trashed in await trash.list(owner)] == [stuck]
    assert not (world.state / "trash" / other).exists()
    assert "could not be removed" in caplog.text
    files.empty_trash = remove  # type: ignore[method-assign]
    await trash.expire()
    assert await trash.list(owner) == []


class SlowFiles(StateFiles):
    """Removes what is in the trash when it is allowed to, as a tree of a million files does."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.removing, self.go_on = asyncio.Event(), asyncio.Event()

    async def empty_trash(self, folder_id: FolderId) -> None:
        self.removing.set()
        await self.go_on.wait()
        await super().empty_trash(folder_id)


async def test_a_large_trash_holds_nobody_up(world: World) -> None:
    ann, bob = await world.member("ann"), await world.member("bob")
    files = SlowFiles(world.state)
    records = SessionRecords(world.store)
    trash = FolderTrash(world.store, files, world.folders, records, FakeStreams(), world.clock)
    for owner in (ann, bob):
        for name in ("large", "small"):
            await world.folders.create(owner, name)
    await trash.trash(ann, "large")
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        emptying = tasks.create_task(trash.empty(ann, "large"))
        await files.removing.wait()
        await trash.rename(bob, "large", "larger")
        await trash.trash(bob, "small")
        await trash.restore(bob, "small")
        assert await trash.list(ann) == []  # it is as good as gone
        with pytest.raises(NotFound):
            await trash.restore(ann, "large")
        await trash.trash(ann, "small")
        await trash.restore(ann, "small")
        files.go_on.set()
        assert await emptying == 1
    assert await world.store.trashed_folders.list(ann.id) == []


async def test_what_could_not_be_removed_is_in_the_trash_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    trash, ann = trash_of(world), await world.member("ann")
    await world.folders.create(ann, "data")
    await trash.trash(ann, "data")

    async def fails(folder_id: FolderId) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(trash._files, "empty_trash", fails)
        with pytest.raises(OSError, match="gone"):
            await trash.empty(ann)
    assert [folder.name for folder in await trash.list(ann)] == ["data"]
    assert await trash.empty(ann) == 1


async def test_sharing_tells_members_no_more_than_whether_a_name_is_a_users(world: World) -> None:
    ann, _ = await world.member("ann"), await world.member("bobby")
    await world.folders.create(ann, "data")
    with pytest.raises(NotFound) as refusal:
        await sharing_of(world).share(ann, "data", "boby", read_only=True)
    assert "bobby" not in str(refusal.value)
