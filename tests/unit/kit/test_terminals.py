"""Which terminals a kit describes: this machine's own descriptions first, those that it lacks by tic."""

from pathlib import Path

import pytest

from sshore.kit.terminals import OWN, SOURCE, find_terminals


def database(root: Path, *names: str) -> str:
    for name in names:
        (root / name[0]).mkdir(parents=True, exist_ok=True)
        (root / name[0] / name).write_bytes(name.encode())
    return str(root)


def test_what_this_machine_describes_is_taken_from_the_first_place(tmp_path: Path) -> None:
    first = database(tmp_path / "first", "xterm-256color", "xterm-kitty")
    second = database(tmp_path / "second", "xterm-256color", "vt100", "some-teletype")
    found = find_terminals([first, second, str(tmp_path / "none")])
    assert found.entries == {
        "terminfo/x/xterm-256color": tmp_path / "first" / "x" / "xterm-256color",
        "terminfo/x/xterm-kitty": tmp_path / "first" / "x" / "xterm-kitty",
        "terminfo/v/vt100": tmp_path / "second" / "v" / "vt100",
    }
    assert set(found.to_compile) == set(OWN) - {"xterm-kitty"}


def test_ghostty_goes_by_either_name(tmp_path: Path) -> None:
    entries = find_terminals([database(tmp_path, "xterm-256color", "ghostty")]).entries
    assert entries["terminfo/x/xterm-ghostty"] == tmp_path / "g" / "ghostty"


def test_nothing_is_compiled_where_nothing_is_built_upon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_terminals([database(tmp_path, "vt100")]).to_compile == ()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_terminals([database(tmp_path, "xterm-256color")]).to_compile == ()


def test_the_source_describes_what_it_is_said_to() -> None:
    heads = [line for line in SOURCE.read_text().splitlines() if line[:1].isalpha() and not line.startswith("sshore+")]
    assert tuple(line.partition("|")[0] for line in heads) == OWN
