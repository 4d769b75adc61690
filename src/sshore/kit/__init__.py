"""The kit: OpenSSH and Python for every session, whatever its image holds (REQUIREMENTS B6).

A read-only directory, made once from this machine's own programs, the libraries they need and
their own loader, and mounted at `/opt/sshore` in every session of every engine:

    <state>/kit/<hash>/
        bin/     sshd (with sshd-session and sshd-auth since OpenSSH 9.8), scp, sftp-server, rsync, …
        lib/     the shared libraries of all of them, and the loader
        python/  the interpreter, and of its library what the agent imports
        agent/   the agent: `python3 -I -S /opt/sshore/agent`
        terminfo/  some dozens of terminals
        sshd_config  what its sshd needs, included in each sshd_config of ours

    programs.py       which programs of this machine go in; what is missing and how to install it
    distribution.py   the install command of this Linux distribution
    libraries.py      the shared libraries of a program, as its own loader finds them
    python_files.py   the interpreter and the modules that the agent imports
    terminals.py      the terminals that sessions know, whatever their image has
    contents.py       all of it as a list of files, and its hash
    sshd_options.py   what the machine's sshd can: options, types of keys
    agent_sockets.py  where it keeps the sockets of forwarded agents
    relocate.py       patchelf: makes programs find loader and libraries in the kit
    connection_variables.py  leaves SSH_CONNECTION to the agent
    build.py          `build_kit`: once, atomically; `remove_kits` of former versions

    programs ──▶ libraries ──┐
    python_files, terminals ─┼──▶ contents ──▶ build (+ relocate) ──▶ <state>/kit/<hash>
"""
