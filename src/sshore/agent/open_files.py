"""The limit on open files: a descriptor a connection, and the usual 1,024 are too few for a thousand of them."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

_ENOUGH = 1 << 16


class OpenFiles:
    """The agent's own soft limit, raised as far as it may be; its children keep the one that the session has, because
    programs that use select(2) cannot count further."""

    def __init__(self) -> None:
        self._null = os.open(os.devnull, os.O_RDWR)
        self._low = [os.dup(self._null) for _ in range(3)]
        self._of_session = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._raised = _raised(*self._of_session)
        self._set(self._raised)

    @contextmanager
    def of_session(self, *descriptors: int) -> Iterator[list[int]]:
        """What is started meanwhile inherits the session's limit (getrlimit(2)); what is open stays open. Three
        descriptors can be given on, by the numbers that come: glibc's posix_spawn_file_actions_adddup2 refuses any
        that is not below the limit, open as it may be."""
        for descriptor, low in zip(descriptors, self._low, strict=True):
            os.dup2(descriptor, low, inheritable=False)
        self._set(self._of_session)
        try:
            yield self._low
        finally:
            self._set(self._raised)
            for low in self._low:
                os.dup2(self._null, low, inheritable=False)

    def _set(self, limits: tuple[int, int]) -> None:
        if self._raised != self._of_session:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def _raised(soft: int, hard: int) -> tuple[int, int]:
    if soft == resource.RLIM_INFINITY:
        return soft, hard
    return max(soft, _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)), hard
