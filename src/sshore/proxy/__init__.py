"""The local proxy: one per user; owns the forwards, which survive its own restart and the server's.

health.py       what a forward's health can be, and the sentence that says it
forwards.py     a forward and its connection card, as values
state_file.py   the forwards on disk
ports.py        which local port a forward gets
connections.py  one TCP connection: opens its stream, patiently, and relays
refusal.py      shows an SSH client why there is no stream, in the form that each client shows; the words are the
                server's (services/streams.py, services/sessions/apps.py) or sdk/errors.py's
turns.py        how many connections of one forward are opened at a time
forwarder.py    a forward at work: its listeners and its connections
peers.py        whose program it is that connects
engine.py       all forwards: open, close, restore, watch
setup.py        what a server is asked when a forward is opened
way.py          the way to the local API: the user's own socket, or a port whose listener proves itself
handed_tokens.py  how a login's token comes to the local proxy
guard.py        who may speak to the local API at its port: token, Host and Origin
api.py          the local HTTP API
local_proxy.py  everything put together, for `sshore proxy` and `sshore up`
instance.py     the one instance: lock, address file
client.py       the CLI's side of the local API
background.py   starts `sshore proxy` on demand

ssh, sftp, FileZilla ──TCP──▶ forwarder ──▶ connection ──stream──▶ gateway ──▶ sshd -i
CLI ──HTTP──▶ own socket, or port and guard ──▶ api ──▶ engine ──▶ forwarders, state file, managed known_hosts
"""
