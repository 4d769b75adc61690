#!/bin/sh
# glibc (seen with 2.36, Python 3.11): posix_spawn_file_actions_adddup2 answers EBADF for a descriptor that is open,
# valid, and not below the *soft* limit on open files at that moment, although dup2(2) itself asks that of the new
# number only. A program that lowers its limit so that a child inherits it can no longer hand on its own higher
# descriptors. Seen: "dup2 ok, posix_spawn EBADF".
set -eu
python3 - <<'PY'
import errno, os, resource

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
null = os.open(os.devnull, os.O_RDWR)
high = os.dup(null)
while high < 100:
    high = os.dup(null)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
os.dup2(high, 60)
said = "dup2 ok"
try:
    os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, high, 0)])
    said += ", posix_spawn ok"
except OSError as error:
    said += f", posix_spawn {errno.errorcode[error.errno]}"
print(said)
assert said == "dup2 ok, posix_spawn EBADF", said
PY
