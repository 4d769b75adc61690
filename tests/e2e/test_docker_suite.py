"""The sandbox's end-to-end tests in a container: OpenSSH's commands, files, forwards, keys, folders.

The tests are those of the modules imported here; `shared` and `demo` are other ones: a session from a Debian image.
"""

from collections.abc import Iterator

import pytest
from deployment import Deployment, Owner, deployment
from ssh_client import SshClient, through_forward, through_proxy_command
from test_file_clients import *  # noqa: F403
from test_session_keys import *  # noqa: F403
from test_ssh_commands import *  # noqa: F403
from test_ssh_forwarding import *  # noqa: F403
from test_storage_folders import *  # noqa: F403

from integration.docker_daemon import DockerDaemon
from integration.docker_images import DEBIAN
from sshore.proxy.forwards import Card

# They need ssh-add and xauth in the session, which this image has not.
del test_the_agent_here_answers_there, test_x11_programs_reach_the_screen_here  # noqa: F821


@pytest.fixture(scope="session")
def shared(dockerd: DockerDaemon) -> Iterator[Deployment]:
    with deployment(docker_host=dockerd.host, started=False) as it:
        it.session_options = ("--engine", "docker", "--image", dockerd.need(DEBIAN))
        it.start()
        it.run_session("demo")
        yield it


@pytest.fixture(scope="session")
def card(shared: Deployment) -> Card:
    return shared.connect("demo")


@pytest.fixture(scope="session")
def demo(shared: Deployment, card: Card) -> SshClient:
    return through_forward(shared.admin, card)


@pytest.fixture(scope="session", params=["forward", "proxy_command"])
def demo_either_way(request: pytest.FixtureRequest, shared: Deployment, demo: SshClient) -> SshClient:
    if request.param == "forward":
        return demo
    return through_proxy_command(shared.admin, "demo", shared.key("demo"))


@pytest.fixture(scope="session")
def ann(shared: Deployment) -> Owner:
    return shared.member("ann")
