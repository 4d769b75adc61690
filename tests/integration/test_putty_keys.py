"""Keys for PuTTY, checked with PuTTY's own tool."""

import subprocess
from pathlib import Path

import pytest

from e2e.programs import need
from sshore.core.openssh_key import read_private_key
from sshore.profiles.ppk import write_ppk


@pytest.fixture(scope="module", autouse=True)
def puttygen() -> None:
    need("puttygen")


KINDS = [["-t", "ed25519"], ["-t", "rsa", "-b", "2048"], ["-t", "rsa", "-b", "3072"]]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_puttygen_gives_back_the_same_key(tmp_path: Path, kind: list[str], version: int) -> None:
    key, ppk, back = tmp_path / "key", tmp_path / "key.ppk", tmp_path / "back"
    subprocess.run(["ssh-keygen", "-q", *kind, "-N", "", "-C", "work@demo", "-f", key], check=True)
    ppk.write_text(write_ppk(read_private_key(key.read_text()), version))
    subprocess.run(["puttygen", ppk, "-O", "private-openssh-new", "-o", back], check=True)
    again = subprocess.run(["ssh-keygen", "-y", "-f", back], check=True, capture_output=True, text=True).stdout
    public = key.with_suffix(".pub").read_text()
    assert again.split()[:2] == public.split()[:2]
    assert read_private_key(back.read_text()).fields[0] == read_private_key(key.read_text()).fields[0]


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    from sshore.core.errors import InvalidInput

    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    with pytest.raises(InvalidInput, match="passphrase"):
        read_private_key(key.read_text())
