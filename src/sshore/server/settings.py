"""What can be set, and from where: arguments, then ``SSHORE_*`` in the environment, then defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from platformdirs import user_state_path

from sshore.core.settings import parse_port

DEFAULT_PORT = 8022


@dataclass(frozen=True, slots=True)
class Settings:
    """`database_url` is SQLAlchemy's; empty means SQLite in the state directory."""

    state_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    database_url: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **overrides: Any) -> Self:
        """Settings from the environment; an override that is not None wins.

        Raises:
            InvalidInput: the port is none.
        """
        values: dict[str, Any] = {"state_dir": Path(environment.get("SSHORE_STATE_DIR") or default_state_dir())}
        if port := environment.get("SSHORE_PORT"):
            values["port"] = parse_port(port)
        if host := environment.get("SSHORE_HOST"):
            values["host"] = host
        if url := environment.get("SSHORE_DATABASE_URL"):
            values["database_url"] = url
        values |= {name: value for name, value in overrides.items() if value is not None}
        values["state_dir"] = Path(values["state_dir"]).expanduser().absolute()
        return cls(**values)


def default_state_dir() -> Path:
    """Root's is /var/lib/sshore, which sessions' own uids can pass through to their homes; /root they cannot."""
    return Path("/var/lib/sshore") if os.geteuid() == 0 else user_state_path("sshore")
