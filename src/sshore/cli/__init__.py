"""The command line: `sshore`.

    entry.py       `main`: reads the environment, goes the fast way or to click
    local_user.py  who runs the command: config directory, server, token; own_command.py how it is run again,
                   and launch.py by what
    failures.py    errors to one line on stderr and an exit status
    terminal.py    what reaches a terminal: nothing that gives it orders
    output.py      tables and colours on terminals, plain text and JSON elsewhere
    root.py        the click group; commands/ its commands, loaded when they are used
    arguments.py   arguments that several commands have
    completion.py  what arguments can be, for the Tab key; shells.py what bash and zsh need besides
    resources.py   what a session may use, as options and in words; activity.py when it stops by itself
    live_use.py    what sessions use, as a table; sparkline.py the bars in it
    allowances.py  what a user may have, as a table
    waiting.py     until a session is settled; pull_view.py how waiting shows, and a pull
    passwords.py   asked at the terminal or read from stdin; oidc.py a login in the browser
    connecting/    `sshore ssh`, `sftp`, `stream`: what stands in every connection's way; `doctor`
    copying/       `sshore cp`
    installing/    `sshore profile --install`, `config-ssh`: files of OpenSSH, PuTTY and FileZilla
    up.py          `sshore up`: server and local proxy in one process; signals.py how it ends

    sshore stream | ssh | sftp | cp | certify ──▶ connecting/, copying/: at once, without click
    sshore anything else                      ──▶ root.py ──▶ commands/<group>.py ──▶ sdk, proxy, profiles

Exit status: 0 done, 1 failed, 2 usage, 3 not found, 4 refused (auth), 5 unavailable.
"""
