"""The commands, one module for each group of them. A module is loaded when one of its commands is used.

    sessions.py    run, ls, show, logs, stop, start, rm        forwards.py    connect, forwards, disconnect
    limit.py       limit                                       openssh.py     ssh, sftp, cp, stream, certify
    apps.py        app                                         ssh_config.py  config-ssh
    images.py      image, commit                               keys.py        key
    mounts.py      mount, unmount                              own_keys.py    keys
    folders.py     folder; trash.py has folder trash           profile.py     profile
    own_files.py   file, bootstrap                             proxy.py       proxy

    server.py      up, server                                  tokens.py      token
    login.py       login, logout                               audit.py       audit
    settings.py    settings                                    doctor.py      doctor
    users.py       user                                        about.py       version, completion
    groups.py      group

root.py's table ──▶ a module's command ──▶ sdk (the server), proxy (the local ports), profiles ──▶ cli.output
"""
