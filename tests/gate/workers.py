"""How many workers a run has: tests mostly wait for other programs, so more than there are processors."""

import os

import psutil

_A_PROCESSOR = 2
_MOST = 12
_MEMORY_OF_ONE = 1 << 30
"""Two deployments, and the sessions of a test."""


def number_of_workers() -> int:
    fit = psutil.virtual_memory().available // _MEMORY_OF_ONE
    return max(1, min(_A_PROCESSOR * len(os.sched_getaffinity(0)), _MOST, fit))
