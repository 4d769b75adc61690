#!/usr/bin/env bash
# sshd's SetEnv, and SSH_CONNECTION where sshd speaks on a Unix socket (`sshd -i`, as a super-server or an agent starts it).
#
# Guess: SetEnv "override[s] the default environment" (sshd_config(5)), SSH_CONNECTION included; and several SetEnv lines
#        add up, as several AcceptEnv lines do.
# Seen:  OpenSSH 9.2p1 of Debian 12 (and 10.0p1, 10.6p1):
#        - SSH_CONNECTION and SSH_CLIENT are set after SetEnv, which cannot have them, and says nothing;
#        - on a Unix socket without a name SSH_CONNECTION is `UNKNOWN 65535  65535`: a shell makes three words of it, and
#          `set -- $SSH_CONNECTION; port=$4` finds no port;
#        - of several SetEnv lines the first counts, and the others are dropped without a word.
# So one who starts sshd on a Unix socket has no configuration by which SSH_CONNECTION tells the truth.
#
# Needs Debian 12's apt, python3, OpenSSH's client, and root. Fails when this is no longer so.
set -euo pipefail
[ "${1:-}" = alone ] || exec unshare --mount bash "$0" alone  # for a /run/sshd that the host does not see
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

for package in openssh-server=1:9.2p1-2+deb12u10 libwrap0=7.6.q-32; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in *.deb; do dpkg-deb -x "$file" .; done
mount -t tmpfs tmpfs /run && mkdir -m 0755 /run/sshd
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f key
cat > sshd_config <<CONFIG
HostKey $place/host
AuthorizedKeysFile $place/key.pub
StrictModes no
UsePAM no
PermitRootLogin yes
SetEnv FIRST=1 "SSH_CONNECTION=192.0.2.7 50000 192.0.2.1 22"
SetEnv SECOND=2
CONFIG
cat > proxy.py <<'PYTHON'
import os, socket, subprocess, sys, threading

near, far = socket.socketpair()
subprocess.Popen(sys.argv[1:], stdin=far, stdout=far)
far.close()

def upwards():
    while data := os.read(0, 65536):
        near.sendall(data)
    near.shutdown(socket.SHUT_WR)

threading.Thread(target=upwards, daemon=True).start()
while data := near.recv(65536):
    os.write(1, data)
PYTHON

export LD_LIBRARY_PATH="$(dirname "$(find . -name 'libwrap.so.0')" | sed "s|^\.|$place|")"
said=$(ssh -F none -i key -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
  -o LogLevel=ERROR -o "ProxyCommand=python3 proxy.py $place/usr/sbin/sshd -i -f $place/sshd_config" "$(id -un)@x" \
  'sh -c '\''echo "FIRST=$FIRST SECOND=$SECOND <$SSH_CONNECTION>"; set -- $SSH_CONNECTION; echo $# words'\')
printf '%s\n' "$said"
[ "$said" = "FIRST=1 SECOND= <UNKNOWN 65535  65535>
3 words" ]
