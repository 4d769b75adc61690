"""What an administrator sets for sandboxes."""

from dataclasses import dataclass

from sshore.core.allowed import Allowed


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """`host_network`: whose sessions may have the host's network; `filtered`: whether system calls are refused, as
    `system_calls.py` says."""

    host_network: Allowed = Allowed.NONE
    filtered: bool = True
