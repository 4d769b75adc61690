"""What an agent takes for a mount that runs no set-user-ID programs and opens no devices."""

import pytest

from sshore.agent.closed_mounts import still_open, wait_until_closed

HOME = "363 346 254:0 /homes/ann /home/work rw,{flags}relatime - ext4 /dev/vda rw"
FOLDER = (
    "364 363 254:0 /folders/data /home/work/my\\040data ro,{flags}relatime master:1 - ext4 /dev/vda rw,nosuid,nodev"
)
PLACES = ["/home/work", "/home/work/my data"]


@pytest.mark.parametrize(
    ("flags", "left"),
    [("", PLACES), ("nosuid,", PLACES), ("nodev,", PLACES), ("nosuid,nodev,", [])],
)
def test_both_flags_of_the_mount_itself_are_needed(flags: str, left: list[str]) -> None:
    assert still_open(PLACES, "\n".join((HOME.format(flags=flags), FOLDER.format(flags=flags)))) == left


def test_what_is_mounted_over_it_counts() -> None:
    mounts = "\n".join((HOME.format(flags="nosuid,nodev,"), HOME.format(flags="")))
    assert still_open(["/home/work"], mounts) == ["/home/work"]


def test_what_never_comes_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert wait_until_closed([])
    assert not wait_until_closed(["/no/such/place"], patience_s=0.01)
    assert "the server has not mounted /no/such/place nosuid,nodev" in capfd.readouterr().err
