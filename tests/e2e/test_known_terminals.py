"""Terminals of today: programs in a session know them, whatever its image has, and the image's own come first."""

from collections.abc import Iterator

import pytest
from deployment import Deployment, SessionsIn, deployment
from ssh_client import SshClient, through_forward

from integration.docker_daemon import DockerDaemon
from integration.docker_images import DEBIAN

TODAYS = ("xterm-ghostty", "xterm-kitty", "alacritty", "foot", "wezterm", "ghostty", "kitty", "rio", "contour")
USUAL = ("xterm", "xterm-256color", "screen", "screen-256color", "tmux", "tmux-256color", "linux", "vt100", "dumb")
_CLEAR = "\x1b[H\x1b[2J"


@pytest.mark.every_engine
class TestEverySession:
    @pytest.mark.parametrize("name", TODAYS[:3])
    def test_the_screen_is_cleared(self, demo_either_way: SshClient, name: str) -> None:
        done = demo_either_way.having(SetEnv=f"TERM={name}").run("clear && tput colors", flags=("-tt",))
        assert done.returncode == 0, done.stdout
        assert done.stdout.decode().startswith(_CLEAR)
        assert done.stdout.decode().endswith("256\r\n")

    def test_all_of_them_are_known(self, demo: SshClient) -> None:
        names = " ".join((*TODAYS, *USUAL))
        assert demo.ok(f"for name in {names}; do infocmp $name >/dev/null || echo $name; done") == ""

    def test_the_sessions_own_descriptions_come_first(self, demo: SshClient) -> None:
        assert _source(demo, "xterm") in ("/lib/terminfo/x/xterm", "/usr/share/terminfo/x/xterm")
        demo.ok(
            "mkdir -p mine; infocmp dumb | sed 's/^dumb[^,]*/xterm-ghostty|mine/' >mine.ti; tic -o ~/.terminfo mine.ti"
        )
        assert _source(demo, "xterm-ghostty") == "/home/work/.terminfo/x/xterm-ghostty"
        demo.ok("rm -r .terminfo mine mine.ti")


def _source(client: SshClient, name: str) -> str:
    return client.ok(f"infocmp {name}").splitlines()[0].rpartition(" ")[2]


@pytest.fixture(scope="module")
def server(shared: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    with deployment(kit_of=shared.state, sessions_in=SessionsIn(docker_host=dockerd.host)) as made:
        yield made


@pytest.fixture
def bare(server: Deployment, dockerd: DockerDaemon, request: pytest.FixtureRequest) -> Iterator[SshClient]:
    """A session of an image without any descriptions, which says what a Dockerfile's lines say."""
    name = "sshore-test:no-terminals"
    container = dockerd.ok("create", dockerd.need(DEBIAN), "rm", "-r", "/lib/terminfo", "/usr/share/terminfo").strip()
    try:
        dockerd.ok("start", "--attach", container)
        changes = [word for change in request.param for word in ("--change", change)]
        dockerd.ok("commit", *changes, container, name)
    finally:
        dockerd.ok("rm", container)
    server.run_session("bare", "--engine", "docker", "--image", name, "--network", "none")
    yield through_forward(server.admin, server.connect("bare"))
    server.remove("bare")
    dockerd.docker("rmi", "-f", name)


@pytest.mark.parametrize("bare", [()], indirect=True)
def test_an_image_without_any_has_the_kits(bare: SshClient) -> None:
    assert _source(bare, "xterm") == "/opt/sshore/terminfo/x/xterm"
    done = bare.having(SetEnv="TERM=xterm-256color").run("clear", flags=("-tt",))
    assert done.stdout.decode().startswith(_CLEAR)


@pytest.mark.parametrize("bare", [("ENV TERMINFO_DIRS=/opt/own",)], indirect=True)
def test_an_image_that_says_where_its_own_are_keeps_them_there(bare: SshClient) -> None:
    assert bare.ok("echo $TERMINFO_DIRS") == "/opt/own:/opt/sshore/terminfo\n"
    assert _source(bare, "xterm-kitty") == "/opt/sshore/terminfo/x/xterm-kitty"
