"""A file of the user's that another program reads and writes: replaced as a whole, and otherwise as it was."""

import os
from pathlib import Path

from sshore.sdk.private_files import write_private


def read_own(path: Path) -> str:
    """The file's text, empty where there is none; whatever bytes are in it, `write_own` gives them back."""
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return ""


def write_own(path: Path, text: str) -> None:
    """Replace the file that the path leads to: dotfiles are often symbolic links."""
    write_private(Path(os.path.realpath(path)), text.encode(errors="surrogateescape"))
