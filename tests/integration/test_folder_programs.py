"""A program confined to a folder that cannot serve: refused with what it said, before a byte is in the stream."""

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from busybox_session import temporary_kit

from sshore.core import layout
from sshore.core.choices import KeyType
from sshore.core.errors import EngineFailed
from sshore.core.folders import FolderApp, FolderView
from sshore.core.ids import UserId
from sshore.core.keys import new_private_key
from sshore.core.run_files import folder_sshd_config, host_key_files
from sshore.engines.sandbox.folder_server import SandboxFolders
from sshore.kit.build import Kit

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with temporary_kit() as kit:
        yield kit


@pytest.fixture
async def folders(tmp_path: Path) -> AsyncIterator[SandboxFolders]:
    server = SandboxFolders(tmp_path / "state")
    yield server
    await server.aclose()


@pytest.fixture
def view(kit: Kit, tmp_path: Path) -> FolderView:
    source = tmp_path / "folder"
    source.mkdir()
    host_keys = host_key_files(new_private_key(KeyType.ED25519), ())
    files = {
        **host_keys,
        layout.AUTHORIZED_KEYS: "",
        layout.SSHD_CONFIG: folder_sshd_config(host_keys, cpu_has_aes=True),
    }
    named = {Path(path).name: text for path, text in files.items()}
    return FolderView("data", source, kit.path, UserId("ann"), run_files=named)


def with_config(view: FolderView, line: str) -> FolderView:
    name = Path(layout.SSHD_CONFIG).name
    return replace(view, run_files={**view.run_files, name: f"{view.run_files[name]}{line}\n"})


async def test_a_folders_sshd_has_spoken_when_its_stream_is_there(folders: SandboxFolders, view: FolderView) -> None:
    program = await folders.open(view, FolderApp.SSH)
    try:
        assert program.socket.recv(8, socket.MSG_DONTWAIT) == b"SSH-2.0-"
    finally:
        await program.aclose()


async def test_one_that_ends_before_its_banner_is_refused_and_logged_with_what_it_said(
    folders: SandboxFolders, view: FolderView, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EngineFailed, match=r"the folder 'data' cannot be opened: .*NoSuchKeyword"):
        await folders.open(with_config(view, "NoSuchKeyword yes"), FolderApp.SSH)
    (record,) = [record for record in caplog.records if record.name == "sshore.folders"]
    assert "NoSuchKeyword" in record.reason  # type: ignore[attr-defined]


async def test_what_a_program_says_without_end_is_not_kept(folders: SandboxFolders, view: FolderView) -> None:
    with pytest.raises(EngineFailed) as refusal:
        await folders.open(with_config(view, "NoSuchKeyword yes\n" * 10_000), FolderApp.SSH)
    assert len(str(refusal.value)) < 3000


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.ZombieProcess:  # an sshd from 10.0 on keeps one
        return ""


@pytest.mark.parametrize("app", [FolderApp.SFTP, FolderApp.SSH])
async def test_command_lines_tell_other_users_nothing(
    folders: SandboxFolders, view: FolderView, app: FolderApp
) -> None:
    named = replace(view, name="a-name-of-ones-own")
    program = await folders.open(named, app)
    try:
        bwrap = psutil.Process(program._process.pid)
        lines = [_command_line(process) for process in (bwrap, *bwrap.children(recursive=True))]
        assert len(lines) > 1
        for word in (named.name, str(view.source), str(view.kit)):
            assert word not in " ".join(lines)
    finally:
        await program.aclose()
