"""sshfs, mounting a session on this machine."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssh_client import SshClient

from bench.processes import wait_ready


@contextmanager
def mounted(client: SshClient, place: Path, *options: str) -> Iterator[Path]:
    """Have sshfs mount the home of a client's session."""
    place.mkdir()
    arguments = [
        "sshfs",
        "-f",
        *client.words[2:],
        "-o",
        "ssh_command=ssh -F none",
        *options,
        f"{client.destination}:",
        place,
    ]
    log = place.with_suffix(".log")
    with log.open("wb") as said:
        process = subprocess.Popen(arguments, env=dict(client.environment), stdout=said, stderr=said)
    try:
        wait_ready(process, lambda _: os.path.ismount(place), log, 15)
        yield place
    finally:
        subprocess.run(["fusermount3", "-u", "-z", place])
        process.wait(10)
