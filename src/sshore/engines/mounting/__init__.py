"""Directories of the host in running sessions, whatever the engine: mounted and taken away while their processes go on.

    live.py         mounting and unmounting by the pid of a session's agent
    helper.py       the program that enters the session's mounts; the standard library alone
    mount_table.py  which mounts a process has, and what they show
    holders.py      processes that keep a mount, ended where a folder is to be out of reach at once
    mount_points.py  places for folders before a start, made where no link leads elsewhere
    sources.py      the host's directories, opened so that nobody leads us elsewhere
    idmap.py        mounts in which other uids own the files

    server ──tree: open_tree(2) copies the folder's mount, mount_setattr(2) makes it read-only, maps its owner──▶ helper
                 helper ──setns(2)──▶ the session's mounts ──move_mount(2)──▶ at the target

A server that is root enters the session's mounts as they are. Another enters first the user namespace that they belong
to, which is its own, and copies the folder's mount from a copy of the host's mounts that it makes in there: the
kernel lets nobody carry a mount from a namespace where he has no rights. No link is followed in the session, where
links are its user's.
"""
