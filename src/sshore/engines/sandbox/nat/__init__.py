"""The network `nat` of a sandbox: outgoing alone, by a program that carries its traffic in the host's ordinary sockets.

network.py        which program, and when the network is up
pasta.py          pasta(1)
slirp.py          slirp4netns(1), where there is no pasta that is new enough
joining.py        what either needs
tun.py            /dev/net/tun, where the host keeps it to root
closed_routes.py  what is closed to sessions: clouds' metadata services

    server ──▶ pasta or slirp4netns ──setns(2)──▶ tap0 in the session's network namespace
       └─────▶ closed_routes ──setns(2)──▶ routes there, before the agent begins
"""
