"""A file of the user's that another program reads and writes: replaced as a whole, and otherwise as it was."""

import os
import stat
from pathlib import Path

from sshore.sdk.private_files import write_private


def read_own(path: Path) -> str:
    """The file's text, empty where there is none; whatever bytes are in it, `write_own` gives them back."""
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return ""


def write_own(path: Path, text: str, *, private: bool) -> None:
    """Replace the file that the path leads to: dotfiles are often symbolic links. Its mode stays; a new one's is as the
    program itself makes it: for its user alone where it is `private`, else as the umask says."""
    place = os.path.realpath(path)
    try:
        mode = stat.S_IMODE(os.stat(place).st_mode)  # noqa: PTH116 - of what realpath(3) found
    except FileNotFoundError:
        mode = 0o600 if private else 0o666 & ~_umask()
    write_private(place, text.encode(errors="surrogateescape"), 0o600)
    os.chmod(place, mode)  # noqa: PTH101 - likewise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
