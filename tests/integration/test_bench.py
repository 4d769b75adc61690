"""The bench runs and yields figures. No test looks at how fast: that is not this machine's to promise."""

import json
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# Debian's /run/sshd, without which root's `sshd` does not serve, is there when ssh.service has once been started.
_EMPTY_RUN = 'mount -t tmpfs -o mode=755 tmpfs /run && exec "$@"'
_AS_ON_A_NEW_MACHINE = ["unshare", "--mount", "bash", "-c", _EMPTY_RUN, "bench"] if os.geteuid() == 0 else []


def test_the_bench_measures_and_writes_figures(tmp_path: Path) -> None:
    results = tmp_path / "figures.json"

    done = subprocess.run(
        [*_AS_ON_A_NEW_MACHINE, sys.executable, "-m", "bench", "--quick", "--only", "b,h", "--json", str(results)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    document = json.loads(results.read_text())
    assert document["machine"]["cpus"] > 0
    figures = {figure["name"]: figure for figure in document["figures"]}
    assert {"ssh … true", "sshore --help", "opening a stream (to 101)"} <= figures.keys()
    assert all(figure["value"] > 0 for figure in figures.values())
    assert figures["ssh … true"]["ratio"] > 0
    assert "ssh … true" in done.stdout
