"""What is there where no file is, in words, by its mode (inode(7))."""

import stat

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


def no_file(mode: int) -> str:
    """``no file, but a pipe``"""
    kind = _KINDS.get(stat.S_IFMT(mode))
    return f"no file, but {kind}" if kind else "no file"


def why_left_out(mode: int) -> str:
    """Of what a name leads to: a link is one that leads nowhere."""
    kind = _KINDS.get(stat.S_IFMT(mode), "no file")
    return f"it is {kind} to nothing" if stat.S_ISLNK(mode) else f"it is {kind}"
