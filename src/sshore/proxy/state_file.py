"""The forwards on disk: what a local proxy restores at its start, and which port each session had last."""

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sshore.proxy.forwards import Forward, ForwardKey
from sshore.sdk.private_files import write_private

_log = logging.getLogger(__name__)
_REMEMBERED_PORTS = 500


@dataclass(frozen=True, slots=True)
class State:
    forwards: list[Forward] = field(default_factory=list)
    last_ports: dict[ForwardKey, int] = field(default_factory=dict)


def read_state(path: Path) -> State:
    """Read the file. A damaged one is kept aside, and the local proxy starts with no forwards."""
    try:
        return _decode(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return State()
    except (ValueError, KeyError, TypeError) as error:
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        _log.warning("%s was damaged (%s) and is now %s; open the forwards again: sshore connect", path, error, aside)
        return State()


def write_state(path: Path, state: State) -> None:
    """Store the forwards, and the latest of the ports that were ever given."""
    recent = list(state.last_ports.items())[-_REMEMBERED_PORTS:]
    document = {
        "forwards": [asdict(forward) for forward in state.forwards],
        "last_ports": [{"key": asdict(key), "port": port} for key, port in recent],
    }
    write_private(path, json.dumps(document, indent=2) + "\n", durable=True)


def _decode(document: dict[str, Any]) -> State:
    forwards = [_forward(item) for item in document["forwards"]]
    return State(forwards, {ForwardKey(**item["key"]): int(item["port"]) for item in document["last_ports"]})


def _forward(item: dict[str, Any]) -> Forward:
    further = tuple(item.get("further_host_keys", ()))
    return Forward(**{**item, "key": ForwardKey(**item["key"]), "further_host_keys": further})
