"""``folder:NAME[/PATH]`` and ``folder:OWNER/NAME[/PATH]``: places in storage folders, as people write them."""

from collections.abc import Collection
from dataclasses import dataclass

from sshore.core.errors import InvalidInput, NotFound
from sshore.core.names import FOLDER_PREFIX, suggestion
from sshore.sdk.client import Client


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """`path` is relative to the folder; empty for the folder itself. `is_inside` where it ended with a slash, or with
    ``/.``; then it is what it holds that is meant (`is_content`)."""

    ref: str
    path: str
    is_inside: bool
    is_content: bool = False

    def __str__(self) -> str:
        return f"{FOLDER_PREFIX}{self.ref}/{self.path}"


def is_folder_place(text: str) -> bool:
    return text.startswith(FOLDER_PREFIX)


def find_place(client: Client, text: str) -> FolderPlace:
    """Read a place, with the folders that the user has. A folder of one's own comes before somebody else's.

    Raises:
        NotFound: the user has no such folder. InvalidInput: the path leads out of it.
    """
    folders = client.folders()
    return read_place(text, [folder.ref or folder.name for folder in folders])


def read_place(text: str, known: Collection[str]) -> FolderPlace:
    """As `find_place`, with the known folders' names (``NAME`` or ``OWNER/NAME``)."""
    words = text.removeprefix(FOLDER_PREFIX).split("/")
    for count in (1, 2):
        ref = "/".join(words[:count])
        if ref in known:
            return _place(ref, words[count:])
    wanted = "/".join(words[:1])
    raise NotFound(
        f"you have no folder {wanted!r}{suggestion(wanted, list(known)) or '; see: sshore folder ls'}", folder=wanted
    )


def _place(ref: str, words: list[str]) -> FolderPlace:
    path = [word for word in words if word not in ("", ".")]
    if ".." in path:
        raise InvalidInput(f"a place in a folder cannot lead out of it: leave the .. out of {'/'.join(words)!r}")
    if any("\0" in word for word in path):
        raise InvalidInput("a file's name cannot hold a NUL")
    is_content = [word for word in words if word][-1:] == ["."]
    return FolderPlace(ref, "/".join(path), not path or is_content or words[-1:] == [""], is_content)
