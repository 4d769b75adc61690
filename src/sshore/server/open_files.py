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
