"""`python -m hosts`: Sshore on a machine that has nothing.

machine     a root file system as a machine of its own: namespaces, mounts, a network (boot.sh is its first process)
root_files  Debian's smallest root file systems, made by debootstrap, with a clone of this repository
"""
