"""The use cases: what users and operators can do, on the core's interfaces only.

sessions/   create, start, stop, watch; their apps
folders/    storage folders: made, mounted, shared; in running sessions, too
people/     users, tokens, logins, settings, own keys, files for new homes
images.py   images: lists, pulls, commits; logins at registries
pulls.py    how many pulls of images each user has running
old_kits.py kits of former versions, which go when no session has them
streams.py  who may open a stream; implements `core.ports.StreamAuthority`
disk_counts.py  what directories were found to hold
audit.py    writes down each stream, answers who connected to what

api ─▶ sessions, folders, people, images ─▶ core.ports ◀─ store, engines, gateway
gateway ─▶ streams, audit
"""
