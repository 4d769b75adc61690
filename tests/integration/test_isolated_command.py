"""`sshore` as scripts/setup installs it, where PYTHONPATH is another Python's or names another Sshore."""

import sys
from pathlib import Path

import pytest
from command_line import CommandLine

_STANDARD = ("site", "os", "re", "json", "socket", "encodings", "codecs", "sitecustomize", "sshore")


@pytest.mark.skipif(sys.platform == "win32", reason="a console script is a program there")
def test_it_is_isolated_from_what_the_environment_says_of_python(tmp_path: Path) -> None:
    for name in _STANDARD:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemError('of another Python')\n")
    for theirs in ({"PYTHONPATH": str(tmp_path)}, {"PYTHONHOME": str(tmp_path)}, {"PYTHONSTARTUP": str(tmp_path)}):
        sshore = CommandLine(tmp_path / "config", isolated=True, **theirs)
        assert "config-ssh" in sshore.ok("--help")
        for words, status in ((["ls"], 4), (["ssh"], 2), (["cp"], 2), (["stream", "x"], 4)):
            done = sshore.run(*words)
            assert (done.returncode, done.stderr.count(b"\n")) == (status, 1), done.stderr.decode()
