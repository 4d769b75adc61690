"""Sshore: compute sessions that anyone can reach by SSH and SFTP, with the clients they already use.

Everything is a *stream*: one byte stream from a client to an app in a session.

    ssh, sftp, FileZilla, …
        │ TCP on a local port
    proxy     local proxy: owns the forwards of one user
        │ HTTP/1.1 Upgrade: sshore-stream/1
    gateway   joins two sockets, in the server's own port
        │ a parked link, which the agent dialled
    agent     in the session; hands the very socket to ``sshd -i``

The layers, and what may import what, are in docs/architecture.md; import-linter holds them.
"""

__version__ = "0.1.0"
