"""What a session tries in order to get out: shell lines, and system calls of a small program.

Each of `LINES` and `CALLS` must fail in every engine.
"""

import subprocess
from pathlib import Path

LINES = (
    "mount -t tmpfs none /tmp",
    "mount --bind /run/sshore/link /tmp",
    "mount -o remount,rw /opt/sshore",
    "mount -o remount,bind,rw /run/sshore",
    "umount /run/sshore",
    "umount -l /opt/sshore",
    "mknod /tmp/disk b 254 0",
    "mknod /tmp/mem c 1 1",
    "chroot / true",
    "hostname other",
    "echo 1 >/proc/sys/kernel/panic",
    "echo /tmp/x >/proc/sys/kernel/core_pattern",
    "echo 1 >/proc/sys/vm/drop_caches",
    "echo c >/proc/sysrq-trigger",
    "echo 1 >/sys/kernel/mm/ksm/run",
    "cat /proc/kcore",
    "cat /dev/mem /dev/kmsg /dev/vda /dev/sda /dev/fuse",
    "ls /dev | grep -E '^(vd|sd|nvme|loop|dm|mem|kmsg|fuse|kvm)'",
    "ls /var/run/docker.sock /run/docker.sock /run/podman/podman.sock /run/containerd /run/systemd/private",
    "echo evil >/run/sshore/agent.json",
    "mv /run/sshore /run/elsewhere",
    "echo evil >/opt/sshore/bin/evil",
    "echo evil >>/etc/passwd",
    "mkdir /sys/fs/cgroup/memory/evil /sys/fs/cgroup/evil",
    "kill -9 1; exit 1",
    "dmesg",
)

CALLS = (
    *("mount", "pivot_root", "mknod", "reboot", "swapon", "init_module", "kexec_load", "settimeofday", "iopl"),
    *("bpf", "perf_event_open", "open_by_handle_at", "setns", "quotactl", "acct", "setuid"),
    *("unshare_user", "add_key", "userfaultfd", "fsopen"),
)

_PROGRAM = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#define IS(name) (!strcmp(call, name))
static int abstract(const char *name, int listening) {
    struct sockaddr_un address = {AF_UNIX};
    strcpy(address.sun_path + 1, name);
    socklen_t size = sizeof(sa_family_t) + 1 + strlen(name);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (!listening) return connect(s, (void *)&address, size);
    if (bind(s, (void *)&address, size) || listen(s, 1)) return -1;
    return (int)sleep(60);
}
int main(int argc, char **argv) {
    const char *call = argv[1], *word = argc > 2 ? argv[2] : "";
    char zeros[512] = {0};
    struct timeval time = {1, 0};
    long r = -1;
    if (IS("mount")) r = mount("none", "/tmp", "tmpfs", 0, "");
    else if (IS("pivot_root")) r = syscall(SYS_pivot_root, "/tmp", "/tmp");
    else if (IS("mknod")) r = mknod("/tmp/node", S_IFCHR | 0666, 0x101);
    else if (IS("reboot")) r = syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0);
    else if (IS("swapon")) r = syscall(SYS_swapon, "/tmp/swap", 0);
    else if (IS("init_module")) r = syscall(SYS_init_module, zeros, sizeof zeros, "");
    else if (IS("kexec_load")) r = syscall(SYS_kexec_load, 0, 0, 0, 0);
    else if (IS("settimeofday")) r = settimeofday(&time, 0);
    else if (IS("iopl")) r = syscall(SYS_iopl, 3);
    else if (IS("bpf")) r = syscall(SYS_bpf, 5, zeros, sizeof zeros);
    else if (IS("perf_event_open")) { zeros[4] = 112; r = syscall(SYS_perf_event_open, zeros, -1, 0, -1, 0); }
    else if (IS("open_by_handle_at")) { zeros[0] = 8; zeros[4] = 1; zeros[8] = 2;
        r = syscall(SYS_open_by_handle_at, open("/", O_RDONLY), zeros, O_RDONLY); }
    else if (IS("setns")) r = setns(open("/proc/1/ns/net", O_RDONLY), 0);
    else if (IS("quotactl")) r = syscall(SYS_quotactl, 0x80000100, "/", 0, zeros);
    else if (IS("acct")) r = syscall(SYS_acct, "/tmp/acct");
    else if (IS("setuid")) r = setuid(0);
    else if (IS("unshare_user")) r = unshare(CLONE_NEWUSER);
    else if (IS("userfaultfd")) r = syscall(SYS_userfaultfd, 0);
    else if (IS("fsopen")) r = syscall(430, "tmpfs", 0);
    else if (IS("add_key")) r = syscall(SYS_add_key, "user", word, "secret", 6, -4);
    else if (IS("find_key")) r = syscall(SYS_keyctl, 10, -4, "user", word, 0);
    else if (IS("trace")) r = ptrace(PTRACE_ATTACH, atoi(word), 0, 0);
    else if (IS("abstract_listen")) r = abstract(word, 1);
    else if (IS("abstract_connect")) r = abstract(word, 0);
    else { puts("no such attempt"); return 0; }
    printf("%s: %s\n", call, r < 0 ? strerror(errno) : "done");
    return r < 0 ? 1 : 0;
}
"""


def build_caller(directory: Path) -> Path:
    """The program; static, so that it runs in any session: `caller CALL [WORD]`, which fails where the call does."""
    source, program = directory / "caller.c", directory / "caller"
    source.write_text(_PROGRAM)
    subprocess.run(["musl-gcc", "-static", "-o", program, source], check=True)
    return program
