"""Images for the tests, made of this machine's packages and of debootstrap's: there is no registry in the tests.

BUSYBOX    a static busybox, and nothing else: no /etc, no /tmp, no libc
ALPINE     musl's libc and loader in the place of glibc's, and a program linked with it; busybox, accounts and profile
           as Alpine has them
DEBIAN     Debian 12 as debootstrap makes it
UBUNTU     the same with Ubuntu's account of the uid 1000, a PATH of its own, and a HOME of root's
NO_SHELL   one static program and two accounts, as "distroless" images have them
NOBODY     the same without any account and without /etc, with a USER and an ENTRYPOINT
LIVED_IN   busybox with an account, a group and a home `work` of its own, and everything that a Dockerfile can say
HOSTILE    busybox with variables that spoil whatever minds them: LD_*, PYTHON*, very long ones, ones of several lines
LINKED     busybox whose account files are links to elsewhere, and whose bash leads nowhere
BROKEN     busybox whose /bin/sh is no program
"""

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from integration.debian_rootfs import debian_rootfs

BUSYBOX, ALPINE, DEBIAN, UBUNTU = (f"sshore-test:{kind}" for kind in ("busybox", "alpine", "debian", "ubuntu"))
NO_SHELL, NOBODY, LIVED_IN = (f"sshore-test:{kind}" for kind in ("no-shell", "nobody", "lived-in"))
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
BUSYBOX_PROGRAM = Path(shutil.which("busybox") or "/bin/busybox")
HOSTILE, LINKED, BROKEN = (f"sshore-test:{kind}" for kind in ("hostile", "linked", "broken"))

