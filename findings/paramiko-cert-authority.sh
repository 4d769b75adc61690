#!/usr/bin/env bash
# Paramiko and a known_hosts file that OpenSSH finds in order: one line with a host CA, one with a host key.
#
# Guess: a library that knows no host certificates skips the line with "@cert-authority", as its manual lists no such thing.
# Seen:  Paramiko 2.12.0 skips it. Paramiko 3.5.1 and 5.1.0 read the marker as the host's name and "ssh-ed25519" as a key
#        in base64, and load nothing of the file:
#            InvalidHostKey: ('@cert-authority *.example ssh-ed25519 AAAA…', Error('Incorrect padding'))
# So a known_hosts file that Paramiko is to read holds no line with a marker, not even for other hosts.
#
# Needs python3 with venv, ssh-keygen, and PyPI. Fails when this is no longer so.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

ssh-keygen -q -t ed25519 -N '' -C ca -f ca
ssh-keygen -q -t ed25519 -N '' -C host -f host
printf '@cert-authority *.example %s\nlocalhost %s\n' "$(cut -d' ' -f1-2 ca.pub)" "$(cut -d' ' -f1-2 host.pub)" > known_hosts
echo "OpenSSH reads the file: $(ssh-keygen -l -f known_hosts -F localhost | tail -1)"

cat > load.py <<'PYTHON'
import sys, warnings
warnings.simplefilter("ignore")
import paramiko
keys = paramiko.HostKeys()
try:
    keys.load(sys.argv[1])
    print(paramiko.__version__, "reads", sorted(keys))
except Exception as error:
    print(paramiko.__version__, "raises", type(error).__name__, str(error.args[1]))
PYTHON

python3 -m venv v
: > seen
for version in 2.12.0 3.5.1 5.1.0; do
  v/bin/pip install -q --disable-pip-version-check "paramiko==$version" "cryptography<47" 2> pip.log || { cat pip.log; exit 1; }
  v/bin/python load.py known_hosts | tee -a seen
done
diff - seen <<'SEEN'
2.12.0 reads ['localhost']
3.5.1 raises InvalidHostKey Incorrect padding
5.1.0 raises InvalidHostKey Incorrect padding
SEEN
