"""The limit on open files: two descriptors a stream, and the usual 1,024 are too few for some hundred streams.

The soft limit is that low for programs that use select(2), which cannot count further; the server does not. Sessions
keep the limit that the server was started with.
"""

import resource


def raise_open_files() -> tuple[int, int]:
    """Raise the soft limit to the hard one; return what both were before (getrlimit(2))."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] != before[1]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before


def open_files() -> int:
    """How many files the server may open once the limit is raised; a great number where there is no limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if most != resource.RLIM_INFINITY else 1 << 20
