"""The agent: the one program of Sshore's own that runs in a session.

It dials out to the gateway, keeps a few links parked there, and answers what comes down a link:
a stream to open to an app, or a call. Runs from the kit as ``python3 -I -S /opt/sshore/agent``:
standard library only, one thread (but for a look at a file), one selector loop, no asyncio, under 15 MB resident.

    gateway ──▶ a parked link ──▶ {"open":"ssh"}      ──▶ `sshd -i` on that very socket
                                  {"open":"jupyter"}  ──▶ pump ──▶ 127.0.0.1:8888 in the session
                                  {"call":"app.list"} ──▶ one line back

    main.py       wires everything; signals; the orderly end
    closed_mounts.py  waits until the engine has closed what is mounted
    config.py     what the agent is told: /run/sshore/agent.json
    loop.py       the selector loop: sockets, timers, signals
    dial.py       sockets to the gateway, and how long to wait between attempts
    link.py       one link: dialled, parked, taken
    pool.py       how many links are parked; reconnects for ever
    requests.py   the line on a taken link, and its answer
    replies.py    what is answered: ``ok``, or a problem
    apps.py       the apps of the session by name
    ssh_app.py    ``ssh``: an `sshd -i` for each stream
    check_app.py  ``check``: a `check-files` for each stream
    login_shell.py  whether the session has the one that its owner wishes
    daemon_configs.py  its configuration, with the client's address
    locales.py    which of the client's locale variables it takes
    port_app.py   any other app: a command, started once, and its TCP port
    pump.py       bytes between a stream and an app's port, with half-close
    children.py   spawning, reaping, ending processes
    own_keys.py   the owner's registered keys, and which one opened a connection
    authorized_keys.py  those of the home, made readable for sshd
    logged_program.py  the owner's bootstrap script, the image's entrypoint, and their logs
    scripts.py    why a file that looks like a script is none
    check_files.py  a program beside the agent, or confined to a folder: checksums of files
    guard_sftp.py   in a folder: an SFTP server with a quota
    memory_files.py  what sshd is to read and nobody to change
    terminals.py  a line for whoever sits at a terminal of the session
    open_files.py  how many files the agent may have open, and its children
    journal.py    the agent's log on stderr, and sshd's lines in it
"""
