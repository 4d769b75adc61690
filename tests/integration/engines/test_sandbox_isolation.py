"""What a session cannot see, read, change or become."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import psutil
import pytest
from as_ordinary_user import run_as_user
from worlds import (
    ORDINARY_USER_UID,
    OTHER_OWNER_UID,
    OWNER_UID,
    UNFILTERED,
    SandboxWorld,
    processes_of,
    sandbox_world,
    start,
    with_engine,
)

from e2e.programs import need
from sshore.core.sessions import BindMount, SessionSpec


def test_the_account_is_work_in_its_home(world: SandboxWorld) -> None:
    spec = world.spec(name="demo")
    start(world, spec)
    output = world.inside(spec).output(
        'id -un; id -u; id -g; pwd; hostname; echo "$HOME $USER $LOGNAME $SHELL"; '
        'getent passwd work; echo "${TERM-none}"'
    )
    assert output.split("\n")[:6] == ["work", "1000", "1000", "/home/work", "demo", "/home/work work work /bin/bash"]
    assert "work:x:1000:1000:work:/home/work:/bin/bash" in output
    assert output.rstrip().endswith("none")


def test_the_servers_environment_stays_outside(world: SandboxWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSHORE_TEST_SECRET", "hunter2")
    spec = world.spec()
    start(world, spec)
    names = {line.partition("=")[0] for line in world.inside(spec).output("env").splitlines()}
    assert names <= {
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "PATH",
        "LANG",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "SSHORE_SESSION",
        "SSHORE_SESSION_ID",
    }


def test_the_hosts_places_are_not_there(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    inside = world.inside(spec)
    for place in ("/root", "/srv", "/mnt", "/work", "/boot", "/media", "/lost+found", str(world.state), "/home/lost"):
        assert inside.run(f"ls -d {place}")[0] != 0, place
    assert inside.output("ls /home /opt /run /var").split() == [
        *("/home:", "work", "/opt:", "sshore", "/run:", "lock", "sshore", "/var:", "lock", "run", "tmp")
    ]
    assert inside.output("ls -A /tmp /var/tmp").split() == ["/tmp:", "/var/tmp:"]


def test_no_secret_of_the_hosts_etc_is_there(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    inside = world.inside(spec)
    for name in ("shadow", "gshadow", "sudoers", "ssh", "ssl/private", "machine-id", "fstab", "crontab", "pip.conf"):
        assert inside.run(f"ls /etc/{name}")[0] != 0, name
    accounts = inside.output("cut -d: -f1 /etc/passwd").split()
    assert accounts == ["root", "work", "nobody"]


def test_another_sessions_home_and_files_are_out_of_reach(world: SandboxWorld) -> None:
    mine, other = world.spec(), world.spec()
    (other.home / "secret").write_text("of the other session")
    start(world, mine, other)
    inside = world.inside(mine)
    assert inside.run(f"cat {other.home}/secret")[0] != 0
    status, found = inside.run(f"find / -path /proc -prune -o -name '*{other.id}*' -print 2>/dev/null")
    assert (status, found.strip()) in ((0, ""), (1, ""))
    # Nor by a process's view of its root, of open files or of the working directory.
    assert "of the other session" not in inside.run("cat /proc/*/root/home/work/secret /proc/*/cwd/secret")[1]


def test_the_secrets_of_a_session_are_on_the_host_closed_to_other_owners(root_world: SandboxWorld) -> None:
    mine = root_world.spec(uid=OWNER_UID)
    other = root_world.spec(uid=OTHER_OWNER_UID)
    start(root_world, mine, other)
    # Even with the paths mounted by mistake, the uid would keep another owner out.
    assert mine.home.stat().st_uid == OWNER_UID
    assert mine.home.stat().st_mode & 0o077 == 0
    assert other.home.stat().st_uid == OTHER_OWNER_UID


def test_other_sessions_processes_cannot_be_seen_or_signalled(world: SandboxWorld) -> None:
    mine, other = world.spec(), world.spec()
    start(world, mine, other)
    inside = world.inside(mine)
    assert int(inside.output("ls -d /proc/[0-9]* | wc -l")) < 10
    assert inside.output("tr '\\0' ' ' </proc/1/environ").count("SSHORE_SESSION_ID=") == 1
    victim = world.agent_pid(other.id)
    assert inside.run(f"kill -0 {victim}")[0] != 0
    inside.run("kill -9 -1")
    assert psutil.pid_exists(victim)
    assert asyncio.run(_state(world, mine)) == "running"  # pid 1 cannot be killed from inside, either


async def _state(world: SandboxWorld, spec: SessionSpec) -> str:
    state = await world.engine().inspect(spec.id)
    await world.close_engines()
    return state.run_state


def test_all_processes_have_the_owners_uid_on_the_host(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    world.inside(spec).output("sleep 60 >/dev/null 2>&1 & (setsid sleep 60 >/dev/null 2>&1 &)")
    processes = processes_of(spec.id)
    assert len(processes) >= 4
    uid = spec.host_uid if spec.host_uid is not None else os.getuid()
    assert {(uids.real, uids.effective, uids.saved) for uids in (process.uids() for process in processes)} == {
        (uid, uid, uid)
    }
    assert {tuple(_groups(process.pid)) for process in processes} <= {(), (uid,), tuple(sorted(os.getgroups()))}


def test_command_lines_tell_other_users_nothing(world: SandboxWorld) -> None:
    """`ps` shows everybody's."""
    spec = world.spec(name="a-name-of-ones-own")
    start(world, spec)
    found = processes_of(spec.id)
    assert any(process.name() == "bwrap" for process in found)
    for process in found:
        line = " ".join(process.cmdline())
        for word in (spec.id, spec.name, str(spec.home), str(spec.run), str(spec.kit)):
            assert word not in line, line


