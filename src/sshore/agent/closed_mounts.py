"""Mounts that an engine closes only when the session has started: Docker cannot be asked for ``nosuid,nodev``.

Nothing of the user's runs before. A container that is started again by other means than Sshore's waits, too.
"""

import re
import time
from collections.abc import Sequence

from sshore.agent.journal import say

PATIENCE_S = 30.0
_POLL_S = 0.005
_CLOSED = {"nosuid", "nodev"}


def wait_until_closed(places: Sequence[str], patience_s: float = PATIENCE_S) -> bool:
    """Wait until what is mounted at these places is ``nosuid,nodev``; whether it is so."""
    deadline = time.monotonic() + patience_s
    while left := still_open(places, _mountinfo()):
        if time.monotonic() >= deadline:
            say(f"the agent cannot start: the server has not mounted {', '.join(left)} nosuid,nodev")
            return False
        time.sleep(_POLL_S)
    return True


def still_open(places: Sequence[str], mountinfo: str) -> list[str]:
    """Those of the places that nothing is mounted at so (proc(5), mountinfo). What is mounted last is what is seen."""
    options = {}
    for line in mountinfo.splitlines():
        point, how = line.split(" ", 6)[4:6]
        options[_plain(point)] = set(how.split(","))
    return [place for place in places if not options.get(place, set()) >= _CLOSED]


def _mountinfo() -> str:
    with open("/proc/self/mountinfo", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib costs a megabyte
        return file.read()


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), text)
