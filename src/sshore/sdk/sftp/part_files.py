"""What a file is called until it is complete: beside its place, with `.part` at the end."""

import hashlib

_SUFFIX = b".part"
_MAX_NAME_BYTES = 255


def part_of(path: bytes) -> bytes:
    """The part's path; a long name is cut and made unmistakable by a few digits of its hash."""
    directory, slash, name = path.rpartition(b"/")
    if len(name) + len(_SUFFIX) > _MAX_NAME_BYTES:
        digits = hashlib.sha256(name).hexdigest()[:8].encode()
        name = name[: _MAX_NAME_BYTES - len(_SUFFIX) - len(digits)] + digits
    return directory + slash + name + _SUFFIX
