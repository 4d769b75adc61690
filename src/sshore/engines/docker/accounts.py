"""The image's account files with `work` in them, so that its own accounts stay as they are; pure functions."""

from sshore.core import layout

_PROFILE_BEGIN = "# Sshore: the image's own PATH, which the lines above may have replaced."
_PROFILE_END = "# Sshore: end."
_PASSWD = "root:x:0:0:root:/root:/bin/sh\n"
_GROUP = "root:x:0:\n"


def passwd_with_work(passwd: str, uid: int, shell: str) -> str:
    """The image's passwd(5) and `work`: first, so that the uid has this name, whoever else has it."""
    work = f"{layout.ACCOUNT}:x:{uid}:{uid}:{layout.ACCOUNT}:{layout.HOME}:{shell}\n"
    return work + _without(layout.ACCOUNT, passwd or _PASSWD)


def passwd_with_root(passwd: str, shell: str) -> str:
    """The image's passwd(5) for a session with root: uid 0 is called root, as everywhere, and `work` is another name
    of it, with the session's home. The sshd of root's needs an account of that name."""
    kept = _without(layout.ACCOUNT, passwd or _PASSWD)
    names = {line.partition(":")[0] for line in kept.splitlines()}
    root = "" if "root" in names else _PASSWD
    sshd = "" if "sshd" in names else "sshd:x:65533:65534::/:/bin/false\n"
    return f"{root}{kept}{sshd}{layout.ACCOUNT}:x:0:0:{layout.ACCOUNT}:{layout.HOME}:{shell}\n"


def group_with_work(group: str, gid: int) -> str:
    """The image's group(5) and the group `work`."""
    return f"{layout.ACCOUNT}:x:{gid}:\n" + _without(layout.ACCOUNT, group or _GROUP)


def group_with_root(group: str) -> str:
    """The image's group(5) for a session with root, whose group is root's."""
    return _without(layout.ACCOUNT, group or _GROUP)


def profile_with_path(profile: str, path: str) -> str:
    """The image's /etc/profile, which sets PATH anew for login shells in most distributions, and the image's PATH."""
    kept = _without_ours(profile)
    return f"""{kept}{_PROFILE_BEGIN}
case ":$PATH:" in
    *:{_quoted(path)}:*) ;;
    *) PATH={_quoted(path)}:"$PATH" ;;
esac
case ":$PATH:" in
    *:{layout.KIT_BIN}:*) ;;
    *) PATH="$PATH:{layout.KIT_BIN}" ;;
esac
export PATH
{_PROFILE_END}
"""


def _without_ours(profile: str) -> str:
    """A profile as it was; in a committed image it has our lines, and perhaps others after them."""
    before, ours, rest = profile.partition(_PROFILE_BEGIN)
    if before and not before.endswith("\n"):
        before += "\n"
    return before + _without_ours(rest.partition(f"{_PROFILE_END}\n")[2]) if ours else before


def _without(name: str, text: str) -> str:
    lines = (line for line in text.splitlines() if line and line.partition(":")[0] != name)
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
