"""`sshore image` and `sshore commit`: what users see of images, pull, keep and remove; private registries."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment, Owner, SessionsIn, deployment
from programs import need
from ssh_client import through_proxy_command
from terminal import terminal

from integration.command_line import SSHORE
from integration.docker_daemon import DockerDaemon
from integration.docker_images import (
    BUSYBOX,
    DEBIAN,
    HOSTILE,
    LIVED_IN,
    NO_SHELL,
    UBUNTU,
    busybox_rootfs,
    image_archive,
    rootfs,
)
from integration.docker_registry import PASSWORD, USER, Registry, registry

NO_LOGINS = "no-logins"
"""A docker configuration of nobody's."""


@pytest.fixture(scope="module")
def server(shared: Deployment, dockerd: DockerDaemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    config = tmp_path_factory.mktemp(NO_LOGINS)
    settings = ("SSHORE_DOCKER_ROOT=admins", f"SSHORE_DOCKER_CONFIG={config}")
    options = ("--engine", "docker", "--network", "none")
    with deployment(
        kit_of=shared.state, sessions_in=SessionsIn(options, docker_host=dockerd.host, settings=settings)
    ) as made:
        yield made


@pytest.fixture(scope="module")
def ann(server: Deployment) -> Owner:
    return server.member("ann")


@pytest.fixture(scope="module")
def private(dockerd: DockerDaemon) -> Iterator[Registry]:
    """A registry with the image `tool:1`, of two layers."""
    need("docker-registry")
    with registry() as made:
        made.push(dockerd, "us/tool:1", tool(made, "us/tool:1", "first"))
        yield made


def tool(made: Registry, name: str, says: str) -> bytes:
    # As much as takes the daemon a while.
    layers = [busybox_rootfs(), rootfs({"tool": says, "data": os.urandom(24 << 20).decode("latin-1")})]
    return image_archive(f"{made.host}/{name}", layers)


def say(owner: Owner, name: str, *command: str) -> str:
    """What a command in a session says."""
    return through_proxy_command(owner, name, owner.key(name)).ok(*command)


def images(owner: Owner) -> dict[str, dict[str, Any]]:
    return {image["ref"]: image for image in owner.json("image", "ls")["images"]}


class TestTheList:
    def test_it_tells_what_there_is_to_know(self, server: Deployment, dockerd: DockerDaemon, ann: Owner) -> None:
        ann.run_session("listed", "--image", dockerd.need(BUSYBOX), app="")
        found = images(ann)[BUSYBOX]
        (shown,) = json.loads(dockerd.ok("image", "inspect", BUSYBOX))
        assert (found["id"], found["architecture"]) == (shown["Id"], shown["Architecture"])
        assert (found["size_bytes"], found["allowed"], found["runs_here"]) == (shown["Size"], True, True)
        assert (found["sessions"], images(server.admin)[BUSYBOX]["sessions"]) == (1, 0)
        assert ann.json("show", "listed")["image_id"] == shown["Id"]
        listed = ann.ok("image", "ls").splitlines()
        assert next(line for line in listed if BUSYBOX in line).split()[1] == shown["Id"][7:19]
        ann.remove("listed")

    def test_a_server_without_such_an_engine_says_so(self, shared: Deployment) -> None:
        done = shared.admin.run("image", "ls")
        assert (done.returncode, b"no engine of this server has images" in done.stderr) == (0, True)
        done = shared.admin.run("image", "pull", "debian:12")
        assert (done.returncode, b"no engine of this server has images" in done.stderr) == (2, True)

    def test_the_shell_completes_them(self, ann: Owner, dockerd: DockerDaemon) -> None:
        words = {"COMP_WORDS": "sshore run box --image sshore-test", "COMP_CWORD": "4"}
        environment = {**ann.environment, **words, "_SSHORE_COMPLETE": "zsh_complete"}
        with terminal([SSHORE], environment) as user:
            user.wait()
            assert dockerd.need(BUSYBOX) in user.text

    def test_members_cannot_remove_what_is_everybodys(self, ann: Owner, dockerd: DockerDaemon) -> None:
        done = ann.run("image", "rm", dockerd.need(BUSYBOX))
        assert (done.returncode, b"only admins can remove it" in done.stderr) == (4, True)

    @pytest.mark.parametrize("architecture", ["arm64", "amd64"])
    def test_one_for_other_machines_is_told(self, ann: Owner, dockerd: DockerDaemon, architecture: str) -> None:
        name = f"sshore-test:for-{architecture}"
        dockerd.ok("load", stdin=image_archive(name, [rootfs({"etc": None})], architecture=architecture))
        ours = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        assert images(ann)[name]["runs_here"] == (architecture == ours)
        if architecture != ours:
            done = ann.run("run", "other", "--engine", "docker", "--image", name)
            assert (done.returncode, f"is for {architecture} machines".encode() in done.stderr) == (1, True)
            assert not [it for it in ann.json("ls") if it["name"] == "other"]


class TestPrivateRegistries:
    """In this order: the server has no login at first."""

    def test_without_a_login_it_says_who_can_do_what(self, ann: Owner, private: Registry) -> None:
        for words in (("image", "pull"), ("run", "box", "--engine", "docker", "--image")):
            done = ann.run(*words, f"{private.host}/us/tool:1")
            assert f"sshore image login {private.host} --user USER".encode() in done.stderr
            assert b"an administrator" in done.stderr
        assert not [it for it in ann.json("ls") if it["name"] == "box"]

    def test_a_login_that_the_registry_refuses_is_not_kept(self, server: Deployment, private: Registry) -> None:
        words = ("image", "login", private.host, "--user", USER, "--password-stdin")
        done = server.admin.run(*words, stdin=b"wrong\n")
        assert (done.returncode, b"does not accept this password for 'puller'" in done.stderr) == (4, True)
        assert server.admin.json("image", "logins") == []

    def test_members_give_no_logins_and_see_none(self, ann: Owner, private: Registry) -> None:
        words = ("image", "login", private.host, "--user", USER, "--password-stdin")
        assert ann.run(*words, stdin=PASSWORD.encode()).returncode == 4
        assert ann.run("image", "logins").returncode == ann.run("image", "logout", private.host).returncode == 4

    def test_with_one_everybody_pulls(self, server: Deployment, ann: Owner, private: Registry) -> None:
        words = ("image", "login", f"http://{private.host}/", "-u", USER, "--password-stdin")
        done = server.admin.run(*words, stdin=PASSWORD.encode())
        assert (done.returncode, done.stderr) == (0, b"")
        logins = server.admin.ok("image", "logins", "--json")
        assert json.loads(logins) == [{"registry": private.host, "username": USER, "source": "sshore"}]
        stored = server.state / "docker" / "registries.json"
        assert stored.stat().st_mode & 0o777 == 0o600
        assert PASSWORD not in logins + server.server.log.read_text()
        lines = ann.ok("image", "pull", f"{private.host}/us/tool:1", "--json").splitlines()
        steps = [json.loads(line) for line in lines]
        assert (steps[-1]["layers"], steps[-1]["layers_done"]) == (2, 2)
        assert steps[-1]["done_bytes"] == steps[-1]["total_bytes"] > 1 << 20
        assert images(ann)[f"{private.host}/us/tool:1"]["digest"].startswith(f"{private.host}/us/tool@sha256:")

    def test_the_pull_shows_as_a_bar_while_a_session_starts(
        self, ann: Owner, server: Deployment, dockerd: DockerDaemon, private: Registry
    ) -> None:
        name = f"{private.host}/us/tool:1"
        server.admin.ok("image", "rm", name)
        words = [SSHORE, "run", "pulled", "--app", "ssh", "--engine", "docker", "--network", "none", "--image", name]
        with terminal(words, ann.environment, columns=150) as user:
            user.expect(rf"pulls {name} .*[━╸].* of .*iB, \d of \d layers")
            user.expect("pulled is running")
            assert user.wait() == 0
        assert say(ann, "pulled", "cat /tool") == "first"
        assert server.admin.run("image", "rm", name).returncode == 1  # a session has it
        ann.remove("pulled")

    def test_elsewhere_it_shows_as_lines(self, ann: Owner, server: Deployment, private: Registry) -> None:
        name = f"{private.host}/us/tool:1"
        server.admin.ok("image", "rm", name)
        done = ann.run("run", "lines", "--engine", "docker", "--network", "none", "--image", name)
        assert (done.returncode, f"pulls the image {name}: ".encode() in done.stderr) == (0, True)
        ann.remove("lines")

    def test_the_docker_command_lines_login_counts_too(
        self, server: Deployment, ann: Owner, private: Registry, dockerd: DockerDaemon
    ) -> None:
        name = f"{private.host}/us/tool:1"
        server.admin.ok("image", "rm", name)
        server.admin.ok("image", "logout", private.host)
        assert ann.run("image", "pull", name).returncode == 4
        config = Path(server.server.environment["SSHORE_DOCKER_CONFIG"])
        login = ("login", "--username", USER, "--password-stdin", private.host)
        dockerd.ok("--config", str(config), *login, stdin=PASSWORD.encode())
        logins = server.admin.json("image", "logins")
        assert logins == [{"registry": private.host, "username": USER, "source": "docker"}]
        ann.ok("image", "pull", name)

    def test_what_ran_can_be_said_when_the_tag_has_moved(
        self, server: Deployment, ann: Owner, private: Registry, dockerd: DockerDaemon
    ) -> None:
        name = f"{private.host}/us/tool:1"
        ran = ann.run_session("moving", "--image", name)
        repository, _, digest = ran["image_digest"].partition("@sha256:")
        assert (repository, len(digest)) == (f"{private.host}/us/tool", 64)
        ann.ok("stop", "moving")
        assert b"another image" not in ann.run("start", "moving").stderr
        ann.ok("stop", "moving")
        dockerd.ok("load", stdin=tool(private, "us/tool:1", "second"))
        done = ann.run("start", "moving")
        assert (done.returncode, b"is another image than at the start before" in done.stderr) == (0, True)
        shown = ann.json("show", "moving")
        assert (shown["previous_image_id"], shown["image_digest"]) == (ran["image_id"], "")
        assert say(ann, "moving", "cat /tool") == "second"
        ann.remove("moving")
        for exactly in (ran["image_digest"], ran["image_id"]):
            ann.run_session("as-it-was", "--image", exactly)
            assert say(ann, "as-it-was", "cat /tool") == "first"
            ann.remove("as-it-was")


class TestCommit:
    def test_a_session_is_kept_with_working_ssh_again_and_again(self, ann: Owner, dockerd: DockerDaemon) -> None:
        image = dockerd.need(UBUNTU)
        for number in (1, 2, 3):
            ann.run_session("kept", "--image", image)
            say(ann, "kept", f"echo {number} >> /tmp/numbers; echo {number} > home-{number}")
            made = ann.json("commit", "kept", f"mine:{number}")
            assert say(ann, "kept", "cat /tmp/numbers") == "".join(f"{it}\n" for it in range(1, number + 1))
            ann.remove("kept")
            image = made["ref"]
        ann.run_session("kept", "--image", "mine:3")
        assert say(ann, "kept", "cat /tmp/numbers; id -un; echo $GREETING") == "1\n2\n3\nwork\nhello there\n"
        assert say(ann, "kept", "ls") == "id_container\n"
        assert say(ann, "kept", "grep -c ^work: /etc/passwd /etc/group; grep -c Sshore: /etc/profile").split() == [
            *("/etc/passwd:1", "/etc/group:1", "2")
        ]
        assert say(ann, "kept", "exec $SHELL -lc 'echo $SSHORE_SESSION $PATH'").startswith("kept /opt/venv/bin:")
        ann.remove("kept")

    @pytest.mark.parametrize("image", [LIVED_IN, HOSTILE])
    def test_it_says_of_itself_what_the_image_before_it_said(
        self, ann: Owner, dockerd: DockerDaemon, image: str
    ) -> None:
        ann.run_session("plain", "--image", dockerd.need(image), app="")
        made = ann.json("commit", "plain", "plain")
        ann.remove("plain")
        before, after = (json.loads(dockerd.ok("image", "inspect", it))[0]["Config"] for it in (image, made["id"]))
        unsaid = {"User": "0", "WorkingDir": "/", "StopSignal": "SIGTERM", "Healthcheck": {"Test": ["NONE"]}}
        for name in ("Entrypoint", "Cmd", "User", "WorkingDir", "StopSignal", "Healthcheck", "ExposedPorts"):
            assert (after.get(name) or None) == (before.get(name) or unsaid.get(name)), name
        assert set(before["Env"] or ()) <= set(after["Env"])
        assert (after["Labels"]["sshore.session"], after["Labels"]["sshore.deployment"]) == ("", "")

    def test_what_root_has_installed_stays(self, server: Deployment, dockerd: DockerDaemon) -> None:
        server.admin.run_session("rooted", "--image", dockerd.need(DEBIAN), "--root")
        say(server.admin, "rooted", "echo 'echo installed' > /usr/bin/new && chmod 755 /usr/bin/new")
        say(server.admin, "rooted", "echo 'export LATER=1' >> /etc/profile")
        made = server.admin.json("commit", "rooted", "tools:1", "--no-pause")
        server.admin.remove("rooted")
        server.admin.run_session("user", "--image", made["ref"])
        assert say(server.admin, "user", "new; test $(id -u work) != 0; echo $?") == "installed\n0\n"
        assert say(server.admin, "user", "exec $SHELL -lc 'new; echo $LATER'") == "installed\n1\n"
        server.admin.remove("user")

    def test_an_image_without_a_shell_is_one_again(self, ann: Owner, dockerd: DockerDaemon) -> None:
        ann.run_session("shell-less", "--image", dockerd.need(NO_SHELL))
        ann.ok("commit", "shell-less", "shell-less")
        ann.remove("shell-less")
        ann.run_session("shell-less", "--image", "shell-less")
        assert "SSHORE_SESSION=shell-less" in say(ann, "shell-less", "/usr/bin/env env")
        ann.remove("shell-less")

    def test_nobody_else_can_use_it(self, server: Deployment, ann: Owner, dockerd: DockerDaemon) -> None:
        bob = server.member("bob")
        ann.run_session("secret", "--image", dockerd.need(BUSYBOX), app="")
        made = ann.json("commit", "secret", "secret:1")
        ann.remove("secret")
        (tag,) = json.loads(dockerd.ok("image", "inspect", made["id"]))[0]["RepoTags"]
        assert "secret:1" not in images(bob)
        for name in ("secret:1", tag, made["id"], made["id"][7:19], f"ann/{made['name']}"):
            done = bob.run("run", "theft", "--engine", "docker", "--network", "none", "--image", name)
            # Without a connection to the registry of everybody's images, nobody can say that it has none of that name.
            assert done.returncode in (1, 3), (name, done.stderr)
            assert b"there is no image" in done.stderr or b"cannot be pulled" in done.stderr
            assert bob.run("image", "rm", name).returncode == 3
        assert bob.json("ls") == []
        assert images(server.admin)["ann/secret:1"]["owner"] == "ann"
        server.admin.ok("image", "rm", "ann/secret:1")
        assert dockerd.docker("image", "inspect", made["id"]).returncode == 1

    def test_committed_again_it_is_in_its_own_place(self, ann: Owner, dockerd: DockerDaemon) -> None:
        ann.run_session("again", "--image", dockerd.need(BUSYBOX))
        first = ann.json("commit", "again", "again")
        say(ann, "again", "echo more > /tmp/more")
        second = ann.json("commit", "again", "again:latest")
        assert (first["ref"], second["ref"], first["id"] != second["id"]) == ("again:latest", "again:latest", True)
        assert dockerd.docker("image", "inspect", first["id"]).returncode == 1
        ann.ok("stop", "again")
        ann.json("commit", "again", "again")  # a stopped one as well
        ann.remove("again")

    def test_one_in_use_is_not_removed(self, ann: Owner, dockerd: DockerDaemon) -> None:
        ann.run_session("in-use", "--image", dockerd.need(BUSYBOX), app="")
        ann.ok("commit", "in-use", "in-use:1")
        ann.run_session("using", "--image", "in-use:1", app="")
        done = ann.run("image", "rm", "in-use:1")
        assert (done.returncode, b"remove the sessions" in done.stderr) == (1, True)
        ann.remove("in-use", "using")
        ann.ok("image", "rm", "in-use:1")
        assert "in-use:1" not in images(ann)

    @pytest.mark.parametrize("name", ["Upper", "ghcr.io/us/tool", "../up"])
    def test_names_that_cannot_be_are_refused(self, server: Deployment, dockerd: DockerDaemon, name: str) -> None:
        if "named" not in [it["name"] for it in server.admin.json("ls")]:
            server.admin.run_session("named", "--image", dockerd.need(BUSYBOX), app="")
        done = server.admin.run("commit", "named", name)
        assert (done.returncode, b"is no name for an image of your own" in done.stderr) == (2, True)

    def test_nothing_of_everybodys_is_replaced(self, ann: Owner, dockerd: DockerDaemon) -> None:
        ann.run_session("taker", "--image", dockerd.need(BUSYBOX), app="")
        done = ann.run("commit", "taker", BUSYBOX)
        assert (done.returncode, b"which is not yours" in done.stderr) == (1, True)
        ann.remove("taker")

    def test_the_sandbox_has_none(self, server: Deployment) -> None:
        server.admin.ok("run", "sandboxed", "--engine", "sandbox", "--network", "none")
        done = server.admin.run("commit", "sandboxed", "mine")
        server.remove("sandboxed")
        assert (done.returncode, b"the sandbox engine, which has no images" in done.stderr) == (2, True)

    def test_they_go_with_their_owner(self, server: Deployment, dockerd: DockerDaemon) -> None:
        cat = server.member("cat")
        cat.run_session("last", "--image", dockerd.need(BUSYBOX), app="")
        made = cat.json("commit", "last", "last:1")
        server.cli("user", "rm", "cat")
        assert dockerd.docker("image", "inspect", made["id"]).returncode == 1


class TestBounds:
    def test_commits_are_bounded_by_number_and_by_what_they_have_written(
        self, server: Deployment, dockerd: DockerDaemon
    ) -> None:
        """A removed image gives its share back; with the user all go, also one without a name."""
        dan = server.member("dan")
        server.admin.ok("user", "allow", "dan", "images=2", "image-bytes=12m")
        dan.run_session("bounded", "--image", dockerd.need(BUSYBOX))
        say(dan, "bounded", "head -c 5m /dev/zero >/tmp/five")
        dan.ok("commit", "bounded", "one")
        dan.run_session("later", "--image", "one")
        say(dan, "later", "head -c 5m /dev/zero >/tmp/more")
        done = dan.run("commit", "later", "two")
        said = done.stderr.decode()
        assert done.returncode == 4, said
        assert "MiB to keep, and your allowance of image-bytes is 12 MiB; you have one:latest (" in said
        server.admin.ok("user", "allow", "dan", "image-bytes=default")
        dan.ok("commit", "later", "two")
        done = dan.run("commit", "later", "three")
        assert (done.returncode, b"allowance of images is 2; you have one:latest" in done.stderr) == (4, True)
        shares = {it["name"]: it for it in dan.json("show", "--allowance")["shares"]}
        assert (shares["images"]["used"], shares["images"]["by"]) == (2, ["one:latest", "two:latest"])
        assert 15 << 20 <= shares["image-bytes"]["used"] < 16 << 20
        dan.ok("image", "rm", "two")
        dan.ok("commit", "bounded", "one")  # the session "later" still needs the one before
        done = dan.run("commit", "bounded", "four")
        assert (done.returncode, b"one:latest" in done.stderr, b"an older " in done.stderr) == (4, True, True)
        dan.remove("later")
        dan.ok("commit", "bounded", "four")
        (owner,) = {image["Labels"]["sshore.owner"] for image in labelled(dockerd, "one", "four")}
        server.cli("user", "rm", "--with-data", "dan")
        assert dockerd.ok("image", "ls", "-q", "--filter", f"label=sshore.owner={owner}") == ""


def labelled(dockerd: DockerDaemon, *names: str) -> list[dict[str, Any]]:
    """The configurations of committed images of these names."""
    words = ("--format", "{{.Repository}}:{{.Tag}}", "sshore.local/*/*/*")
    ids = dockerd.ok("image", "ls", *words).split()
    wanted = [one for one in ids if one.rpartition("/")[2] in {f"{name}:latest" for name in names}]
    return [dict(it["Config"]) for one in wanted for it in json.loads(dockerd.ok("image", "inspect", one))]
