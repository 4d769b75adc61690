"""A real ssh-agent, which holds no key at first."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from programs import need

from bench.processes import running


@contextmanager
def ssh_agent(directory: Path) -> Iterator[dict[str, str]]:
    """Run one with its socket in a directory; the environment of its clients."""
    need("ssh-agent", "ssh-add")
    path = str(directory / "agent.sock")
    # It prints the variable when it listens (ssh-agent(1)).
    with running(["ssh-agent", "-D", "-a", path], lambda said: path in said):
        yield {**os.environ, "SSH_AUTH_SOCK": path}
