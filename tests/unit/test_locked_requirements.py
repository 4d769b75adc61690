"""deploy/requirements.lock is what scripts/lock makes of requirements.lock: the same versions, without the tools."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;]+)", path.read_text(), re.MULTILINE))


def test_what_is_deployed_has_the_versions_that_are_tested() -> None:
    tested, deployed = locked(ROOT / "requirements.lock"), locked(ROOT / "deploy/requirements.lock")

    differing = {
        name: (version, tested[name]) for name, version in deployed.items() if tested.get(name, version) != version
    }
    assert not differing, "run scripts/lock"


def test_every_dependency_is_deployed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[^a-z0-9-]", wanted)[0] for wanted in project["dependencies"]}

    assert names <= set(locked(ROOT / "deploy/requirements.lock"))
