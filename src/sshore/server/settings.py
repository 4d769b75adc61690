"""What can be set, and from where: arguments, then ``SSHORE_*`` in the environment, then defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from platformdirs import user_state_path

from sshore.core.allowances import Limits, parse_allowances
from sshore.core.allowed import Allowed
from sshore.core.errors import InvalidInput
from sshore.core.settings import parse_port
from sshore.core.trusted_proxies import TrustedProxies
from sshore.engines.docker.options import DockerOptions
from sshore.engines.sandbox.options import SandboxOptions
from sshore.gateway.unfinished import MOST, MOST_BY_PEER
from sshore.oidc.provider import ProviderSettings
from sshore.server.docker import docker_options
from sshore.server.secret_files import read_secret
from sshore.services.audit import DEFAULT_KEEP_DAYS
from sshore.services.folders.trash import DEFAULT_TRASH_DAYS
from sshore.store.database_url import with_password

DEFAULT_PORT = 8022


@dataclass(frozen=True, slots=True)
class Settings:
    """`database_url` is empty for SQLite in the state directory; else see `store.database_url`."""

    state_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    database_url: str = field(default="", repr=False)  # it may hold a password
    audit_days: float = DEFAULT_KEEP_DAYS
    """How long the records of streams are kept."""
    trash_days: float = DEFAULT_TRASH_DAYS
    """How long removed folders can be had back."""

    public_url: str = ""
    """The address that users' browsers know, where it is not the one that arrives here."""
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    """Whose X-Forwarded-For is believed."""
    unfinished: int = MOST
    unfinished_by_address: int = MOST_BY_PEER
    """Connections that have not said yet what they want."""
    allowances: Limits = field(default_factory=dict)
    """The default of members."""
    allowances_maximum: Limits = field(default_factory=dict)
    """What nobody is allowed more than."""
    oidc: ProviderSettings | None = None
    oidc_create_users: bool = False
    sandbox: SandboxOptions = field(default_factory=SandboxOptions)
    docker: DockerOptions = field(default_factory=DockerOptions)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **overrides: Any) -> Self:
        """Settings from the environment; an override that is not None wins.

        Raises:
            InvalidInput: the port or the number of days is none, or a secret's file cannot be read.
        """
        values: dict[str, Any] = {"state_dir": Path(environment.get("SSHORE_STATE_DIR") or default_state_dir())}
        if port := environment.get("SSHORE_PORT"):
            values["port"] = parse_port(port)
        if host := environment.get("SSHORE_HOST"):
            values["host"] = host
        values["database_url"] = _database_url(environment)
        if days := environment.get("SSHORE_AUDIT_DAYS"):
            values["audit_days"] = _parse_days("SSHORE_AUDIT_DAYS", days)
        if days := environment.get("SSHORE_TRASH_DAYS"):
            values["trash_days"] = _parse_days("SSHORE_TRASH_DAYS", days)
        values["proxies"] = TrustedProxies.parse(environment.get("SSHORE_TRUSTED_PROXIES", ""))
        for name in ("unfinished", "unfinished_by_address"):
            if number := environment.get(f"SSHORE_{name.upper()}"):
                values[name] = _parse_count(f"SSHORE_{name.upper()}", number)
        for name in ("allowances", "allowances_maximum"):
            values[name] = _parse_allowances(f"SSHORE_{name.upper()}", environment)
        values["public_url"] = environment.get("SSHORE_URL", "")
        values["oidc"] = _provider_of(environment)
        values["oidc_create_users"] = environment.get("SSHORE_OIDC_CREATE_USERS", "") in ("1", "yes", "true")
        host_network = Allowed.parse("SSHORE_HOST_NETWORK", environment.get("SSHORE_HOST_NETWORK", ""))
        values["sandbox"] = SandboxOptions(host_network, filtered=_is_filtered(environment))
        values["docker"] = docker_options(environment, host_network)
        values |= {name: value for name, value in overrides.items() if value is not None}
        values["state_dir"] = Path(values["state_dir"]).expanduser().absolute()
        return cls(**values)


def _database_url(environment: Mapping[str, str]) -> str:
    url = read_secret(environment, "SSHORE_DATABASE_URL")
    password = read_secret(environment, "SSHORE_DATABASE_PASSWORD")
    return with_password(url, password) if url and password else url


def _is_filtered(environment: Mapping[str, str]) -> bool:
    calls = environment.get("SSHORE_SYSTEM_CALLS", "") or "filtered"
    if calls not in ("filtered", "all"):
        raise InvalidInput(f"SSHORE_SYSTEM_CALLS is {calls!r}: give filtered or all")
    return calls == "filtered"


def _provider_of(environment: Mapping[str, str]) -> ProviderSettings | None:
    issuer, client_id = (environment.get(f"SSHORE_OIDC_{name}", "") for name in ("ISSUER", "CLIENT_ID"))
    if not issuer:
        return None
    if not client_id:
        raise InvalidInput("SSHORE_OIDC_ISSUER is set, and SSHORE_OIDC_CLIENT_ID is not: set both")
    return ProviderSettings(issuer, client_id, read_secret(environment, "SSHORE_OIDC_CLIENT_SECRET"))


def _parse_count(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise InvalidInput(f"{name} is {text!r}: give a number of connections, such as 256")
    return int(text)


def _parse_allowances(name: str, environment: Mapping[str, str]) -> Limits:
    try:
        limits, _ = parse_allowances(environment.get(name, "").replace(",", " ").split())
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error.problem.detail}") from error
    return limits


def _parse_days(name: str, text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0
    if not 0 < days < 100_000:
        raise InvalidInput(f"{name} is {text!r}: give a number of days, such as 90")
    return days


def default_state_dir() -> Path:
    """Root's is /var/lib/sshore, which sessions' own uids can pass through to their homes; /root they cannot."""
    return Path("/var/lib/sshore") if os.geteuid() == 0 else user_state_path("sshore")
