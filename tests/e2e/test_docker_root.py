"""`sshore run --root`: packages can be installed in the session, and nothing of the host's becomes root's."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from deployment import Deployment, SessionsIn, deployment
from ssh_client import SshClient, through_forward, through_proxy_command

from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX, DEBIAN

ROOT = ("--engine", "docker", "--root", "--network", "none")


@pytest.fixture(scope="module")
def server(shared: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    allowed = SessionsIn(
        docker_host=dockerd.host, settings=("SSHORE_DOCKER_ROOT=admins", "SSHORE_DOCKER_HOST_NETWORK=1")
    )
    with deployment(kit_of=shared.state, sessions_in=allowed) as made:
        made.cli("folder", "create", "data")
        yield made


@pytest.fixture(scope="module")
def box(server: Deployment, dockerd: DockerDaemon) -> SshClient:
    server.run_session("box", *ROOT, "--image", dockerd.need(DEBIAN), "--mount", "data")
    return through_forward(server.admin, server.connect("box"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with files of root's and others', an account, and a setuid program, as many have."""
    tree = tmp_path_factory.mktemp("package") / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: sshore-hello\nVersion: 1\nArchitecture: all\nMaintainer: nobody <no@invalid>\nDescription: hello\n"
    )
    (tree / "usr/bin/sshore-hello").write_text("#!/bin/sh\necho hello from a package\n")
    (tree / "usr/bin/sshore-hello").chmod(0o4755)
    (tree / "DEBIAN/postinst").write_text(
        "#!/bin/sh\nset -e\nuseradd --system --create-home --home-dir /var/lib/hello hello\n"
        "install -d -o hello -g hello -m 0750 /var/lib/hello/data\nchown www-data: /usr/bin/sshore-hello\n"
    )
    (tree / "DEBIAN/postinst").chmod(0o755)
    made = tree.with_name("hello.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, made], check=True, capture_output=True)
    return made


def test_work_is_root_inside(box: SshClient) -> None:
    assert box.ok("id -u; id -un; echo $HOME $USER; pwd") == "0\nroot\n/home/work work\n/home/work\n"
    assert box.ok("stat -c %U:%G . /etc/passwd id_container") == "root:root\n" * 3
    assert box.ok("tty; stat -c %U $(tty)", flags=("-tt",)).split()[-1] == "root"


def test_a_locale_that_is_made_is_welcome_from_then_on(server: Deployment, box: SshClient) -> None:
    desktop = {**box.environment, "LC_TIME": "en_US.UTF-8"}
    client = through_proxy_command(server.admin, "box", server.key("box")).having(SendEnv="LC_TIME")
    client = replace(client, environment=desktop)
    assert client.ok("echo $LC_TIME") == "\n"
    box.ok("cp -r /usr/lib/locale/C.utf8 /usr/lib/locale/en_US.utf8")
    done = client.run("echo $LC_TIME; locale >/dev/null")
    assert (done.stdout, done.stderr) == (b"en_US.UTF-8\n", b"")


def test_a_package_is_installed_with_its_accounts(box: SshClient, package: Path) -> None:
    box.scp(str(package), ":hello.deb")
    box.ok("DEBIAN_FRONTEND=noninteractive apt-get install -y ./hello.deb")
    assert box.ok("sshore-hello; stat -c '%U %a' /usr/bin/sshore-hello /var/lib/hello/data").splitlines() == [
        "hello from a package",
        "www-data 755",
        "hello 750",
    ]
    assert box.ok("su hello -s /bin/sh -c 'id -un'; setpriv --reuid hello --clear-groups id -un").split()[0] == (
        "hello"
    )
    box.ok("apt-get purge -y sshore-hello; userdel -r hello")


def test_what_root_makes_is_the_owners_outside(server: Deployment, box: SshClient) -> None:
    box.ok("cp /bin/true data/setuid && chmod 4755 data/setuid; mkdir data/www; chown www-data data/www; touch file")
    owner = server.folder("data").stat().st_uid
    session = server.admin.json("show", "box")
    assert owner > 1_000_000
    assert (server.folder("data") / "setuid").stat().st_uid == owner
    assert (server.home(session["id"]) / "file").stat().st_uid == owner
    assert (server.folder("data") / "www").stat().st_uid not in (0, 33)
    box.ok("tar -C / -cf - etc/passwd usr/bin/passwd | tar -C data -xf -")
    assert {path.lstat().st_uid for path in server.folder("data").rglob("*")}.isdisjoint({0})


def test_what_is_root_s_outside_stays_so(server: Deployment, box: SshClient) -> None:
    secret = server.folder("data") / "of-the-host"
    secret.write_text("secret")
    secret.chmod(0o600)
    for attempt in (
        "cat data/of-the-host",
        "chmod 666 data/of-the-host",
        "chown 0 data/of-the-host",
        "echo >>data/of-the-host",
    ):
        assert box.run(attempt).returncode != 0
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("secret", 0o600)


@pytest.mark.parametrize(
    "attempt",
    [
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /opt/sshore",
        "umount /run/sshore",
        "echo evil >/run/sshore/agent.json",
        "echo evil >/opt/sshore/bin/evil",
        "mknod /dev/disk b 254 0",
        "mknod /home/work/disk b 254 0",
        "unshare -m true",
        "unshare -r true",
        "hostname other",
        "echo 1 >/proc/sys/kernel/panic",
        "echo c >/proc/sysrq-trigger",
        "cat /proc/kcore",
        "dmesg",
        "date -s 2030-01-01",
        "nice -n -5 true 2>&1 | grep -q cannot && exit 1",
        "ls /var/run/docker.sock /run/docker.sock /run/containerd",
        "echo 1 >/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "mkdir /sys/fs/cgroup/memory/mine",
        "test -e /dev/mem -o -e /dev/kmsg -o -e /dev/vda -o -e /dev/fuse",
        "ip link set lo down || ifconfig lo down",
        "chroot /proc/1/root/../../.. ls /work",
    ],
)
def test_root_inside_gets_no_further(box: SshClient, attempt: str) -> None:
    assert box.run(attempt).returncode != 0
    assert box.ok("echo it goes on") == "it goes on\n"


def test_no_mount_stays_on_the_host(server: Deployment, box: SshClient) -> None:
    box.ok("true")
    mounts = Path("/proc/mounts").read_text()
    assert str(server.state / "docker" / "mounts") not in mounts
    assert list((server.state / "docker" / "mounts").iterdir()) == []


def test_a_folder_that_is_mounted_later_is_mapped_like_the_others(server: Deployment, box: SshClient) -> None:
    server.cli("folder", "create", "later")
    server.cli("mount", "box", "later")
    box.ok("cp /bin/true later/setuid && chmod 4755 later/setuid")
    folder = server.folder("later")
    assert (folder / "setuid").stat().st_uid == folder.stat().st_uid != 0
    server.cli("unmount", "box", "later")


def test_an_image_of_nothing_but_busybox_will_do(server: Deployment) -> None:
    server.run_session("small", *ROOT, "--image", BUSYBOX)
    small = through_forward(server.admin, server.connect("small"))
    assert small.ok("id -u; chown 7:7 /tmp && stat -c %u /tmp; whoami") == "0\n7\nroot\n"
    small.sftp("put /etc/hostname here")
    server.cli("stop", "small")
    server.cli("start", "small")
    assert small.ok("ls here; stat -c %u here") == "here\n0\n"
    server.remove("small")


def test_it_is_for_those_who_may(server: Deployment) -> None:
    member = server.member("bob")
    refused = member.run("run", "mine", *ROOT, "--image", BUSYBOX)
    assert refused.returncode == 4
    assert b"root in sessions is for administrators alone here" in refused.stderr
    with_host = server.admin.run("run", "mine", "--engine", "docker", "--root", "--network", "host", "--image", BUSYBOX)
    assert b"cannot have the host's network" in with_host.stderr
    in_sandbox = server.admin.run("run", "mine", "--root", "--engine", "sandbox", "--network", "none")
    assert b"the sandbox engine has no sessions with root" in in_sandbox.stderr
