"""What this machine's sshd can, asked of itself: versions tell little, for distributions take things in and out."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from sshore.core import layout
from sshore.core.public_keys import KEY_TYPES, LONG_KNOWN_KEY_TYPES

_HELPERS = (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth"))
"""Since OpenSSH 9.8 sshd runs programs beside it, which it would look for where it was built for."""
_AGENT_SOCKETS = ("AgentSocketPath", "shared:/tmp")
"""Since OpenSSH 10.6. Its default is ~/.ssh/agent, which a read-only folder has no place for, and which sessions share
that have one folder there; see `agent_sockets`."""
_RSA_ALGORITHM = "rsa-sha2-"
"""The algorithms of `ssh-rsa` keys (RFC 8332)."""
_ANSWER_S = 10.0


def kit_sshd_config(programs: Mapping[str, Path]) -> str:
    """The lines that every `sshd_config` of ours includes; `programs` are the kit's, by their place in it."""
    lines = [f"{option} {layout.KIT_BIN}/{name}" for option, name in _HELPERS if f"bin/{name}" in programs]
    option, value = _AGENT_SOCKETS
    if option.lower() in effective_options(programs["bin/sshd"], [f"{option}={value}"]):
        lines.append(f"{option} {value}")
    return "".join(f"{line}\n" for line in ["# What this kit's sshd needs.", *lines])


def accepted_key_types(sshd: Path) -> frozenset[str]:
    """The types of public keys that sshd lets in, of those that we can read."""
    answer = effective_options(sshd).get("pubkeyacceptedalgorithms")
    if answer is None:
        return LONG_KNOWN_KEY_TYPES
    algorithms = answer.split(",")
    rsa = any(algorithm.startswith(_RSA_ALGORITHM) and "-cert" not in algorithm for algorithm in algorithms)
    return KEY_TYPES & {*algorithms, *(("ssh-rsa",) if rsa else ())}


def effective_options(sshd: Path, options: Iterable[str] = ()) -> dict[str, str]:
    """sshd's settings with its defaults and `options`, by their names in small letters; empty where it knows not all
    of these, and before OpenSSH 9.3, which has no `-G`. Unlike `-T` this needs no host key and no rights."""
    words = [word for option in options for word in ("-o", option)]
    line = [str(sshd), "-G", "-f", "/dev/null", *words]
    try:
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False, timeout=_ANSWER_S)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if done.returncode:
        return {}
    pairs = (line.partition(" ") for line in done.stdout.splitlines())
    return {name.lower(): value for name, _, value in pairs}
