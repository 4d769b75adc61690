"""The connection to the daemon, and its errors in our words."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiodocker import Docker, DockerError
from aiodocker.containers import DockerContainer

from sshore.core.errors import EngineFailed, SshoreError, Unavailable
from sshore.core.live_use import Reading
from sshore.engines.docker.options import DockerOptions
from sshore.engines.docker.statistics import reading_of_statistics

_CONNECT_TIMEOUT_S = 10.0
_NO_CONNECTION = 900
"""The status by which aiodocker says that it could not connect."""


class Daemon:
    """The daemon of a machine. Connects when it is first asked something, in the loop that asks."""

    def __init__(self, options: DockerOptions) -> None:
        self._socket = options.socket
        self._docker: Docker | None = None
        self._connector: aiohttp.UnixConnector | None = None

    @property
    def docker(self) -> Docker:
        if self._docker is None:
            # Without a limit: each session that is waited for holds a connection.
            self._connector = aiohttp.UnixConnector(str(self._socket), limit=0)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S)
            # With a connector of ours the URL is but a name.
            self._docker = Docker("unix://localhost", connector=self._connector, timeout=timeout)
        return self._docker

    async def aclose(self) -> None:
        if self._docker is not None and self._connector is not None:
            await self._docker.close()
            await self._connector.close()
            self._docker = self._connector = None

    async def info(self) -> dict[str, Any]:
        """`docker info`. Raises Unavailable when the daemon does not answer."""
        with self.errors("ask for what it has"):
            return dict(await self.docker.system.info())

    async def containers(self, *labels: str) -> list[DockerContainer]:
        """The containers with these labels, whatever their state."""
        with self.errors("list containers"):
            filters = json.dumps({"label": list(labels)})
            return await self.docker.containers.list(all="true", filters=filters)

    async def statistics(self, container: DockerContainer) -> Reading | None:
        """What the daemon says that a container has used since it started; None when it has ended."""
        with self.errors("measure a session"):
            try:
                # One shot, which aiodocker's own `stats` lacks: else the daemon measures for a second or two.
                path, how = f"containers/{container.id}/stats", {"stream": "0", "one-shot": "1"}
                async with self.docker._query(path, params=how) as answer:
                    # Podman does not say that it is JSON.
                    stats = await answer.json(content_type=None)
            except DockerError as error:
                if error.status not in (404, 409):
                    raise
                return None
        return reading_of_statistics(stats)

    async def remove(self, container: str) -> None:
        """Kill a container and remove it with its anonymous volumes; nothing when there is none."""
        refused = False
        while True:
            try:
                await self.docker.containers.container(container).delete(force=True, v=True)
            except DockerError as error:
                if error.status == 404:
                    return
                # Somebody else removes it at this moment: its end is waited for.
                if error.status == 409 and "already in progress" in error.message:
                    await asyncio.sleep(0.05)
                    continue
                if refused:
                    raise self.explained(error, "remove a container") from error
                # Podman without aardvark-dns removes it, and says that it could not: once more it says 404.
                refused = True
            except (aiohttp.ClientError, TimeoutError) as error:
                raise self.explained(error, "remove a container") from error
            else:
                return

    @contextmanager
    def errors(self, purpose: str) -> Iterator[None]:
        """The daemon's errors as ours; `purpose` completes "the Docker daemon could not …"."""
        try:
            yield
        except (DockerError, aiohttp.ClientError, TimeoutError) as error:
            raise self.explained(error, purpose) from error

    def explained(self, error: Exception, purpose: str) -> SshoreError:
        if isinstance(error, DockerError) and error.status != _NO_CONNECTION:
            return EngineFailed(f"the Docker daemon could not {purpose}: {error.message.strip()}")
        return Unavailable(
            f"the Docker daemon at {self._socket} does not answer: see that it runs and that this user may use it "
            "(`docker info`)"
        )
