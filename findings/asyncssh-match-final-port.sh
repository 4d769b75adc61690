#!/usr/bin/env bash
# `Match final host PATTERN` in a file that an ssh_config includes: AsyncSSH 2.19 to 2.22 then loses the Port of hosts
# that the pattern does not match, without a word, and connects to port 22 of the same address. 2.18 refuses the file;
# 2.23.0 reads it as OpenSSH (seen with 9.2p1) does.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
printf 'Match final host *.example\n    User included\n' > "$place/included"
printf 'Include "%s/included"\nHost other\n    HostName localhost\n    Port 10999\n' "$place" > "$place/config"

port_by_asyncssh() {
    python3 -m venv "$place/$1"
    "$place/$1/bin/pip" install -q --disable-pip-version-check "asyncssh==$1" 2>/dev/null
    "$place/$1/bin/python" -W ignore - "$place/config" <<'PY'
import asyncio, asyncssh, sys
async def main():
    try:
        await asyncssh.connect("other", config=[sys.argv[1]])
    except asyncssh.ConfigParseError as error:
        print("refused:", str(error).partition(": ")[2])
    except OSError as error:
        print(str(error).partition("Connect call failed")[2] or error)
asyncio.run(main())
PY
}

openssh=$(ssh -G -F "$place/config" other | sed -n 's/^port //p')
echo "OpenSSH: port $openssh"
for version in 2.18.0 2.22.0 2.23.0; do
    printf -v "came_${version//./_}" %s "$(port_by_asyncssh $version)"
    name=came_${version//./_}
    echo "AsyncSSH $version: ${!name}"
done
[ "$openssh" = 10999 ]
[[ $came_2_18_0 = *"Invalid match condition"* ]] && [[ $came_2_22_0 = *", 22)"* ]] && [[ $came_2_23_0 = *10999* ]]
