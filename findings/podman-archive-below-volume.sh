#!/usr/bin/env bash
# Where does a file go that is put into a container before it has run (Docker's API, `PUT /containers/ID/archive`), when
# the image has a volume at that place?
#
# Guess: into the volume, whether the archive is put at `/` or at the volume itself, as with Docker, whose API it is.
# Seen:  Podman 5.4.2 (Debian 13) copies the image's files into the volume at that moment, and what is put at `/` goes
#        into the container's own files below the volume, where no process sees it. Put at the volume's path it is seen.
#        Before anything is put, the volume reads as empty: 404 for a file that the image has.
#
# Needs root, curl, dpkg-deb, unshare, and Debian's mirror. Fails when this is no longer so.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
mkdir root

# fetch PATH…: unpack packages of Debian's pool
fetch() {
  local path
  for path in "$@"; do
    curl -fsS -o package.deb "http://deb.debian.org/debian/pool/main/$path"
    dpkg-deb --fsys-tarfile package.deb | tar -x -C root --keep-directory-symlink
  done
}

mkdir -p root/usr/{bin,sbin,lib,lib64}
for name in bin sbin lib lib64; do ln -s "usr/$name" "root/$name"; done
fetch g/glibc/libc6_2.41-12+deb13u5_amd64.deb p/podman/podman_5.4.2+ds1-2+b2_amd64.deb \
  n/netavark/netavark_1.14.0-2_amd64.deb c/conmon/conmon_2.1.12-4_amd64.deb r/runc/runc_1.1.15+ds1-2+b4_amd64.deb b/busybox/busybox-static_1.37.0-6+b9_amd64.deb \
  g/golang-github-containers-common/golang-github-containers-common_0.62.2+ds1-2_all.deb \
  a/acl/libacl1_2.3.2-2+b1_amd64.deb a/attr/libattr1_2.5.2-3_amd64.deb a/audit/libaudit1_4.0.2-2+deb13u1_amd64.deb \
  b/bzip2/libbz2-1.0_1.0.8-6_amd64.deb g/gcc-14/libatomic1_14.2.0-19_amd64.deb \
  g/glib2.0/libglib2.0-0t64_2.84.4-3~deb13u5_amd64.deb g/gpgme1.0/libgpgme11t64_1.24.2-3_amd64.deb \
  liba/libassuan/libassuan9_3.0.2-2_amd64.deb libb/libbsd/libbsd0_0.12.2-2_amd64.deb \
  libc/libcap-ng/libcap-ng0_0.8.5-4+b1_amd64.deb libc/libcap2/libcap2_2.75-10+deb13u1+b3_amd64.deb \
  libg/libgpg-error/libgpg-error0_1.51-4_amd64.deb libm/libmd/libmd0_1.1.0-2+b1_amd64.deb \
  libs/libseccomp/libseccomp2_2.6.0-2_amd64.deb libs/libselinux/libselinux1_3.8.1-1_amd64.deb \
  libs/libsemanage/libsemanage2_3.8.1-1_amd64.deb libs/libsepol/libsepol2_3.8.1-1_amd64.deb \
  libx/libxcrypt/libcrypt1_4.4.38-1_amd64.deb p/pam/libpam0g_1.7.0-5_amd64.deb \
  p/pcre2/libpcre2-8-0_10.46-1~deb13u3_amd64.deb s/shadow/libsubid5_4.17.4-2_amd64.deb \
  s/sqlite3/libsqlite3-0_3.46.1-7+deb13u2_amd64.deb s/systemd/libsystemd0_257.13-1~deb13u1_amd64.deb
mkdir -p root/{proc,sys,dev,tmp,run,etc/containers,var/{tmp,lib/containers},image/{bin,etc}}
ln -s /usr/bin/busybox root/usr/bin/sh
echo 'root:x:0:0:root:/root:/bin/sh' > root/etc/passwd
cp root/usr/bin/busybox root/image/bin/
ln -s busybox root/image/bin/sh
echo "the image's" | tee root/image/etc/{passwd,group} > /dev/null
tar -C root/image -cf root/image.tar .
echo "put there" > passwd
tar -cf root/in-volume.tar passwd
tar --transform 's,^,etc/,' -cf root/at-root.tar passwd
cat > root/etc/containers/containers.conf <<'CONF'
[containers]
default_ulimits = []
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
cat > root/etc/containers/storage.conf <<'CONF'
[storage]
driver = "vfs"
runroot = "/run/containers"
graphroot = "/var/lib/containers"
CONF

# The kernel lets runc pivot_root only where the root is a mount.
unshare --mount --pid --fork --kill-child bash -c '
  set -e
  mount --make-rprivate /
  mount --bind root root
  mount -t proc proc root/proc
  mount --rbind /sys root/sys
  mount --rbind /dev root/dev
  mount -t tmpfs tmpfs root/run
  mount -t tmpfs tmpfs root/var/lib/containers
  cd root
  pivot_root . .
  /usr/bin/busybox umount -l .
  cd /
  export PATH=/usr/sbin:/usr/bin
  podman import -c "VOLUME /etc" /image.tar localhost/tried
  podman system service --time 0 unix:///service' > service.log 2>&1 &
machine=$!
# unshare takes no SIGTERM.
trap 'kill -KILL $machine; wait $machine 2> /dev/null; rm -rf "$place"' EXIT
for _ in $(seq 100); do [ -S root/service ] && break; sleep 0.1; done
[ -S root/service ] || { cat service.log; exit 1; }

ask() { curl -sS --unix-socket root/service "$@"; }
new() {
  ask -o created -H 'Content-Type: application/json' "http://d/v1.41/containers/create?name=$1" -d '{"Image": "localhost/tried",
    "Tty": true, "Entrypoint": ["/bin/busybox", "cat", "/etc/passwd", "/etc/group"], "HostConfig": {"NetworkMode": "none"}}'
}
put() { ask -T "$3" "http://d/v1.41/containers/$1/archive?path=$2"; }
status() { ask -o read -w '%{http_code}' "http://d/v1.41/containers/$1/archive?path=/etc/passwd"; }
seen() { # what a process in it reads
  ask -X POST "http://d/v1.41/containers/$1/start"
  ask -o ended -X POST "http://d/v1.41/containers/$1/wait"
  ask "http://d/v1.41/containers/$1/logs?stdout=true" | tr -d '\r' | paste -sd,
}
{
  new one
  echo "read before anything is put: $(status one)"
  put one / root/at-root.tar
  echo "read then: $(status one)"
  echo "put at /: $(seen one)"
  new two
  put two /etc root/in-volume.tar
  echo "put at /etc: $(seen two)"
} | tee seen
diff - seen <<'SEEN'
read before anything is put: 404
read then: 200
put at /: the image's,the image's
put at /etc: put there,the image's
SEEN
