"""`scripts/new_host`: Sshore on a machine that has nothing.

root_files  Debian's and Ubuntu's smallest root file systems, made by debootstrap, with a clone of this repository
machine     one of them as a machine of its own: namespaces, mounts, a network; boot.sh is its first process
walk        runs there, as root and as an ordinary user: `make up`, then each step of steps.sh

Outside, it needs root, debootstrap and slirp4netns; Python's standard library only, as `scripts/setup` has not run yet.
"""
