"""Settings that are secrets, from files: an environment is shown by `docker inspect` and inherited by programs."""

from collections.abc import Mapping
from pathlib import Path

from sshore.core.errors import InvalidInput

MAX_BYTES = 64 << 10


def read_secret(environment: Mapping[str, str], name: str) -> str:
    """The value of a variable, else the text of the file that the variable NAME_FILE names; else nothing.

    Raises:
        InvalidInput: both are set, or the file cannot be read or is empty. Never repeats what is in it.
    """
    value, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if not file:
        return value
    if value:
        raise InvalidInput(f"{name} and {name}_FILE are both set: unset one of them")
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(MAX_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInput(f"{name}_FILE names {file}, which cannot be read: {reason}") from None
    if not text:
        raise InvalidInput(f"{name}_FILE names {file}, which is empty: write the secret into it")
    return text
