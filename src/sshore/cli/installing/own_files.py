"""A file of the user's that another program reads and writes: replaced as a whole, and otherwise as it was."""

import os
import stat
from pathlib import Path

from sshore.sdk.private_files import umask, write_private


def read_own(path: Path) -> str:
    """The file's text, empty where there is none; whatever bytes are in it, `write_own` gives them back."""
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return ""


def write_own(path: Path, text: str) -> None:
    """Replace the file that the path leads to: dotfiles are often symbolic links. Its mode stays; a new one has the
    mode that the program itself would give it, which is the umask's."""
    place = os.path.realpath(path)
    try:
        mode = stat.S_IMODE(os.stat(place).st_mode)  # noqa: PTH116 - of what realpath(3) found
    except FileNotFoundError:
        mode = 0o666 & ~umask()
    write_private(place, text.encode(errors="surrogateescape"))
    os.chmod(place, mode)  # noqa: PTH101 - likewise
