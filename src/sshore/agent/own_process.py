"""The agent's own process, which the session's programs, of the same uid, are to leave alone."""

import ctypes

from sshore.agent.journal import say

_PR_SET_DUMPABLE = 4


def close_to_others() -> None:
    """Nobody of the session traces this process, or reaches by /proc what it has open: its log, its links (prctl(2),
    PR_SET_DUMPABLE; ptrace(2))."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        say("the agent cannot be closed to the session's programs")
