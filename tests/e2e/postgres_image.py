"""An image of this machine's own PostgreSQL and busybox, with the settings of the official one."""

import re
import shutil
import subprocess
from pathlib import Path

from programs import need, need_that

from integration.docker_daemon import DockerDaemon
from integration.docker_images import rootfs
from integration.postgresql import programs

_ENTRYPOINT = Path(__file__).with_name("postgres_entrypoint.sh")
_APPLETS = ("sh", "su", "id", "cp", "chown")
_ACCOUNTS = {
    "etc/passwd": "root:x:0:0::/:/bin/sh\npostgres:x:70:70::/:/bin/sh\n",
    "etc/group": "root:x:0:\npostgres:x:70:\n",
}
_DIRECTORIES = ("tmp", "var/run/postgresql", "var/lib/postgresql/data")
_CHANGES = (
    *("ENV PGDATA=/var/lib/postgresql/data", "ENV TZ=UTC", "VOLUME /var/lib/postgresql/data"),
    *('ENTRYPOINT ["/entrypoint"]', 'CMD ["postgres"]'),
)


def build_postgres(daemon: DockerDaemon, image: str) -> None:
    """Make the image of the newest version that is installed here."""
    need("busybox", "ldd")
    place = programs()
    need_that(place is not None, "not installed here: postgresql")
    assert place is not None
    parts = [path for tree in _trees(place) for path in tree.rglob("*") if path.is_file() and not _is_compiler(path)]
    binaries = [path for path in parts if path.suffix == ".so" or path.parent == place]
    zone = Path("/usr/share/zoneinfo/UTC")
    files: dict[str, Path | str | None] = {
        str(path).lstrip("/"): path for path in (*parts, *_libraries(binaries), zone)
    }
    files |= {"bin/busybox": Path(shutil.which("busybox") or ""), "entrypoint": _ENTRYPOINT, **_ACCOUNTS}
    files |= dict.fromkeys(_DIRECTORIES)
    links = {f"bin/{applet}": "busybox" for applet in _APPLETS}
    changes = (word for change in (f"ENV PATH={place}:/bin", *_CHANGES) for word in ("--change", change))
    daemon.ok("import", *changes, "-", image, stdin=rootfs(files, links))


def _trees(place: Path) -> tuple[Path, ...]:
    return place, place.parent / "lib", Path("/usr/share/postgresql") / place.parent.name


def _is_compiler(path: Path) -> bool:
    """What compiles queries weighs a hundred megabytes, and is not needed."""
    return "bitcode" in path.parts or "llvmjit" in path.name


def _libraries(binaries: list[Path]) -> set[Path]:
    """What ld.so(8) would load, where it would look for it."""
    listed = subprocess.run(["ldd", *binaries], capture_output=True, text=True).stdout
    return {Path(place) for place in re.findall(r"(/\S+) \(0x", listed)}
