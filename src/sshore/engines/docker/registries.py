"""Logins at registries: which one counts, and whether a registry accepts it."""

import asyncio
import json
from pathlib import Path

from aiodocker import DockerError

from sshore.core.errors import EngineFailed, SshoreError
from sshore.core.images import RegistryLogin
from sshore.engines.docker.credentials import Credentials, DockerConfig, StoredLogins
from sshore.engines.docker.daemon import Daemon
from sshore.wire.problems import Code


class Registries:
    """What registries are shown: this server's own logins first, then the docker command line's."""

    def __init__(self, daemon: Daemon, directory: Path, docker_config: Path | None) -> None:
        self._daemon = daemon
        self._stored = StoredLogins(directory / "registries.json")
        self._config = DockerConfig(docker_config)

    async def credentials(self, registry: str) -> Credentials | None:
        """For a pull from a registry. Raises EngineFailed when they cannot be read."""
        stored = await asyncio.to_thread(self._stored.get, registry)
        return stored or await self._config.get(registry)

    async def log_in(self, registry: str, username: str, password: str) -> None:
        """Keep a login that the registry accepts, in the place of a former one.

        Raises:
            EngineFailed: it does not accept it (``registry_login``), or cannot be asked.
        """
        login = Credentials(registry, username, password)
        token = await self._ask(login)
        # A registry that gives a token is shown that instead of the password.
        kept = Credentials(registry, username, identity_token=token) if token else login
        await asyncio.to_thread(self._stored.put, kept)

    async def log_out(self, registry: str) -> bool:
        return await asyncio.to_thread(self._stored.remove, registry)

    async def logins(self) -> list[RegistryLogin]:
        """The logins of both sources; a stored one hides the other's."""
        stored = await asyncio.to_thread(self._stored.logins)
        ours = {login.registry for login in stored}
        theirs = [login for login in await asyncio.to_thread(self._config.logins) if login.registry not in ours]
        return [RegistryLogin(login.registry, login.username, login.source) for login in (*stored, *theirs)]

    async def _ask(self, login: Credentials) -> str:
        """Have the daemon try a login; the identity token that the registry gave, if any."""
        purpose = f"log in to {login.registry}"
        with self._daemon.errors(purpose):
            try:
                answer = await self._daemon.docker._query_json("auth", "POST", data=json.dumps(login.body()))
            except DockerError as error:
                raise _refusal(login, error) or error from None
        return str((answer or {}).get("IdentityToken") or "")


def _refusal(login: Credentials, error: DockerError) -> SshoreError | None:
    said = error.message.strip()
    if error.status == 401 or "unauthorized" in said.lower() or "incorrect username" in said.lower():
        return EngineFailed(
            f"the registry {login.registry} does not accept this password for {login.username!r}: see both, and that "
            f"the registry is the right one ({said})",
            code=Code.REGISTRY_LOGIN,
            registry=login.registry,
        )
    if "http response to https client" in said.lower():
        return EngineFailed(
            f"the registry {login.registry} has no TLS: the daemon's administrator can name it in `insecure-registries`"
            " of /etc/docker/daemon.json"
        )
    return None
