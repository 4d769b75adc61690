"""The install command that a user is told, for each family of distributions."""

import pytest

from sshore.kit.distribution import install_command


@pytest.mark.parametrize(
    ("os_release", "command"),
    [
        ("ID=debian\n", "apt install openssh-server"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt install openssh-server"),
        ('NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install openssh-server"),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "zypper install openssh"),
        ("ID=alpine\n", "apk add openssh-server"),
        ("ID=arch\n", "pacman -S openssh"),
        ("ID=unheard-of\n", "install the package openssh"),
        ("", "install the package openssh"),
    ],
)
def test_openssh_is_named_as_the_distribution_names_it(os_release: str, command: str) -> None:
    assert install_command("openssh", os_release) == command


def test_other_packages_keep_their_names() -> None:
    assert install_command("patchelf", "ID=fedora") == "dnf install patchelf"
