"""What Sshore is about: sessions, folders, keys, users, apps, and the rules they keep. No I/O.

    ids.py       identifiers
    errors.py    everything that can be refused, each with its problem code
    states.py    the states of a session and the one table of legal transitions
    sessions.py  the session and what an engine is told about it
    images.py    names of images, what is known of one, how far a pull is
    ulimits.py   limits of each process in a session
    apps.py      the catalogue of apps
    folders.py   storage folders
    users.py     users (owners) and API tokens
    callers.py   for whom a task works
    groups.py    groups of users
    allowances.py  how much of a server one user may have
    fair_shares.py  who gets room next
    public_keys.py  public keys as users give them, and what is none
    own_keys.py  public keys that users have registered
    user_files.py  files for each new home, and the bootstrap script
    activity.py  what keeps a session alive, and when it stops
    live_use.py  what sessions use: readings, and the rates between them
    audit.py     what is remembered of each stream
    settings.py  the user settings and their validation
    trusted_proxies.py  whose X-Forwarded-For is believed
    choices.py   what is chosen by a word; allowed.py  what an administrator allows, and to whom
    names.py     names and sizes as people type them
    hosts.py     how sessions are called where host names stand
    openssh_key.py  OpenSSH's private key files, read and given a comment
    keys.py      session keys, host keys, the host CA and the user CA
    layout.py    where things lie inside a session (the contract of engines, kit and agent)
    logins.py    the login shell, and the script before it where sshd cannot run it as it is
    run_files.py the platform's own files in a session, as text
    pkce.py      who began a login is who gets its result (RFC 7636)
    ports/       the interfaces that services need and adapters implement

Everything but ``keys.py`` (which needs `cryptography`) is standard library only, and may be
imported by client packages.
"""
