"""The two CAs' keys: made once, kept in `ca/` below the state directory, 0600."""

import os
from pathlib import Path

from sshore.core.choices import KeyType
from sshore.core.keys import CertificateAuthority, new_private_key


def open_authority(directory: Path, name: str) -> CertificateAuthority:
    """The CA of this name (`host_ca` or `user_ca`), made when there is none yet; its public key lies beside it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    if not path.exists():
        aside = directory / f".{name}.new"
        aside.unlink(missing_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_private_key(KeyType.ED25519))
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    authority = CertificateAuthority(path.read_text())
    (directory / f"{name}.pub").write_text(authority.public_line + "\n")
    return authority
