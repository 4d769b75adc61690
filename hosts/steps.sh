# What a user does with Sshore, one after the other, where `make up` has made the session `demo`. What stands before
# the first title is before each. A step fails where its last line does, or one before. $PORT is the server's,
# $SPARE the first of ten ports that nobody else uses.
set -euo pipefail
card() {     # a field of a connection card: card FIELD [NAME]
  sshore connect "${2:-demo}" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
options() {  # how ssh reaches a local port: options [NAME [KEY]]
  printf -- '-F none -i %s -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=%s' \
    "${2:-$(card key_file "$@")}" "$(card known_hosts_file "$@")"
}
is() { [ "$1" = "$2" ] || { echo "not '$2' but '$1'" >&2; exit 1; }; }
has() { grep -- "$1" >/dev/null || { echo "no '$1' in it" >&2; exit 1; }; }
fails() { if "$@"; then echo "it works: $*" >&2; exit 1; fi; }
listens='python3 -c "import socket, sys; socket.create_connection((\"127.0.0.1\", int(sys.argv[1])))"'

## version
sshore version

## ls
sshore ls --json | has '"running"'

## ssh at the local port
is "$(ssh $(options) -p $(card port) work@localhost whoami)" work

## sftp at the local port
echo pwd | sftp -b - $(options) -P $(card port) work@localhost | has /home/work

## scp at the local port
date >file
scp -q $(options) -P $(card port) file work@localhost:copy
sshore ssh demo cat copy | cmp - file

## forwards
sshore forwards | has demo

## run, network nat
sshore run out
is "$(sshore ssh out hostname)" out
sshore rm --force out

## run --network none --app ssh, show
sshore run box --network none --app ssh
sshore show box | has running

## run --network host
sshore run near --network host
sshore ssh near true
sshore rm --force near

## ssh NAME: exit status
status=0; sshore ssh box 'exit 7' || status=$?
is $status 7

## ssh NAME: standard input
is "$(seq 100000 | sshore ssh box wc -l)" 100000

## ssh -t NAME: a terminal
script -qec 'sshore ssh -t box tty' /dev/null </dev/null | has /dev/pts/

## sftp NAME
echo 'put file by-sftp' | sshore sftp box
sshore ssh box cat by-sftp | cmp - file

## cp, up
head -c 3000000 /dev/urandom >big
sshore ssh box mkdir up
sshore cp big box:up/

## cp, down
sshore cp box:up/big back
cmp big back

## cp -r
mkdir -p tree/deep
date >tree/deep/file
sshore cp -r tree box:
sshore ssh box cat tree/deep/file | cmp - tree/deep/file

## rsync -e 'sshore ssh'
rsync -a -e 'sshore ssh' tree/ box:synced/
sshore ssh box cat synced/deep/file | cmp - tree/deep/file

## key, key --format ppk
sshore key box -o key
sshore key box --format ppk -o key.ppk
has PuTTY-User-Key-File <key.ppk

## config-ssh, ssh NAME.sshore
sshore config-ssh
is "$(ssh box.sshore hostname)" box

## sftp and scp with NAME.sshore
echo ls | sftp -b - box.sshore | has up
scp -q file box.sshore:by-scp

## ssh -L
sshore ssh box 'echo through >page; exec setsid python3 -m http.server 8000 >/dev/null 2>&1 </dev/null &'
sshore ssh box "for i in \$(seq 100); do $listens 8000 2>/dev/null && exit; sleep 0.1; done; exit 1"
ssh -f -o ExitOnForwardFailure=yes -L $SPARE:127.0.0.1:8000 box.sshore 'sleep 5' >/dev/null 2>&1 </dev/null
python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read())' \
  http://127.0.0.1:$SPARE/page | has through

## ssh -R
ssh -o ExitOnForwardFailure=yes -R $SPARE:127.0.0.1:$PORT box.sshore "$listens $SPARE"

## keys add FILE, and in by it
ssh-keygen -q -t ed25519 -N '' -f own
sshore keys add own.pub
sshore keys ls | has ed25519
ssh $(options demo own) -p $(card port) work@localhost true

