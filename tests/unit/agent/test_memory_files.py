"""What sshd reads by a name below /proc, in a session where everybody has the agent's uid."""

import os
from pathlib import Path

import pytest

from sshore.agent.memory_files import path_of, sealed_file


def test_others_read_it_and_nobody_changes_it() -> None:
    descriptor = sealed_file("sshd_config", b"Port 22\n")
    try:
        place = Path(path_of(descriptor))
        assert place.read_bytes() == b"Port 22\n"
        with pytest.raises(PermissionError), place.open("r+b", buffering=0) as file:
            file.write(b"Port 23\n")
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
