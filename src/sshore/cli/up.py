"""`sshore up`: server and local proxy in one process, its own user logged in, perhaps with a demo session."""

import asyncio
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from sshore.cli.commands.forwards import print_card
from sshore.cli.connecting.ordinary import trust
from sshore.cli.failures import say
from sshore.cli.local_user import LocalUser
from sshore.cli.waiting import STEP_S, wait_settled
from sshore.core.apps import SSH
from sshore.core.choices import Network
from sshore.core.errors import Conflict, SshoreError
from sshore.core.settings import parse_port
from sshore.core.states import SessionState
from sshore.proxy.client import connect
from sshore.proxy.forwards import Card
from sshore.proxy.local_proxy import run_local_proxy
from sshore.schema.session_messages import CreateSession, SessionMessage
from sshore.sdk.address import ServerAddress, parse_server_url, token_url
from sshore.sdk.client import Client
from sshore.sdk.credentials import Login, read_credentials, store_login
from sshore.sdk.errors import ApiError
from sshore.sdk.private_files import write_private
from sshore.server.run import Ready, run_server
from sshore.server.settings import Settings
from sshore.wire.problems import Code

DEMO = "demo"
_PORT_FILE = "up.port"
_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound


async def run_up(user: LocalUser, settings: Settings, *, demo: bool) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    await run_server(settings, _Up(user, settings, demo).on_ready)
    print("stopped; the sessions go on. Take them up again with: sshore up")


def with_last_port(settings: Settings) -> Settings:
    """The settings with the port that the last `sshore up` on this state directory served at, where there was one:
    local ports lead there, and logins."""
    try:
        return replace(settings, port=parse_port((settings.state_dir / _PORT_FILE).read_text().strip()))
    except (OSError, ValueError, SshoreError):
        return settings


@dataclass(frozen=True, slots=True)
class _Up:
    user: LocalUser
    settings: Settings
    demo: bool

    async def on_ready(self, ready: Ready) -> None:
        """Log in, run the local proxy, print what to do next; runs until it is cancelled."""
        with suppress(OSError, SshoreError):  # a full disk: the default port does
            write_private(self.settings.state_dir / _PORT_FILE, f"{self.settings.port}\n")
        login = await self._log_in(ready)
        try:
            async with run_local_proxy(self.user.config, host="up"):
                await self._welcome(login, await ready.mint_first_token())
                await asyncio.Event().wait()
        except Conflict:  # the user's local proxy runs on its own: that one serves as well
            await self._welcome(login, await ready.mint_first_token())
            await asyncio.Event().wait()

    async def _log_in(self, ready: Ready) -> Login:
        address = _reachable(ready.url)
        stored = read_credentials(self.user.config.credentials).tokens.get(address.url, "")
        if not stored or not await asyncio.to_thread(_works, Login(address, stored)):
            stored = await ready.mint_admin_token("sshore up")
        login = Login(address, stored)
        await asyncio.to_thread(self._store, login)
        return login

    def _store(self, login: Login) -> None:
        store_login(self.user.config.credentials, login)
        with Client(login) as client:
            trust(self.user.config, client)

    async def _welcome(self, login: Login, first_token: str) -> None:
        print(f"Sshore serves at {login.address.url} (state in {self.settings.state_dir}); Ctrl-C ends it.")
        print(f"As admin from elsewhere, today: sshore login '{token_url(login.address, first_token)}'")
        card = await asyncio.to_thread(self._demo_card, login) if self.demo else None
        if card is None:
            print("You are logged in: make a session with `sshore run demo`, and enter it with `sshore ssh demo`.")
        else:
            print(f"\nThe session {DEMO} runs. Connect to it from another terminal:\n")
            print_card(card, ("or shorter", f"sshore ssh {DEMO}"))
        print(flush=True)

    def _demo_card(self, login: Login) -> Card | None:
        """The card of the demo session. A demo that cannot be is no reason to end the server."""
        try:
            with Client(login) as client:
                session = wait_settled(client, _running_demo(client))
            with closing(connect(self.user.config)) as local:
                card = local.open(login, session.id, SSH)
        except SshoreError as error:
            say(f"there is no session {DEMO}: {error.problem.detail}")
            return None
        for note in card.notes:
            say(note)
        return card


def _running_demo(client: Client) -> SessionMessage:
    try:
        session = client.session(DEMO)
    except ApiError as error:
        if error.problem.code is not Code.NOT_FOUND:
            raise
        return _new_demo(client)
    if session.state is SessionState.RUNNING and session.linked:
        return session
    return client.start_session(session.id, wait_s=STEP_S)


def _new_demo(client: Client) -> SessionMessage:
    try:
        return client.create_session(CreateSession(DEMO, apps=[SSH]), wait_s=STEP_S)
    except ApiError as error:
        if error.problem.code not in (Code.ENGINE_FAILED, Code.LIMIT_UNSUPPORTED):
            raise
        # What a machine lacks most often is what `nat` needs, and SSH needs no network inside.
        session = client.create_session(CreateSession(DEMO, apps=[SSH], network=Network.NONE), wait_s=STEP_S)
        say(f"{DEMO} has no network of its own: {error.detail}")
        return session


def _works(login: Login) -> bool:
    try:
        with Client(login) as client:
            client.me()
    except ApiError:
        return False
    return True


def _reachable(url: str) -> ServerAddress:
    """The address to store: one that listens everywhere is reached by the loopback."""
    address = parse_server_url(url)
    return ServerAddress(address.scheme, "127.0.0.1", address.port) if address.host in _ANY_ADDRESS else address
