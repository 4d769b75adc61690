"""What the loaders of glibc and musl list is read alike."""

from pathlib import Path

from sshore.kit.libraries import parse_list

GLIBC = """\
\tlinux-vdso.so.1 (0x00007f7593e61000)
\tlibpam.so.0 => /lib/x86_64-linux-gnu/libpam.so.0 (0x00007f611569d000)
\tlibz.so.1 => /lib64/glibc-hwcaps/x86-64-v3/libz.so.1.2.13 (0x00007f611544b000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f6115875000)
"""
MUSL = """\
\t/lib/ld-musl-aarch64.so.1 (0xffff8c5b2000)
\tlibcrypto.so.3 => /lib/libcrypto.so.3 (0xffff8c1f6000)
\tlibc.musl-aarch64.so.1 => /lib/ld-musl-aarch64.so.1 (0xffff8c5b2000)
"""


def test_libraries_are_known_by_the_names_they_are_asked_for() -> None:
    assert parse_list(GLIBC) == {
        "libpam.so.0": Path("/lib/x86_64-linux-gnu/libpam.so.0"),
        "libz.so.1": Path("/lib64/glibc-hwcaps/x86-64-v3/libz.so.1.2.13"),
        "ld-linux-x86-64.so.2": Path("/lib64/ld-linux-x86-64.so.2"),
    }


def test_musl_is_its_own_loader() -> None:
    assert parse_list(MUSL) == {
        "ld-musl-aarch64.so.1": Path("/lib/ld-musl-aarch64.so.1"),
        "libcrypto.so.3": Path("/lib/libcrypto.so.3"),
        "libc.musl-aarch64.so.1": Path("/lib/ld-musl-aarch64.so.1"),
    }
