"""PuTTY's private key files. The expected texts were written by PuTTY's own puttygen 0.78 from the same key."""

import pytest

from sshore.core.errors import InvalidInput
from sshore.core.openssh_key import read_private_key
from sshore.profiles.ppk import write_ppk

KEY = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACAcyMLu9yY2Otu7K9MlvChVlO2LVcmLzym6aWsfrvGkwwAAAJDa2J4t2tie
LQAAAAtzc2gtZWQyNTUxOQAAACAcyMLu9yY2Otu7K9MlvChVlO2LVcmLzym6aWsfrvGkww
AAAECDreVpikrWuHCIvnYV6Yzl8n5Cpwghl0h3GuCsS1XuTxzIwu73JjY627sr0yW8KFWU
7YtVyYvPKbppax+u8aTDAAAACWEgc2Vzc2lvbgECAwQ=
-----END OPENSSH PRIVATE KEY-----
"""

EXPECTED = """PuTTY-User-Key-File-{version}: ssh-ed25519
Encryption: none
Comment: a session
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIBzIwu73JjY627sr0yW8KFWU7YtVyYvPKbppax+u
8aTD
Private-Lines: 1
AAAAIIOt5WmKSta4cIi+dhXpjOXyfkKnCCGXSHca4KxLVe5P
Private-MAC: {mac}
"""


@pytest.mark.parametrize(
    ("version", "mac"),
    [
        (2, "6602907efcd156e932691a5923baf673088f4cae"),
        (3, "5f28cb8a58db93656d956d36fe2a0fefcf3b15471d5c0762d647fbf91a4a32d0"),
    ],
)
def test_file_is_what_puttygen_writes(version: int, mac: str) -> None:
    written = write_ppk(read_private_key(KEY), version)
    assert written.replace("\r\n", "\n") == EXPECTED.format(version=version, mac=mac)


def test_the_comment_is_kept() -> None:
    assert read_private_key(KEY).comment == "a session"


@pytest.mark.parametrize(
    "damaged", ["", "no key", KEY[:150] + "\n-----END OPENSSH PRIVATE KEY-----", KEY.replace("b3Bl", "b3Bm")]
)
def test_a_damaged_key_is_refused_with_advice(damaged: str) -> None:
    with pytest.raises(InvalidInput, match="download it again"):
        read_private_key(damaged)
