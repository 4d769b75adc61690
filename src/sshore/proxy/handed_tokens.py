"""How the CLI hands a login's token to the local proxy: by a file of the user's own, whose name the request says."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sshore.core.errors import InvalidInput
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.login_certificate import ForeignAnswer, check_label
from sshore.sdk.private_files import write_private


@contextmanager
def handed_over(config: ConfigDir, token: str) -> Iterator[str]:
    """The name of a file that holds a token, for as long as the context is open."""
    name = hashlib.sha256(token.encode()).hexdigest()[:32]
    file = config.handed_tokens / name
    write_private(file, token)
    try:
        yield name
    finally:
        file.unlink(missing_ok=True)


def take_token(config: ConfigDir, name: str) -> str:
    """Read what was handed over. Raises InvalidInput where it was not."""
    try:
        return (config.handed_tokens / check_label(name)).read_text()
    except (OSError, ForeignAnswer, UnicodeDecodeError):
        raise InvalidInput(f"no token was handed over as {name!r}", field="handed") from None
