"""The use cases: what users and operators can do, on the core's interfaces only.

accounts.py   users and API tokens: who is calling
passwords.py  setting passwords, and logging in with them
oidc.py       logging in at an OpenID Connect provider
throttle.py   slows down those who guess
find_user.py  a user by name, as an admin names one
user_administration.py   what admins do with users
settings.py   the user settings
own_keys.py   registered public keys, in all sessions of their owner at once
user_files.py files for new homes; the bootstrap script
folders.py    storage folders
folder_usage.py    how much they hold, and may
folder_trash.py    renames, the trash
folder_sharing.py  shares, and directories of the host on offer
live_mounts.py     folders mounted in running sessions, and taken away
folder_keys.py     keys for SFTP to them over SSH
folder_streams.py  streams to folders, which need no session
setup.py      a session's keys, its run files, and what the engine is told
records.py    sessions as stored: changed one at a time, watched by whoever waits
lifecycle.py  starts, watches, stops and adopts sessions; the one place that changes a session's state
session_watch.py  what sessions do; stops those that are idle or whose time is over
audit.py      writes down each stream, answers who connected to what
sessions.py   create, find, list, start, stop, remove; keys and certificates
session_details.py  what engine and agent tell of one session when it is asked for
images.py     images: lists, pulls, commits; logins at registries
apps.py       launch and stop apps
streams.py    who may open a stream; implements `core.ports.StreamAuthority`

api ─▶ sessions, apps, … ─▶ lifecycle ─▶ records ─▶ Store
                                └─▶ setup, Engine, Links
"""
