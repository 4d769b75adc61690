"""Files to put into a container, and out of it, as the daemon wants them: tar(5) archives in memory."""

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a directory when `text` is None; `path` is relative to the container's root. Root's."""

    path: str
    text: str | None
    mode: int


def pack(entries: list[Entry]) -> bytes:
    """An archive of these, in this order.

    It ends with the two empty blocks that say so, without the padding that is usual: Podman's reader may end there
    while Podman still writes, which is an error to it.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.mode = entry.mode
            if entry.text is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                data = entry.text.encode(errors="surrogateescape")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        end = archive.offset + 2 * tarfile.BLOCKSIZE
    return buffer.getvalue()[:end]


def below(directory: str, entries: Iterable[Entry]) -> list[Entry]:
    """Those in a directory of the container's, relative to it."""
    start = directory.strip("/") + "/"
    return [replace(entry, path=entry.path.removeprefix(start)) for entry in entries if entry.path.startswith(start)]


def text_of(archive: tarfile.TarFile) -> str:
    """The text of the one file in an archive; empty when it is none."""
    for member in archive.getmembers():
        file = archive.extractfile(member) if member.isfile() else None
        if file is not None:
            return file.read().decode(errors="surrogateescape")
    return ""
