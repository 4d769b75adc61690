"""Commits: a container's changes as an image that says of itself what the image before it said; pure functions.

What a start adds to a container's files is added to each container's anew, in the place of what was added before: the
line of `work` in passwd(5) and group(5), the lines at the end of the profile, the shell of images without one. Places
that are mounted leave empty directories. What it adds to the configuration is taken back here, as far as the daemon
lets one: it merges the container's configuration into what it is given, so that a variable can be changed, but not
taken away.
"""

from collections.abc import Mapping
from typing import Any

from sshore.core.ids import UserId
from sshore.engines.docker.own_images import BASE_LABEL, COMMITTED_LABEL, OWNER_LABEL, base_bytes

_OUR_LABELS = "sshore."


def committed_config(
    container: Mapping[str, Any], original: Mapping[str, Any], deployment: str, owner_id: UserId
) -> dict[str, Any]:
    """The body of ``POST /commit``: the configuration of the original image. Both as `inspect` shows them."""
    config = original.get("Config") or {}
    return {
        "Env": list(config.get("Env") or ()),
        "Entrypoint": list(config.get("Entrypoint") or ()),
        "Cmd": list(config.get("Cmd") or ()),
        # Empty ones would be the container's.
        "User": config.get("User") or "0",
        "WorkingDir": config.get("WorkingDir") or "/",
        "StopSignal": config.get("StopSignal") or "SIGTERM",
        "Healthcheck": config.get("Healthcheck") or {"Test": ["NONE"]},
        "Labels": {
            **_cleared(container),
            **_cleared(original),
            COMMITTED_LABEL: deployment,
            OWNER_LABEL: owner_id,
            BASE_LABEL: str(base_bytes(deployment, int(original.get("Size") or 0), config.get("Labels") or {})),
        },
    }


def _cleared(inspected: Mapping[str, Any]) -> dict[str, str]:
    """Labels, with those of the platform's emptied, by which sessions and their containers are found."""
    labels = (inspected.get("Config") or {}).get("Labels") or {}
    return {name: "" if name.startswith(_OUR_LABELS) else value for name, value in labels.items()}
