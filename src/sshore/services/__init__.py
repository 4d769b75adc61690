"""The use cases: what users and operators can do, on the core's interfaces only.

sessions/   create, start, stop, watch; their apps
folders/    storage folders: made, mounted, shared; in running sessions, too
people/     users, tokens, logins, settings, own keys, files for new homes
images.py   images: lists, pulls, commits; logins at registries
streams.py  who may open a stream; implements `core.ports.StreamAuthority`
audit.py    writes down each stream, answers who connected to what

api ─▶ sessions, folders, people, images ─▶ core.ports ◀─ store, engines, gateway
gateway ─▶ streams, audit
"""
