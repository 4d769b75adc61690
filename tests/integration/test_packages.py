"""What people install: the wheel that pipx and the images are made of."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(target.glob("*.whl")))


def test_the_wheel_holds_the_whole_product_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    tracked = subprocess.run(["git", "-C", source, "ls-files", "sshore"], capture_output=True, text=True, check=True)
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert set(tracked.stdout.split()) <= names
    assert {name.partition("/")[0] for name in names} == {"sshore"}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_the_wheel_brings_the_command_and_its_licence(wheel: zipfile.ZipFile) -> None:
    texts = {
        name.partition(".dist-info/")[2]: wheel.read(name).decode() for name in wheel.namelist() if "-info/" in name
    }

    assert "sshore = sshore.cli.entry:main" in texts["entry_points.txt"]
    assert "Apache License" in texts["licenses/LICENSE"]
    assert "Requires-Dist: click" in texts["METADATA"]
