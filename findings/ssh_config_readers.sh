#!/usr/bin/env bash
# One ssh_config, two readers. OpenSSH (seen with 9.2p1) and AsyncSSH 2.24.0 differ in two ways that decide whether a
# file can be for both:
#   1. Include "…/fil\e": OpenSSH expands the name by glob(3), where a backslash quotes the next character, and reads
#      "file". AsyncSSH expands it by pathlib, which knows no backslash, finds nothing, and goes on without a word. So
#      a file can be included by OpenSSH alone.
#   2. CertificateFile that does not exist: OpenSSH says so at debug level and goes on, and reads it only when the
#      ProxyCommand has handed over its socket (ProxyUseFdpass). AsyncSSH reads it first, and connects to nowhere.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q --disable-pip-version-check asyncssh==2.24.0 2>/dev/null

ssh-keygen -q -t ed25519 -N '' -f "$place/key"
printf 'User included\n' > "$place/file"
printf 'Match originalhost *.example\n    Include "%s/fil\\e"\nHost *.example\n    User plain\n' "$place" > "$place/config"

openssh=$(ssh -G -F "$place/config" a.example | sed -n 's/^user //p')
asyncssh=$("$place/venv/bin/python" - "$place/config" <<'PY'
import sys
from asyncssh import SSHClientConnectionOptions
print(SSHClientConnectionOptions(config=[sys.argv[1]], host="a.example").username)
PY
)
echo "Include with a backslash: OpenSSH takes '$openssh', AsyncSSH '$asyncssh'"
[ "$openssh" = included ] && [ "$asyncssh" = plain ]

printf 'IdentityFile %s/key\nCertificateFile %s/absent-cert.pub\n' "$place" "$place" > "$place/config"
printf 'ProxyCommand echo connected >&2\n' >> "$place/config"
openssh=$(ssh -F "$place/config" a.example true 2>&1 | grep -c '^connected') || true
asyncssh=$("$place/venv/bin/python" - "$place/config" <<'PY' || true
import asyncio, asyncssh, sys
async def main():
    try:
        await asyncssh.connect("a.example", config=[sys.argv[1]])
    except Exception as error:
        print(type(error).__name__)
asyncio.run(main())
PY
)
echo "CertificateFile that is absent: OpenSSH connects ($openssh), AsyncSSH raises $asyncssh"
[ "$openssh" = 1 ] && [ "$asyncssh" = FileNotFoundError ]