## keys add --agent, and in by it
ssh-keygen -q -t ecdsa -N '' -f agents
eval "$(ssh-agent -a $PWD/agent.sock)"
echo $SSH_AGENT_PID >agent.pid
ssh-add -q agents
sshore keys add --agent
rm agents
ssh $(options demo agents.pub) -o IdentityAgent=$PWD/agent.sock -p $(card port) work@localhost true

## ssh -A: the agent inside
SSH_AUTH_SOCK=$PWD/agent.sock ssh -A box.sshore ssh-add -l | has ECDSA

## keys rm
for id in $(sshore keys ls --json | python3 -c 'import json, sys; print(*(key["id"] for key in json.load(sys.stdin)))')
do sshore keys rm $id; done
fails ssh $(options demo own) -p $(card port) work@localhost true

## profile, each kind
for kind in filezilla winscp putty vscode ssh-config; do sshore profile demo $kind | has .; done

## app ls, app stop, app start
sshore app ls box | has ssh
sshore app stop box ssh
fails ssh box.sshore true 2>said
has 'app start' <said
sshore app start box ssh
ssh box.sshore true

## logs
sshore logs box

## stop, start
sshore stop box
sshore start box
sshore ssh box cat by-sftp | cmp - file

## limit
sshore limit box --idle-timeout 8h
sshore show box --json | has 28800

## folder create, folder ls
sshore folder create data
sshore folder ls | has data

## cp with folder:NAME
sshore cp big folder:data/
sshore cp folder:data/big again
cmp big again

## sftp folder:NAME
echo ls | sshore sftp folder:data | has big

## connect folder:NAME, and sftp at its port
echo ls | sftp -b - $(options folder:data) -P $(card port folder:data) work@localhost | has big

## run --mount
sshore run with --network none --mount data
sshore ssh with cat data/big | cmp - big
sshore rm --force with

## mount, unmount
sshore mount box data
sshore ssh box test -s data/big
sshore unmount box data
fails sshore ssh box test -e data/big

## ssh -A where the folder .ssh is read-only
sshore folder create .ssh
sshore cp own.pub folder:.ssh/authorized_keys
sshore run keyed --network none --app ssh --mount .ssh:/home/work/.ssh:ro
SSH_AUTH_SOCK=$PWD/agent.sock ssh -A keyed.sshore ssh-add -l | has ECDSA

## ssh -A where two sessions have the folder .ssh
for name in one two; do sshore run $name --network none --app ssh --mount .ssh:/home/work/.ssh; done
where='ssh-add -l && cd ${SSH_AUTH_SOCK%/*} && pwd -P && ls -A ~/.ssh'
SSH_AUTH_SOCK=$PWD/agent.sock ssh -A one.sshore "$where; exec sleep 60" >said &
for i in $(seq 100); do grep -q authorized_keys said && break; sleep 0.1; done
has ECDSA <said
has ^/tmp <said
is "$(ssh two.sshore 'ls -A .ssh /tmp' | xargs)" '.ssh: authorized_keys /tmp:'
sshore rm --force one two
wait

## folder rename, rm, trash
sshore folder rename data other
sshore folder rm other
sshore folder trash ls | has other

## file put, bootstrap set
echo mine >rc
sshore file put rc
echo 'date >booted' >script
sshore bootstrap set script
sshore run mine --network none
sshore ssh mine 'cat rc; for i in $(seq 100); do test -s booted && exit; sleep 0.1; done; exit 1' | has mine
sshore rm --force mine

## settings
sshore settings set preferred-ssh-port $((SPARE + 1))
sshore settings get preferred-ssh-port | has $((SPARE + 1))
sshore run preferred --network none
is $(card port preferred) $((SPARE + 1))
sshore rm --force preferred

## user add, token create, login
sshore user add ann
sshore token create --user ann >token
export SSHORE_CONFIG_DIR=$PWD/anns
sshore login http://127.0.0.1:$PORT --token - <token
is "$(sshore ls --json)" '[]'

## doctor
sshore doctor box

## audit
sshore audit | has box

## disconnect
sshore disconnect demo
fails sh -c 'sshore forwards | grep demo'

## completion
sshore completion bash | has complete

## rm
kill $(cat agent.pid)
sshore rm --force box keyed
fails sh -c 'sshore ls --json | grep \"box\"'
