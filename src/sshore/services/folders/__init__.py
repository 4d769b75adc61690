"""Storage folders: made, found, mounted, shared, thrown away.

folders.py      made and found; what a session mounts; who has one
live_mounts.py  mounted in running sessions, and taken out of them
sharing.py      shares, and directories of the host on offer
trash.py        renames, the trash
usage.py        how much they hold, and may
streams.py      streams to folders, which need no session
keys.py         keys for SFTP to them over SSH
"""
