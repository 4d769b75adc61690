"""Root file systems for images, made of this machine's own packages: there is no registry in the tests.

BUSYBOX    a static busybox, and nothing else: no /etc, no /tmp, no libc
NO_SHELL   one static program and two accounts, as "distroless" images have them
DEBIAN     bash, coreutils and glibc from this machine's Debian packages, with accounts and profile of their own
MUSL       musl's libc and loader in the place of glibc's, and a program linked with it; busybox as its shell
"""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

BUSYBOX, NO_SHELL, DEBIAN, MUSL = (f"sshore-test:{kind}" for kind in ("busybox", "no-shell", "debian", "musl"))

_DEBIAN_PACKAGES = (
    *("base-files", "base-passwd", "bash", "coreutils", "dash", "findutils", "grep", "hostname", "libc-bin", "libc6"),
    *("libacl1", "libattr1", "libcap2", "libgmp10", "libncursesw6", "libpcre2-8-0", "libprocps8", "libselinux1"),
    *("libsmartcols1", "libtinfo6", "mawk", "mount", "ncurses-base", "procps", "sed", "tar", "util-linux"),
)
_MERGED = ("bin", "sbin", "lib", "lib64")
_WHO = """\
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    struct passwd *account = getpwuid(getuid());
    printf("%s by musl\\n", account ? account->pw_name : "nobody known");
}
"""


def rootfs(files: Mapping[str, Path | str | None], links: Mapping[str, str] | None = None) -> bytes:
    """A root file system as tar(5): places to files of this machine, texts, or None for directories; and links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for place, target in (links or {}).items():
            info = tarfile.TarInfo(place)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        for place, source in files.items():
            info = tarfile.TarInfo(place)
            info.mode = 0o644 if isinstance(source, str) else 0o755
            if source is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
                continue
            data = source.encode() if isinstance(source, str) else source.read_bytes()
            if isinstance(source, Path):
                info.mode = source.stat().st_mode & 0o7777
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def busybox_rootfs() -> bytes:
    return rootfs({"bin/busybox": _busybox()}, _applets())


def no_shell_rootfs() -> bytes:
    accounts = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"
    return rootfs({"etc/passwd": accounts, "etc/group": "root:x:0:\n", "usr/bin/env": _busybox()})


def musl_rootfs() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        source, program = Path(directory, "who.c"), Path(directory, "who")
        source.write_text(_WHO)
        subprocess.run(["musl-gcc", "-o", program, source], check=True)
        loader = Path("/lib/ld-musl-x86_64.so.1")
        files = {"bin/busybox": _busybox(), "bin/who-by-musl": program, "lib/ld-musl-x86_64.so.1": loader.resolve()}
        # As Alpine has it: a profile that sets PATH anew.
        return rootfs({**files, "etc/profile": "export PATH=/usr/bin:/bin\n"}, _applets())


def debian_rootfs() -> bytes:
    listed = subprocess.run(["dpkg", "-L", *_DEBIAN_PACKAGES], capture_output=True, text=True).stdout.splitlines()
    paths = sorted({path for path in map(Path, listed) if path.is_absolute() and not path.is_dir() and path.exists()})
    links = {_merged(path): str(path.readlink()) for path in paths if path.is_symlink()}
    files: dict[str, Path | str | None] = {_merged(path): path for path in paths if not path.is_symlink()}
    files |= {
        "etc/passwd": Path("/usr/share/base-passwd/passwd.master").read_text()
        + "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n",
        "etc/group": Path("/usr/share/base-passwd/group.master").read_text() + "ubuntu:x:1000:\n",
        "etc/profile": Path("/usr/share/base-files/profile").read_text(),
    }
    merged = {name: f"usr/{name}" for name in _MERGED}
    return rootfs(files, {**merged, **links, "usr/bin/sh": "dash", "usr/bin/awk": "mawk"})


def image_archive(name: str, architecture: str) -> bytes:
    """An empty image for machines of some architecture, as `docker load` takes it."""
    layer = rootfs({"etc": None})
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = {"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest]}}
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for place, data in {
            "config.json": json.dumps(config).encode(),
            "manifest.json": json.dumps(manifest).encode(),
            "layer.tar": layer,
        }.items():
            info = tarfile.TarInfo(place)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


IMAGES: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    BUSYBOX: (busybox_rootfs, ("ENV GREETING=hello", "ENV PATH=/bin")),
    NO_SHELL: (no_shell_rootfs, ()),
    DEBIAN: (
        debian_rootfs,
        ("ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin", "ENV HOME=/root", "ENV GREETING='hello there'"),
    ),
    MUSL: (musl_rootfs, ("ENV PATH=/opt/tool:/bin",)),
}
"""How each image is made: its root file system, and its Dockerfile lines."""


def _busybox() -> Path:
    return Path(shutil.which("busybox") or "/bin/busybox")


def _applets() -> dict[str, str]:
    listed = subprocess.run([_busybox(), "--list"], capture_output=True, text=True, check=True).stdout.split()
    return {f"bin/{applet}": "busybox" for applet in listed if applet != "busybox"}


def _merged(path: Path) -> str:
    """Where a file lies when /bin and its like are links into /usr."""
    place = str(path).lstrip("/")
    return f"usr/{place}" if place.partition("/")[0] in _MERGED else place
