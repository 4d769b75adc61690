"""Which shell logins get, and when a script stands before it."""

from pathlib import Path

from sshore.core.ids import SessionId
from sshore.core.logins import LoginShell, login_shell, shell_places
from sshore.core.sessions import BindMount, SessionSpec

NOWHERE = Path("/nonexistent")


def spec(shell: str, *, late: bool = False) -> SessionSpec:
    mounts = (BindMount(NOWHERE, "/data"),)
    return SessionSpec(
        SessionId("x"), "x", NOWHERE, NOWHERE, NOWHERE, NOWHERE, shell=shell, mounts=mounts, late_variables=late
    )


def test_a_name_is_looked_for_along_the_path_and_a_place_is_itself() -> None:
    assert shell_places("zsh", "/opt/bin:.:relative:/usr/bin")[:3] == [
        "/opt/bin/zsh",
        "/usr/bin/zsh",
        "/usr/local/sbin/zsh",
    ]
    assert (shell_places("/opt/zsh"), shell_places("")) == (["/opt/zsh"], [])
    assert len(shell_places("zsh", ":".join(f"/{number}" for number in range(9999)))) < 30


def test_a_shell_that_lets_nobody_in_is_none_though_it_was_set_long_ago() -> None:
    for shell in ("/bin/false", "nologin", "/home/work/false"):
        assert shell_places(shell) == []
        assert login_shell(spec(shell), "", "/bin/bash") == LoginShell("/bin/bash")


def test_the_accounts_entry_names_the_shell_itself_where_it_can() -> None:
    assert login_shell(spec("zsh"), "/usr/bin/zsh", "/bin/bash") == LoginShell("/usr/bin/zsh")
    assert login_shell(spec("zsh"), "", "/bin/bash") == LoginShell("/bin/bash")
    assert login_shell(spec(""), "", "/bin/bash").entry == "/bin/bash"


def test_else_a_script_which_knows_another_shell_for_the_day_that_this_one_is_gone() -> None:
    for shell in ("/home/work/bin/fish", "/data/fish"):
        found = login_shell(spec(shell), "", "/bin/bash")
        assert (found.shell, found.entry) == (shell, "/etc/sshore-login")
        assert repr([shell, "/bin/bash"]) in found.script
    late = login_shell(spec("", late=True), "", "/bin/sh")
    assert (late.shell, late.entry, "['/bin/sh']" in late.script) == ("/bin/sh", "/etc/sshore-login", True)
