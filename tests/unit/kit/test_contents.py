"""The hash of a kit: another OpenSSH or another Sshore makes another kit, the same ones the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from sshore.core.errors import EngineFailed
from sshore.kit.contents import Contents, hash_contents
from sshore.kit.programs import find_programs, require_programs


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    for name in ("sshd", "main.py"):
        (tmp_path / name).write_text(name)
    return Contents(
        programs={"bin/sshd": tmp_path / "sshd"},
        scripts={},
        libraries={},
        sources={"agent/__main__.py": tmp_path / "main.py"},
        loader="ld.so",
        python_library="python/lib/python3.11",
    )


def test_the_same_contents_make_the_same_kit(contents: Contents) -> None:
    before = hash_contents(contents)
    contents.programs["bin/sshd"].touch()
    assert hash_contents(contents) == before


def test_another_openssh_makes_another_kit(contents: Contents) -> None:
    before = hash_contents(contents)
    contents.programs["bin/sshd"].write_text("a newer sshd")
    assert hash_contents(contents) != before


def test_one_more_program_makes_another_kit(contents: Contents) -> None:
    more = {**contents.programs, "bin/sshd-session": contents.programs["bin/sshd"]}
    assert hash_contents(replace(contents, programs=more)) != hash_contents(contents)


def test_a_machine_without_sshd_is_told_how_to_install_it() -> None:
    with pytest.raises(EngineFailed, match=r"no sshd .*as root, run `.*openssh") as refusal:
        require_programs({})
    assert refusal.value.problem.fields == {"program": "sshd"}


def test_optional_programs_are_not_required(tmp_path: Path) -> None:
    require_programs({"sshd": tmp_path / "sshd"})


def test_programs_are_found_where_a_users_path_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "sshd" in find_programs()
