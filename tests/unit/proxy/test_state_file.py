from pathlib import Path

import pytest

from sshore.proxy.forwards import Forward, ForwardKey
from sshore.proxy.state_file import State, read_state, write_state

KEY = ForwardKey("http://127.0.0.1:8022", "abc", "ssh")
FORWARD = Forward(KEY, "demo", 10022, "ssh-ed25519 AAAA", "SHA256:x")


def test_what_was_stored_comes_back(tmp_path: Path) -> None:
    state = State([FORWARD], {KEY: 10022})
    write_state(tmp_path / "forwards.json", state)
    assert read_state(tmp_path / "forwards.json") == state


def test_no_file_means_no_forwards(tmp_path: Path) -> None:
    assert read_state(tmp_path / "forwards.json") == State()


@pytest.mark.parametrize("content", ["", "{}", '{"forwards": [{"key": {}}], "last_ports": []}'])
def test_a_damaged_file_is_kept_aside(tmp_path: Path, content: str) -> None:
    path = tmp_path / "forwards.json"
    path.write_text(content)
    assert read_state(path) == State()
    assert path.with_suffix(".damaged").read_text() == content


def test_the_oldest_ports_are_forgotten(tmp_path: Path) -> None:
    ports = {ForwardKey("http://127.0.0.1:8022", str(number), "ssh"): 10000 + number for number in range(600)}
    write_state(tmp_path / "forwards.json", State([], ports))
    kept = read_state(tmp_path / "forwards.json").last_ports
    assert list(kept.values()) == list(range(10100, 10600))