_ALPINE_PASSWD = """\
root:x:0:0:root:/root:/bin/ash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
_ALPINE_PROFILE = """\
export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export PAGER=less
umask 022
for script in /etc/profile.d/*.sh ; do
    if [ -r "$script" ] ; then . "$script" ; fi
done
unset script
"""
_WHO = """\
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    struct passwd *account = getpwuid(getuid());
    printf("%s by musl\\n", account ? account->pw_name : "nobody known");
}
"""


def rootfs(files: Mapping[str, Path | str | bytes | None], links: Mapping[str, str] | None = None) -> bytes:
    """A root file system as tar(5): places to files of this machine, texts, programs, or None for directories; and
    links."""
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
            if isinstance(source, Path):
                data = source.read_bytes()
            else:
                data = source.encode() if isinstance(source, str) else source
            if isinstance(source, Path) and source.is_file():
                info.mode = source.stat().st_mode & 0o7777
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def busybox_rootfs() -> bytes:
    return rootfs({"bin/busybox": BUSYBOX_PROGRAM}, _applets())


def alpine_rootfs() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        source, program = Path(directory, "who.c"), Path(directory, "who")
        source.write_text(_WHO)
        subprocess.run(["musl-gcc", "-o", program, source], check=True)
        loader = Path("/lib/ld-musl-x86_64.so.1")
        files = {
            "bin/busybox": BUSYBOX_PROGRAM,
            "bin/who-by-musl": program,
            "lib/ld-musl-x86_64.so.1": loader.resolve(),
        }
        accounts = {"etc/passwd": _ALPINE_PASSWD, "etc/group": "root:x:0:root\nusers:x:100:games\n"}
        profile = {"etc/profile": _ALPINE_PROFILE, "etc/profile.d/colour.sh": "export COLOUR=yes\n", "tmp": None}
        return rootfs({**files, **accounts, **profile}, _applets())


def debian_layer() -> bytes:
    return debian_rootfs().read_bytes()


def ubuntu_accounts() -> bytes:
    with tarfile.open(debian_rootfs()) as debian:
        passwd = debian.extractfile("./etc/passwd")
        assert passwd is not None
        return rootfs({"etc/passwd": passwd.read().decode() + "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n"})


def no_shell_rootfs() -> bytes:
    accounts = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"
    return rootfs({"etc/passwd": accounts, "etc/group": "root:x:0:\n", "usr/bin/env": BUSYBOX_PROGRAM})


def nobody_rootfs() -> bytes:
    return rootfs({"usr/bin/env": BUSYBOX_PROGRAM, "usr/bin/id": BUSYBOX_PROGRAM})


def lived_in_rootfs() -> bytes:
    accounts = "root:x:0:0::/root:/bin/sh\nwork:x:4242:4242:of the image:/home/work:/bin/false\nlast:x:7:7::/:/bin/sh"
    groups = "root:x:0:\nwork:x:4242:last\nwheel:x:10:work"
    files = {"home/work/of-the-image": "hidden", "srv/app/file": "of the image", "data/file": "in a volume"}
    return rootfs({"bin/busybox": BUSYBOX_PROGRAM, "etc/passwd": accounts, "etc/group": groups, **files}, _applets())


def linked_rootfs() -> bytes:
    accounts = {"real/store/passwd": "root:x:0:0:root:/root:/bin/sh\nkept:x:7:7::/:/bin/sh\n", "etc/group": ""}
    links = {"etc/passwd": "../real/store/passwd", "etc/profile": "/gone", "tmp": "real/tmp", "bin/bash": "gone"}
    return rootfs({**accounts, "real/tmp": None, "bin/busybox": BUSYBOX_PROGRAM}, {**_applets(), **links})


def broken_rootfs() -> bytes:
    applets = {place: target for place, target in _applets().items() if place != "bin/sh"}
    return rootfs({"bin/busybox": BUSYBOX_PROGRAM, "bin/sh": Path("/dev/null")}, applets)


def image_archive(
    name: str, layers: Iterable[bytes], config: Mapping[str, Any] | None = None, architecture: str = ARCHITECTURE
) -> bytes:
    """An image as `docker load` takes it; `config` is what a Dockerfile says beside files (OCI image-spec, config)."""
    blobs = {f"{number}.tar": layer for number, layer in enumerate(layers)}
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in blobs.values()]
    whole = {"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": digests}}
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": list(blobs)}]
    return _tar(
        {
            "config.json": json.dumps({**whole, "config": config or {}}).encode(),
            "manifest.json": json.dumps(manifest).encode(),
            **blobs,
        }
    )


def make(name: str) -> bytes:
    """One of the images above."""
    layers, config = _IMAGES[name]
    return image_archive(name, (layer() for layer in layers), config)


MANY_LINES = """-----BEGIN-----\r\n it's "quoted" $HOME \\ # %h\n\n-----END-----\n"""
_SPOILT = [
    *("LD_PRELOAD=/nonexistent.so", "LD_LIBRARY_PATH=/bin", "GLIBC_TUNABLES=glibc.malloc.check=3"),
    *("PYTHONHOME=/nonexistent", "PYTHONPATH=/nonexistent", "PYTHONSTARTUP=/nonexistent", "OPENSSL_CONF=/nonexistent"),
    *(
        "ENV=/nonexistent",
        "BASH_ENV=/nonexistent",
        "IFS=x",
        "HOSTNAME=other",
        "TMPDIR=/nonexistent",
        "SHELL=/bin/false",
    ),
    *("SSHORE_SESSION=other", "SSHORE_SESSION_ID=other", "USER=root", "HOME=/root"),
    """QUOTED=it's "quoted" $HOME \\ # %h""",
    f"LONG={'x' * 100_000}",
    f"TOO_LONG={'x' * 120_000}",
    f"HUGE={'x' * 140_000}",
    f"MANY_LINES={MANY_LINES}",
    *("NOTHING", "WITH.DOT=dotted", "WITH BLANK=blank", "NO_TEXT=\udce9", "UTF8=한글"),
    *(f"VARIABLE_{number}={'y' * 100}" for number in range(300)),
]
_LIVED_IN = {
    "User": "work",
    "WorkingDir": "/srv/app",
    "Volumes": {"/data": {}, "/home/work": {}, "/etc": {}, "/tmp": {}},
    "Healthcheck": {"Test": ["CMD", "false"], "Interval": 10**9},
    "OnBuild": ["RUN false"],
    "ExposedPorts": {"22/tcp": {}},
    "StopSignal": "SIGKILL",
    "Entrypoint": ["/bin/false"],
    "Labels": {"sshore.session": "lostlostlost", "sshore.deployment": "lost"},
}
_UBUNTU = ["PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin", "HOME=/root", "GREETING=hello there"]

_IMAGES: dict[str, tuple[tuple[Callable[[], bytes], ...], Mapping[str, Any]]] = {
    BUSYBOX: ((busybox_rootfs,), {"Env": ["GREETING=hello", "PATH=/bin"]}),
    ALPINE: ((alpine_rootfs,), {"Env": ["PATH=/opt/tool:/bin"]}),
    DEBIAN: ((debian_layer,), {}),
    UBUNTU: ((debian_layer, ubuntu_accounts), {"Env": _UBUNTU}),
    NO_SHELL: ((no_shell_rootfs,), {"Env": ["LINES_OF=one\ntwo"]}),
    NOBODY: ((nobody_rootfs,), {"User": "65532:65532", "Entrypoint": ["/usr/bin/env"], "Cmd": ["false"]}),
    LIVED_IN: ((lived_in_rootfs,), _LIVED_IN),
    HOSTILE: ((busybox_rootfs,), {"Env": _SPOILT}),
    LINKED: ((linked_rootfs,), {}),
    BROKEN: ((broken_rootfs,), {}),
}


def _applets() -> dict[str, str]:
    listed = subprocess.run([BUSYBOX_PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return {f"bin/{applet}": "busybox" for applet in listed if applet != "busybox"}


def _tar(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for place, data in members.items():
            info = tarfile.TarInfo(place)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
