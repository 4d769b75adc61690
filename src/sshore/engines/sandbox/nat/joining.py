"""What a program needs to give a session its network."""

import os
from dataclasses import dataclass

DEVICE = "tap0"
MTU = 65520
ENVIRONMENT = {"PATH": os.defpath}


@dataclass(frozen=True, slots=True)
class Joining:
    """A session's namespaces, and descriptors to talk with.

    `agent_pid` is pid 1 of the session, as the host sees it; `net` is a descriptor of its network namespace, `user` of
    the user namespace that has power over that. The program says at `ready` that it is up, lives as long as the other
    end of `lifeline`, writes to `log`, and runs as `host_uid` (None: the server's own).
    """

    agent_pid: int
    net: int
    user: int
    ready: int
    lifeline: int
    log: int
    host_uid: int | None
