"""The network `nat` of a sandbox: outgoing alone, by a program that carries its traffic in the host's ordinary sockets.

network.py        which program, and when the network is up
slirp.py          slirp4netns(1)
pasta.py          pasta(1), where there is no slirp4netns
joining.py        what either needs
tun.py            /dev/net/tun, where the host keeps it to root
closed_routes.py  what is closed to sessions: clouds' metadata services

    server ──▶ slirp4netns or pasta ──setns(2)──▶ tap0 in the session's network namespace
       └─────▶ closed_routes ──setns(2)──▶ routes there, before the agent begins
"""
