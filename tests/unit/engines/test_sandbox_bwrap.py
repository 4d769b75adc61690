"""What bwrap is told: the order of mounts and the few arguments that isolation hangs on."""

from pathlib import Path

from sshore.core import layout
from sshore.core.choices import Network
from sshore.core.ids import SessionId
from sshore.core.sessions import BindMount, SessionSpec
from sshore.engines.sandbox.bounds import Rooms
from sshore.engines.sandbox.bwrap import Descriptors, bwrap_arguments
from sshore.engines.sandbox.view import HostView

HOST = HostView(
    links={"/bin": "usr/bin", "/lib": "usr/lib"},
    directories=("/usr",),
    etc=("/etc/ld.so.cache", "/etc/ssl/certs"),
    sys=("/sys/devices/system/cpu",),
    sys_for_gpus=("/sys/devices",),
    shell="/bin/bash",
    locale="C.UTF-8",
)
DESCRIPTORS = Descriptors(info=11, status=12, block=13, sync=14, filter=17, etc={"passwd": 15, "hostname": 16})


def arguments(gpu_nodes: tuple[str, ...] = (), **fields) -> list[str]:
    state = Path("/state")
    spec = SessionSpec(
        **{
            "id": SessionId("abcdefghijkm"),
            "name": "demo",
            "home": state / "home",
            "run": state / "run",
            "link": state / "link",
            "kit": state / "kit",
        }
        | fields
    )
    return bwrap_arguments(spec, HOST, DESCRIPTORS, Rooms(3 << 20, 2 << 20, 1 << 20), gpu_nodes)


def position(words: list[str], *wanted: str) -> int:
    """Where these words stand one after another."""
    places = [start for start in range(len(words)) if tuple(words[start : start + len(wanted)]) == wanted]
    assert places, f"{wanted} is not there"
    return places[0]


def test_the_command_is_not_among_them() -> None:
    """bwrap takes it from its command line alone, where the rest does not belong."""
    assert "--" not in arguments()


def test_the_account_is_work_in_its_own_namespaces() -> None:
    words = arguments()
    for namespace in ("user", "pid", "ipc", "uts", "net", "cgroup-try"):
        assert f"--unshare-{namespace}" in words
    position(words, "--uid", "1000", "--gid", "1000")
    position(words, "--hostname", "demo")


def test_a_session_outlives_the_server() -> None:
    assert "--die-with-parent" not in arguments()


def test_only_the_network_host_shares_the_hosts() -> None:
    assert "--unshare-net" in arguments(network=Network.NONE)
    assert "--unshare-net" in arguments(network=Network.NAT)
    assert "--unshare-net" not in arguments(network=Network.HOST)


def test_the_platforms_places_are_read_only() -> None:
    words = arguments()
    position(words, "--ro-bind", "/state/run", layout.RUN)
    position(words, "--ro-bind", "/state/kit", layout.KIT)
    assert position(words, "--ro-bind", "/state/link", layout.LINK) > position(words, "--ro-bind", "/state/run")
    position(words, "--bind", "/state/home", layout.HOME)


def test_nothing_but_the_named_is_bound() -> None:
    words = arguments()
    sources = {words[place + 1] for place, word in enumerate(words) if word in ("--bind", "--ro-bind", "--dev-bind")}
    assert sources == {
        *("/usr", "/etc/ld.so.cache", "/etc/ssl/certs", "/sys/devices/system/cpu"),
        *("/state/home", "/state/run", "/state/link", "/state/kit"),
    }


def test_a_folder_below_another_is_mounted_after_it() -> None:
    outer = BindMount(Path("/f/outer"), "/home/work/data")
    inner = BindMount(Path("/f/inner"), "/home/work/data/inner", read_only=True)
    words = arguments(mounts=(inner, outer))
    home = position(words, "--bind", "/state/home", "/home/work")
    first = position(words, "--bind", "/f/outer", "/home/work/data")
    second = position(words, "--ro-bind", "/f/inner", "/home/work/data/inner")
    assert home < first < second


def test_the_root_is_closed_when_all_is_mounted() -> None:
    words = arguments(mounts=(BindMount(Path("/f"), "/data"),))
    closing = position(words, "--remount-ro", "/")
    mounting = ("--bind", "--ro-bind", "--tmpfs", "--file", "--dir", "--symlink", "--proc", "--dev")
    assert all(place < closing for place, word in enumerate(words) if word in mounting)


def test_the_last_file_comes_last_because_it_tells_that_all_is_mounted() -> None:
    words = arguments()
    files = [words[place + 2] for place, word in enumerate(words) if word == "--file"]
    assert files == ["/etc/passwd", "/etc/hostname"]
    last = position(words, "--file", "16", "/etc/hostname")
    assert {"--bind", "--ro-bind", "--tmpfs", "--dev"}.isdisjoint(words[last:])


def test_the_environment_is_clean() -> None:
    words = arguments()
    assert position(words, "--clearenv") < words.index("--setenv")
    names = {words[place + 1] for place, word in enumerate(words) if word == "--setenv"}
    assert names == {"HOME", "USER", "LOGNAME", "SHELL", "SSHORE_SESSION", "SSHORE_SESSION_ID", "PATH", "LANG"}
    position(words, "--setenv", "PATH", f"{layout.PATH}:{layout.KIT_BIN}")


def test_gpus_are_device_nodes_and_what_sys_says_of_them() -> None:
    words = arguments(gpu_nodes=("/dev/nvidia0", "/dev/nvidiactl"))
    assert position(words, "--dev-bind", "/dev/nvidia0", "/dev/nvidia0") < position(words, "--remount-ro", "/dev")
    position(words, "--ro-bind", "/sys/devices", "/sys/devices")
    assert "--dev-bind" not in arguments()
