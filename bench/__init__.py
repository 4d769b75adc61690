"""What Sshore costs, measured against OpenSSH itself on the same machine in the same run.

    python -m bench [--quick] [--only a,b] [--json FILE] [--up] [--patience S]

    ssh, sftp ──▶ forward in the local proxy ──▶ gateway in the server ──▶ `sshd -i` in a session     "ours"
    ssh, sftp ──▶ `sshd -D` of the system, whose binary is the kit's, on loopback                     "direct"

Ours and direct take turns, so that whatever else the machine does meets both, and the ratio of their
medians is what the targets speak of. docs/measurements.md says what the figures are worth.

    deployment.py   a server and a local proxy of its own, as real processes, with one session
    endpoint.py     where `ssh` and `sftp` go: options, port, a directory in memory; the direct `sshd`
    processes.py    CPU time and memory of a process, as the kernel counts them
    turns.py        taking turns, medians
    figures.py      a figure and its target; the table, the JSON file
    transfer.py     (a) get and put, (f) CPU time of the relays
    connecting.py   (b) connect to `true`, and how long the server takes to authorise a stream
    session.py      (c) from `sshore run` to the first output of a command
    crowd.py        (d) 200 connections at once
    crowd_at_port.py  (i) 1,000 connections at once at one local port, all kept open
    memory.py       (e) memory of an open stream
    websocket.py    (g) dropbear behind websockify, for comparison
    by_name.py      (j) `ssh NAME.sshore` and `sshore ssh` against `ssh -p PORT`, near and far
    distance.py     a relay that delays, as a long way does
    neighbour.py    (k) what a member feels of another who does the worst, for ten minutes in all
    worst_inside.py, worst_outside.py  the worst: in a session, and with a token
    start_up.py     (h) `sshore --help`, `sshore stream`
"""
