"""The command line: `sshore`.

    entry.py       `main`: reads the environment, goes the fast way or to click
    user.py        who runs the command: config directory, server, token
    failures.py    errors to one line on stderr and an exit status
    output.py      tables and colours on terminals, plain text and JSON elsewhere
    pull_view.py   how waiting shows, and a pull
    resources.py   what a session may use, as options and in words
    stream.py      `sshore stream`: a stream on stdin and stdout, or its socket handed to `ssh`
    openssh.py     `sshore ssh`, `sftp`, `cp`: certificate, known_hosts, then OpenSSH itself
    doctor.py      what stands between a user and a session
    root.py        the click group; commands/ its commands, loaded when they are used

    sshore stream | ssh | sftp | cp | certify ──▶ at once, without click: they stand in every connection's way
    sshore anything else                      ──▶ root.py ──▶ commands/<group>.py ──▶ sdk, proxy, profiles

Exit status: 0 done, 1 failed, 2 usage, 3 not found, 4 refused (auth), 5 unavailable.
"""
