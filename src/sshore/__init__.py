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

Limits and times are constants at the top of the module that keeps them, with the unit in their names (``_S``, ``_MS``,
``_BYTES``, ``_DAYS``); a limit is called ``MAX_…`` or ``MOST…``, a time ``…_PATIENCE_S``, ``…_TIMEOUT_S`` or
``…_GRACE_S``. What a user or an administrator may change is in ``core/settings.py`` and ``server/settings.py``.

    a request's head    wire/upgrades.py up to 16 KiB is looked at for an upgrade; a longer one goes on to
                        server/http.py, which refuses it above 64 KiB; its body: api/body_limit.py
    a link's line       wire/lines.py
    connections         gateway/unfinished.py before they say what they want, by client; gateway/links.py parked
                        by a session; proxy/turns.py being opened by a local port
    being asked to end  services/sessions/lifecycle.py a session (SESSION_STOP_GRACE_S); then, inside it,
                        agent/main.py all its processes, ssh_app.py its sshds, port_app.py another app
    names, keys, files  core/names.py, own_keys.py, public_keys.py, user_files.py
    a login             services/people/throttle.py, accounts.py
    a shared folder     services/folders/usage.py, trash.py
"""

__version__ = "0.1.0"
