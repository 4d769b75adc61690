"""The messages of the HTTP API, as plain dataclasses.

FastAPI validates and documents them on the server; the client reads them with `decode`. They are
standard library only, because a command line that loads a validation library at every start is a
slow one. What values are *allowed* is the core's to say, once, with a message for the user.

    session_messages.py   sessions, their apps, limits, activity and pulls
    key_messages.py       keys of sessions, certificates, what clients trust
    folder_messages.py    folders, shares, the trash, usage and quotas, keys for SFTP
    mount_messages.py     folders that come into sessions and go
    image_messages.py     images, commits, logins at registries
    live_use_messages.py  what running sessions use
    account_messages.py   users, passwords, tokens, settings
    own_messages.py       own keys, files for new homes, the bootstrap script
    audit_messages.py     who connected to what
    version_message.py    what a server is
    decode.py             JSON to message

A dataclass takes a quarter of a millisecond to make, so that a command loads the messages that it uses and no others:
``schema.folder_messages`` is loaded when its name is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sshore.schema import account_messages as account_messages
    from sshore.schema import audit_messages as audit_messages
    from sshore.schema import folder_messages as folder_messages
    from sshore.schema import image_messages as image_messages
    from sshore.schema import key_messages as key_messages
    from sshore.schema import live_use_messages as live_use_messages
    from sshore.schema import mount_messages as mount_messages
    from sshore.schema import own_messages as own_messages
    from sshore.schema import session_messages as session_messages
    from sshore.schema import version_message as version_message


def __getattr__(name: str) -> Any:
    """A module of messages, loaded (PEP 562)."""
    if not name.endswith(("_messages", "_message")):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
