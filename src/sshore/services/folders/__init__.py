"""Storage folders: made, found, mounted, shared, thrown away.

folders.py      made and found; what a session mounts; who has one
live_mounts.py  mounted in running sessions, and taken out of them
sharing.py      shares, and directories of the host on offer
trash.py        renames, the trash
usage.py        how much they hold, and may
streams.py      streams to folders, which need no session
keys.py         keys for SFTP to them over SSH

What becomes of a folder that others have:

    ensure_unmounted   no session of its *owner's* has it mounted; `--force` unmounts it there
    unshare_all        it is shared with nobody any more
    enforce_shares     (live_mounts.py) nobody *else* has more of it than its shares say: streams break off, running
                       sessions lose the mount or have it read-only, or are stopped

    remove, trash ──▶ ensure_unmounted, unshare_all ──▶ enforce_shares ◀── share, unshare
"""
