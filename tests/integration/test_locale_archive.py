"""A session whose locales lie in glibc's archive, as Debian's locale-gen makes it, written by localedef(1)."""

import shutil
import subprocess
from pathlib import Path

from sshore.agent.locales import exists


def test_locales_in_an_archive_exist(tmp_path: Path) -> None:
    made = tmp_path / "usr/lib/locale" / "en_US.utf8"
    shutil.copytree("/usr/lib/locale/C.utf8", made)
    subprocess.run(["localedef", f"--prefix={tmp_path}", "--add-to-archive", made], check=True, capture_output=True)
    shutil.rmtree(made)
    assert exists("en_US.UTF-8", f"{tmp_path}/")
    assert not exists("ko_KR.UTF-8", f"{tmp_path}/")