def _groups(pid: int) -> list[int]:
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(group) for group in re.search(r"^Groups:(.*)$", status, re.MULTILINE)[1].split()]


def test_there_is_no_way_to_more_privilege(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    inside = world.inside(spec)
    status = inside.output("cat /proc/self/status")
    assert re.search(r"^NoNewPrivs:\s*1$", status, re.MULTILINE)
    assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\s*(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert inside.run("su -c id root </dev/null")[0] != 0
    assert inside.run("mount -t tmpfs none /mnt; mount -o remount,rw /usr")[0] != 0
    assert inside.run("chroot / true")[0] != 0


def test_the_platforms_files_cannot_be_changed(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    inside = world.inside(spec)
    assert inside.output("cat /run/sshore/agent.json") == f"secret of {spec.id}"
    attempts = (
        "echo evil > /run/sshore/agent.json",
        "rm -f /run/sshore/agent.json",
        "touch /run/sshore/new",
        "touch /run/sshore/link/new",
        "chmod 0777 /run/sshore/agent.json",
        "mv /run/sshore /run/other",
        "touch /opt/sshore/new",
        "touch /usr/new",
        "touch /etc/new",
        "rm /etc/passwd",
        "touch /new",
        "touch /dev/new",
    )
    for attempt in attempts:
        assert inside.run(attempt)[0] != 0, attempt


def test_where_several_people_share_a_server_sessions_make_no_user_namespaces(root_world: SandboxWorld) -> None:
    root_world.options = UNFILTERED
    spec = root_world.spec()
    start(root_world, spec)
    status, said = root_world.inside(spec).run("unshare --user true")
    assert (status != 0, "No space left on device" in said) == (True, True)


def test_debuggers_work_and_what_the_filter_refuses_is_told(world: SandboxWorld) -> None:
    need("strace", "gdb")
    spec = world.spec()
    start(world, spec)
    inside = world.inside(spec)
    assert "execve" in inside.output("strace -f -o trace sh -c '/bin/true; :' && cat trace")
    assert "exited normally" in inside.output("gdb -q -nx -batch -ex run /bin/true 2>&1")
    for command in ("unshare --user true", "nsenter -U -t 1 true"):
        status, said = inside.run(command)
        assert (status != 0, "Operation not permitted" in said or "permission denied" in said) == (True, True), said
    assert (
        inside.output("setarch -R true && python3 -c 'import threading as t; t.Thread(target=print).start()'") == "\n"
    )


def test_who_traces_the_agent_cannot_empty_the_log(world: SandboxWorld) -> None:
    need("gdb")
    spec = world.spec()
    start(world, spec)
    command = "gdb -q -nx -batch -p 1 -ex 'print ((int (*)(int, long)) ftruncate)(1, 0)' 2>&1"
    assert "$1 = -1" in world.inside(spec).output(command)
    assert b"started" in with_engine(world, lambda engine: engine.log(spec.id, 1000))


def test_without_the_filter_it_is_the_kernel_who_refuses(world: SandboxWorld) -> None:
    world.options = UNFILTERED
    spec = world.spec()
    start(world, spec)
    assert world.inside(spec).output("grep Seccomp: /proc/self/status").split() == ["Seccomp:", "0"]


def test_a_user_namespace_inside_does_not_open_what_is_read_only() -> None:
    if os.getuid() == 0:
        run_as_user(ORDINARY_USER_UID, _try_user_namespaces)
    else:
        _try_user_namespaces()


def _try_user_namespaces() -> None:
    with sandbox_world(None) as world:
        world.options = UNFILTERED
        _try_in_user_namespaces(world)


def _try_in_user_namespaces(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    inside = world.inside(spec)
    inside.output("unshare -Urm true")
    for attempt in (
        "mount -o remount,rw /run/sshore && echo evil > /run/sshore/agent.json",
        "mount -o remount,bind,rw /run/sshore && echo evil > /run/sshore/agent.json",
        "umount /run/sshore",
        "umount -l /run/sshore",
        "mount -o remount,bind,rw /usr && touch /usr/new",
        "mv /run/sshore /run/elsewhere",
        "mkdir /tmp/b && mount --bind /run/sshore /tmp/b && mount -o remount,bind,rw /tmp/b && touch /tmp/b/new",
        "mount -t proc proc /tmp && echo 1 > /tmp/sys/kernel/panic",
        "mknod /tmp/disk b 254 0 && head -c1 /tmp/disk",
    ):
        assert inside.run(f"unshare -Urmpf sh -c '{attempt}'")[0] != 0, attempt
    assert (spec.run / "agent.json").read_text() == f"secret of {spec.id}"


def test_dev_is_minimal(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    assert world.inside(spec).output("ls /dev").split() == [
        *("core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout"),
        *("tty", "urandom", "zero"),
    ]
    world.inside(spec).output("echo shared > /dev/shm/x && cat /dev/shm/x && head -c 4 /dev/urandom >/dev/null")


def test_terminals_can_be_opened(world: SandboxWorld) -> None:
    if shutil.which("script") is None:
        pytest.skip("needs script(1)")
    spec = world.spec()
    start(world, spec)
    assert world.inside(spec).output("script -qec tty /dev/null").strip() == "/dev/pts/0"


def test_the_agent_inherits_no_descriptor_of_the_servers(world: SandboxWorld) -> None:
    (world.state / "secret").write_text("the server's")
    with (world.state / "secret").open() as secret:
        os.set_inheritable(secret.fileno(), True)
        spec = world.spec()
        start(world, spec)
    opened = world.inside(spec).output("ls -l /proc/1/fd")
    targets = {line.partition(" -> ")[2] for line in opened.splitlines() if " -> " in line}
    kinds = {re.sub(r"\d+", "N", target) for target in targets if not target.endswith(f"{spec.id}.pipe")}
    # The socket is what ends the network with pid 1, the pipe the stand-in's own; a script has itself open.
    assert kinds <= {"/dev/null", "socket:[N]", "pipe:[N]", "/opt/sshore/python/binN", "/opt/sshore/python/bin/pythonN"}


def test_the_servers_session_keyring_stays_outside(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    assert Path(f"/proc/{world.agent_pid(spec.id)}/status").exists()
    keys = world.inside(spec).output("cat /proc/keys 2>/dev/null || true")
    assert not [line for line in keys.splitlines() if re.search(r"\bkeyring\s+_ses\b.*: [1-9]", line)]


def test_folders_are_mounted_as_asked(world: SandboxWorld) -> None:
    data, docs, deep = (world.state / name for name in ("data", "docs", "deep"))
    for folder in (data, docs, deep):
        folder.mkdir()
        folder.chmod(0o700)
        os.chown(folder, *(2 * [world.owner_uid if world.owner_uid is not None else os.getuid()]))
        (folder / "file").write_text(folder.name)
        (folder / "file").chmod(0o644)
    mounts = (
        BindMount(deep, "/home/work/data/below"),
        BindMount(data, "/home/work/data"),
        BindMount(docs, "/docs", read_only=True),
    )
    spec = world.spec(mounts=mounts)
    start(world, spec)
    inside = world.inside(spec)
    assert inside.output("cat data/file /docs/file data/below/file") == "datadocsdeep"
    inside.output("echo new > data/new; echo new > data/below/new")
    assert (data / "new").read_text() == (deep / "new").read_text() == "new\n"
    assert inside.run("touch /docs/new")[0] != 0


def test_a_new_gateway_socket_is_seen(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    (world.link / "gateway.sock").touch()
    (world.link / "gateway.sock").unlink()
    (world.link / "gateway.sock").write_text("of the restarted server")
    assert world.inside(spec).output("cat /run/sshore/link/gateway.sock") == "of the restarted server"
