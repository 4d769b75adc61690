"""What a user does with Sshore, one after the other: a title, and a script of bash that fails where it does not hold.

They share a home, in which `make up` has made the session `demo`; `card FIELD` prints a field of its connection card.
"""

from dataclasses import dataclass

PRELUDE = """
set -euo pipefail
card() { sshore connect "${2:-demo}" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
options() { printf -- '-F none -i %s -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=%s' \\
            "$(card key_file "$@")" "$(card known_hosts_file "$@")"; }
is() { [ "$1" = "$2" ] || { echo "not '$2' but '$1'"; exit 1; } >&2; }
has() { grep -- "$1" >/dev/null || { echo "no '$1' in it"; exit 1; } >&2; }
"""


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    script: str


STEPS = tuple(
    Step(*step)
    for step in (
        ("version", "sshore version"),
        ("ls", "sshore ls --json | has '\"running\"'"),
        ("ssh, at the local port", "is \"$(ssh $(options) -p $(card port) work@localhost whoami)\" work"),
        ("sftp, at the local port", "echo pwd | sftp -b - $(options) -P $(card port) work@localhost | has /home/work"),
        ("scp, at the local port", "date >f; scp -q $(options) -P $(card port) f work@localhost:g; sshore ssh demo cat g"),
        ("forwards", "sshore forwards | has demo"),
        ("run (network nat)", "sshore run out; is \"$(sshore ssh out hostname)\" out; sshore rm --force out"),
        ("run --network none", "sshore run box --network none --app ssh; sshore show box | has running"),
        ("run --network host", "sshore run near --network host; sshore ssh near true; sshore rm --force near"),
        ("ssh NAME COMMAND, exit status", "sshore ssh box 'exit 7' && exit 1; is $? 7"),
        ("ssh NAME, standard input", "is \"$(seq 100000 | sshore ssh box wc -l)\" 100000"),
        ("ssh -t, a terminal", "script -qec 'sshore ssh -t box tty' /dev/null </dev/null | has /dev/pts/"),
        ("sftp NAME", "echo 'put f s' | sshore sftp box; sshore ssh box cat s | cmp - f"),
        ("cp, up", "head -c 3000000 /dev/urandom >big; sshore ssh box mkdir up; sshore cp big box:up/"),
        ("cp, down", "sshore cp box:up/big back; cmp big back"),
        ("cp -r", "mkdir -p tree/deep; date >tree/deep/f; sshore cp -r tree box:; sshore ssh box cat tree/deep/f"),
        ("rsync -e 'sshore ssh'", "rsync -a -e 'sshore ssh' tree/ box:synced/; sshore ssh box cat synced/deep/f | cmp - tree/deep/f"),
        ("key, key --format ppk", "sshore key box -o k; sshore key box --format ppk -o p; has PuTTY-User-Key-File <p"),
        ("config-ssh, ssh NAME.sshore", "sshore config-ssh; is \"$(ssh box.sshore hostname)\" box"),
        ("sftp, scp NAME.sshore", "echo ls | sftp -b - box.sshore; scp -q f box.sshore:h"),
        ("ssh -L", """
            sshore ssh box 'cd /tmp; echo through >i; exec setsid python3 -m http.server 8000 >/dev/null 2>&1 </dev/null &'
            for i in $(seq 50); do sshore ssh box 'python3 -c "import socket; socket.create_connection((\\"127.0.0.1\\", 8000))"' 2>/dev/null && break; done
            ssh -f -o ExitOnForwardFailure=yes -L 18000:127.0.0.1:8000 box.sshore 'sleep 5' >/dev/null 2>&1 </dev/null
            python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:18000/i", timeout=10).read())' | has through
        """),
        ("ssh -R", """
            ssh -o ExitOnForwardFailure=yes -R 18001:127.0.0.1:8022 box.sshore \\
                'python3 -c "import socket; socket.create_connection((\\"127.0.0.1\\", 18001))"'
        """),
        ("keys add FILE, and in by it", """
            ssh-keygen -q -t ed25519 -N '' -f own; sshore keys add own.pub; sshore keys ls | has ed25519
            ssh $(options | sed 's/-i [^ ]*/-i own/') -p $(card port) work@localhost true
        """),
        ("keys add --agent, and in by it", """
            ssh-keygen -q -t ecdsa -N '' -f agents; eval "$(ssh-agent -a $PWD/agent.sock)" >/dev/null
            echo $SSH_AGENT_PID >agent.pid; ssh-add -q agents
            sshore keys add --agent; rm agents
            ssh $(options | sed 's/-i [^ ]*//; s/IdentitiesOnly=yes/IdentityAgent=agent.sock/') -p $(card port) work@localhost true
        """),
        ("ssh -A, the agent inside", "SSH_AUTH_SOCK=$PWD/agent.sock ssh -A box.sshore ssh-add -l | has ECDSA"),
        ("keys rm", """
            for id in $(sshore keys ls --json | python3 -c 'import json, sys; print(*(key["id"] for key in json.load(sys.stdin)))')
            do sshore keys rm $id; done; ssh $(options | sed 's/-i [^ ]*/-i own/') -p $(card port) work@localhost true && exit 1; true
        """),
        ("profile, each kind", "for kind in filezilla winscp putty vscode ssh-config; do sshore profile demo $kind | has .; done"),
        ("app stop, app start", """
            sshore app stop box ssh; ssh box.sshore true 2>said && exit 1; has 'app start\\|launch' <said
            sshore app start box ssh; ssh box.sshore true
        """),
        ("app ls, logs", "sshore app ls box | has ssh; sshore logs box >/dev/null"),
        ("stop, start", "sshore stop box; sshore start box; sshore ssh box cat s | cmp - f"),
        ("limit", "sshore limit box --idle-timeout 8h; sshore show box --json | has 28800"),
        ("folder create, ls", "sshore folder create data; sshore folder ls | has data"),
        ("cp with folder:", "sshore cp big folder:data/; sshore cp folder:data/big again; cmp big again"),
        ("sftp folder:", "echo ls | sshore sftp folder:data | has big"),
        ("connect folder:, and sftp there", "echo ls | sftp -b - $(options folder:data) -P $(card port folder:data) work@localhost | has big"),
        ("run --mount", "sshore run with --network none --mount data; sshore ssh with 'cmp data/big data/big'; sshore rm --force with"),
        ("mount, unmount", "sshore mount box data; sshore ssh box test -s data/big; sshore unmount box data; sshore ssh box test ! -e data/big"),
        ("folder .ssh, read-only: ssh -A", """
            sshore folder create .ssh; sshore cp own.pub folder:.ssh/authorized_keys; sshore run keyed --network none --mount .ssh:/home/work/.ssh:ro
            SSH_AUTH_SOCK=$PWD/agent.sock ssh -A keyed.sshore ssh-add -l | has ECDSA
        """),
        ("folder rename, rm, trash", "sshore folder rename data other; sshore folder rm other; sshore folder trash ls | has other"),
        ("file put, bootstrap set", """
            echo alias >rc; sshore file put rc; echo 'date >booted' >b; sshore bootstrap set b; sshore run mine --network none
            sshore ssh mine 'cat rc; for i in $(seq 100); do test -s booted && exit; sleep 0.1; done; exit 1'; sshore rm --force mine
        """),
        ("settings", "sshore settings set preferred-ssh-port 12022; sshore settings get preferred-ssh-port | has 12022"),
        ("user add, token create, login", """
            sshore user add ann; sshore token create --user ann >t
            export SSHORE_CONFIG_DIR=$PWD/anns; sshore login http://127.0.0.1:8022 --token - <t; sshore ls; sshore proxy stop || true
        """),
        ("doctor", "sshore doctor box"),
        ("audit", "sshore audit | has box"),
        ("disconnect", "sshore disconnect demo; sshore forwards | grep -q 'demo' && exit 1; true"),
        ("completion", "sshore completion bash | has complete"),
        ("rm", "kill $(cat agent.pid); sshore rm --force box keyed; sshore ls --json | grep -q '"box"' && exit 1; true"),
    )
)
