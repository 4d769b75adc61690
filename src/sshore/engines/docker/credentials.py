"""What registries are shown: logins of this server's own, and those of the docker command line's configuration.

Each is looked up when a registry is asked, so that a `docker login` on the machine counts at once. Nothing here is
logged, and no secret is part of a `repr`.
"""

import asyncio
import base64
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from sshore.core.errors import EngineFailed
from sshore.core.images import DOCKER_HUB

HUB_ADDRESS = "https://index.docker.io/v1/"
"""What the docker command line and Docker Hub call Docker Hub."""
_HELPER = re.compile(r"[a-z0-9-]+")
_HELPER_TIMEOUT_S = 10.0
_TOKEN_USER = "<token>"
"""docker-credential-helpers: the secret is an identity token."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One login at one registry."""

    registry: str
    username: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    source: Literal["sshore", "docker"] = "sshore"

    @property
    def address(self) -> str:
        return HUB_ADDRESS if self.registry == DOCKER_HUB else self.registry

    @property
    def where(self) -> str:
        return "this server" if self.source == "sshore" else "the docker command line's configuration"

    def body(self) -> dict[str, str]:
        """As the daemon wants it (``AuthConfig``)."""
        who = {"serveraddress": self.address, "username": self.username}
        if self.identity_token:
            return {**who, "identitytoken": self.identity_token}
        return {**who, "password": self.password}

    def header(self) -> str:
        """``X-Registry-Auth``."""
        return base64.urlsafe_b64encode(json.dumps(self.body()).encode()).decode()


class StoredLogins:
    """The server's own logins, in one file that only it can read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, registry: str) -> Credentials | None:
        return self._read().get(registry)

    def logins(self) -> list[Credentials]:
        return [login for _, login in sorted(self._read().items())]

    def put(self, login: Credentials) -> None:
        self._write({**self._read(), login.registry: login})

    def remove(self, registry: str) -> bool:
        """Whether there was one."""
        logins = self._read()
        if logins.pop(registry, None) is None:
            return False
        self._write(logins)
        return True

    def _read(self) -> dict[str, Credentials]:
        try:
            stored = json.loads(self._file.read_text())
            return {registry: Credentials(**values) for registry, values in stored.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise EngineFailed(f"{self._file} is damaged: remove it, and log in to the registries again") from error

    def _write(self, logins: dict[str, Credentials]) -> None:
        aside = self._file.with_suffix(".new")
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({registry: asdict(login) for registry, login in logins.items()}, file)
        aside.replace(self._file)


class DockerConfig:
    """The docker command line's config.json: ``auths``, ``credHelpers`` and ``credsStore``."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    async def get(self, registry: str) -> Credentials | None:
        """Its login at a registry.

        Raises:
            EngineFailed: the file cannot be read, or a helper that it names does not run.
        """
        config = self._read()
        helper = config.get("credHelpers", {}).get(_address(registry)) or config.get("credsStore", "")
        if helper and (found := await _ask_helper(helper, registry)):
            return found
        return next((_from_auth(registry, config["auths"][key]) for key in self._keys(config, registry)), None)

    def logins(self) -> list[Credentials]:
        """Those in the file itself, and those registries for which a helper would be asked."""
        config = self._read()
        registries = {_bare(key) for part in ("auths", "credHelpers") for key in config.get(part, {})}
        found = []
        for registry in sorted(registries):
            keys = self._keys(config, registry)
            known = _from_auth(registry, config["auths"][keys[0]]) if keys else None
            found.append(known or Credentials(registry, "", source="docker"))
        return found

    def _keys(self, config: dict[str, Any], registry: str) -> list[str]:
        """Under which names the file has something for a registry."""
        return [key for key, auth in config.get("auths", {}).items() if _bare(key) == registry and auth]

    def _read(self) -> dict[str, Any]:
        if self._file is None:
            return {}
        try:
            config = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise EngineFailed(
                f"{self._file}, the docker command line's configuration, cannot be read: {error}"
            ) from error
        return config if isinstance(config, dict) else {}


def _from_auth(registry: str, auth: dict[str, str]) -> Credentials | None:
    """An entry of ``auths``: `auth` is base64 of ``USER:PASSWORD``."""
    try:
        username, _, password = base64.b64decode(auth.get("auth", "")).decode().rstrip("\0").partition(":")
    except ValueError:
        return None
    username, password = auth.get("username") or username, auth.get("password") or password
    token = auth.get("identitytoken", "")
    return Credentials(registry, username, password, token, "docker") if password or token else None


async def _ask_helper(helper: str, registry: str) -> Credentials | None:
    """What ``docker-credential-HELPER get`` says; None when it knows nothing of this registry."""
    if not _HELPER.fullmatch(helper):
        raise EngineFailed(f"the docker command line's configuration names no credential helper with {helper!r}")
    program, pipe = f"docker-credential-{helper}", asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            program, "get", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise EngineFailed(f"the credential helper {program} does not run: {error.strerror}") from error
    try:
        async with asyncio.timeout(_HELPER_TIMEOUT_S):
            said, _ = await process.communicate(_address(registry).encode())
    except TimeoutError as error:
        raise EngineFailed(f"the credential helper {program} does not answer") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _from_helper(registry, said) if process.returncode == 0 else None


def _from_helper(registry: str, said: bytes) -> Credentials | None:
    try:
        answer = json.loads(said)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        return None
    if username == _TOKEN_USER:
        return Credentials(registry, "", identity_token=secret, source="docker")
    return Credentials(registry, username, secret, source="docker")


def _address(registry: str) -> str:
    return HUB_ADDRESS if registry == DOCKER_HUB else registry


def _bare(key: str) -> str:
    """The registry that a key of config.json means: they have been written with scheme and path, too."""
    if key == HUB_ADDRESS:
        return DOCKER_HUB
    host = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DOCKER_HUB if host in ("index.docker.io", "registry-1.docker.io") else host
