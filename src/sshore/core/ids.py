"""Identifiers: opaque, unguessable enough to be unique, safe in file names, host names and URLs."""

import secrets
from typing import NewType

SessionId = NewType("SessionId", str)
UserId = NewType("UserId", str)
GroupId = NewType("GroupId", str)
TokenId = NewType("TokenId", str)
FolderId = NewType("FolderId", str)
FolderShareId = NewType("FolderShareId", str)
OwnKeyId = NewType("OwnKeyId", str)
StreamId = NewType("StreamId", str)

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
ID_LENGTH = 12


def new_id() -> str:
    """Twelve characters of base 32 without look-alikes (60 bits), starting with a letter."""
    first = secrets.choice(_ALPHABET[:24])
    return first + "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH - 1))
