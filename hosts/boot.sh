#!/usr/bin/env bash
# The first process of a fresh machine, in namespaces of its own: mounts what a kernel and an init bring, makes ROOT
# the root, and runs COMMAND. A chroot would not do: the kernel allows no user namespaces in one.
#   boot.sh ROOT COMMAND…
# Says "here" on descriptor 3, and goes on when a line comes on its input: the network is there then.
set -euo pipefail
root=$1
shift
echo here >&3
exec 3>&-
read -r _
exec </dev/null
hostname fresh
ip link set lo up
mount --make-rslave /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
# Of this network; what is below it that is none of a network's is the real machine's.
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -m 1777 "$root/run/lock"
# As systemd's rule has it; /dev itself is the real machine's.
mknod -m 0666 "$root/run/tun" c 10 200
mount --bind "$root/run/tun" "$root/dev/net/tun"
cd "$root"
pivot_root . .   # the old root lies over the new one then
umount -l .
cd /
# No exec: this shell stays and reaps what is orphaned.
"$@"
