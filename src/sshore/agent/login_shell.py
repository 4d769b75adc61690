"""Whether the session has the login shell that its owner wishes: the engine has chosen, and says so by `SHELL`."""

import os


def without_shell(wanted: str, chosen: str) -> tuple[str, ...]:
    """A note for the owner where logins get another shell than the one wanted, by its name or place."""
    name = chosen if wanted.startswith("/") else chosen.rpartition("/")[2]
    if not wanted or (name == wanted and os.access(chosen, os.X_OK)):
        return ()
    instead = f": logins get {chosen}" if name != wanted else ", or no program: logins get the usual one"
    return (f"your setting `shell` is {wanted}, which is not in this session{instead}",)
