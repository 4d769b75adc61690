"""Why there is no stream, in the words of SSH: for clients that do not show what a ProxyCommand says on stderr."""

import os
import select
import sys

from sshore.core.errors import SshoreError

_PATIENCE_S = 1.0
"""For the client's identification (RFC 4253 §4.2)."""


def tell_client(error: Exception, *, by_name: bool) -> None:
    """Say it on stdout to an SSH client on stdin: one that has identified itself or, where it is reached by the managed
    ssh_config, one that waits for the server to do so first."""
    if not isinstance(error, SshoreError) or sys.platform == "win32" or os.isatty(0):
        return
    waits = not select.select([0], [], [], _PATIENCE_S)[0]
    said = b"" if waits else os.read(0, 65536)
    if said.startswith(b"SSH-") or (waits and by_name):
        from sshore.proxy.refusal import refusal  # and with it asyncio

        os.write(1, refusal(said, error.problem.detail))
