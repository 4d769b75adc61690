"""`sshore cp`: files to and from sessions and folders, with one path for both (`sdk.sftp`).

copy.py            the command
arguments.py       what it is told
places.py          the far side and its patterns
folder_places.py   how folders are written
session_remote.py  a session as the far side, over `ssh -s … sftp`, and a stream for checksums
transfer_view.py   how a transfer shows
"""
