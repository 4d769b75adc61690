"""Committed images: by which names and labels the daemon knows whose they are; pure functions.

    sshore.local/<deployment>/<owner's id>/<the name that the owner says>

The first part looks like a registry that is nowhere, so that no such image is ever pulled or pushed by mistake, and no
name of a user's can stand for another user's image, or for one of everybody's.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sshore.core.ids import UserId
from sshore.core.images import CommittedImage, full_name, is_own_name

_NOWHERE = "sshore.local"
COMMITTED_LABEL = "sshore.committed"
"""The deployment's id."""
OWNER_LABEL = "sshore.owner"
BASE_LABEL = "sshore.base"
"""The size of the image that the first of its commits was made on: the rest of it has been written by commits."""


def own_tag(deployment: str, owner_id: UserId, name: str) -> str:
    """The daemon's name for an owner's image; empty when it could be none."""
    return f"{_repository(deployment, owner_id)}{full_name(name)}" if is_own_name(name) else ""


def is_own_tag(tag: str) -> bool:
    """Whether this is some deployment's name for a committed image."""
    return tag.startswith(f"{_NOWHERE}/")


def read_own_tag(deployment: str, tag: str) -> tuple[UserId, str] | None:
    """Whose image it is, and its owner's name for it; None when it is not this deployment's."""
    words = tag.split("/", 3)
    if len(words) < 4 or words[:2] != [_NOWHERE, deployment]:
        return None
    return UserId(words[2]), words[3]


def may_use(deployment: str, owner_id: UserId | None, inspected: Mapping[str, Any]) -> bool:
    """Whether a user may use an image that was named otherwise than by a name of the user's own: by its id."""
    tags: Collection[str] = inspected.get("RepoTags") or ()
    if any(not is_own_tag(tag) for tag in tags):
        return True
    labels = (inspected.get("Config") or {}).get("Labels") or {}
    if not tags and COMMITTED_LABEL not in labels:
        return True
    if any((read := read_own_tag(deployment, tag)) and read[0] == owner_id for tag in tags):
        return True
    return not tags and labels.get(COMMITTED_LABEL) == deployment and labels.get(OWNER_LABEL) == owner_id


def base_bytes(deployment: str, size_bytes: int, labels: Mapping[str, str]) -> int:
    """How much of an image of this size is no commit's of ours. One that does not say it, or not as ours, has none."""
    said = labels.get(BASE_LABEL, "") if labels.get(COMMITTED_LABEL) == deployment else ""
    return min(int(said), size_bytes) if said.isascii() and said.isdigit() else size_bytes


def committed_image(deployment: str, owner_id: UserId, listed: Mapping[str, Any]) -> CommittedImage | None:
    """An image, as the daemon lists it, that a user has committed; by its labels, so that it needs no name."""
    labels, tags = listed.get("Labels") or {}, [it for it in listed.get("RepoTags") or () if it != "<none>:<none>"]
    if labels.get(COMMITTED_LABEL) != deployment or labels.get(OWNER_LABEL) != owner_id:
        return None
    size_bytes = int(listed.get("Size") or 0)
    names = tuple(read[1] for tag in tags if (read := read_own_tag(deployment, tag)) and read[0] == owner_id)
    return CommittedImage(str(listed["Id"]), names, size_bytes - base_bytes(deployment, size_bytes, labels))


def _repository(deployment: str, owner_id: UserId) -> str:
    return f"{_NOWHERE}/{deployment}/{owner_id}/"
