"""Launch and stop apps in running sessions."""

from collections.abc import Mapping
from typing import Any

from sshore.core.apps import CATALOGUE, App, AppStatus, check_app_name, title_of
from sshore.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from sshore.core.names import suggestion
from sshore.core.ports import Links
from sshore.core.sessions import Session
from sshore.core.states import SessionState
from sshore.services.sessions.records import SessionRecords
from sshore.wire.problems import Code


class AppService:
    def __init__(self, records: SessionRecords, links: Links) -> None:
        self._records = records
        self._links = links

    async def list(self, session: Session) -> list[AppStatus]:
        """The catalogue's apps and others that are launched; in a session that does not run, none is."""
        reported = await self._reported(session)
        idle = [AppStatus(app.name, app.title, launched=False) for app in CATALOGUE.values()]
        return [*reported.values(), *(status for status in idle if status.name not in reported)]

    async def start(self, session: Session, name: str) -> AppStatus:
        """Launch an app, and again whenever the session starts; idempotent.

        Raises:
            NotFound: there is no such app. Conflict: the session does not run.
            Unavailable: its agent is not in touch. SshoreError (``app_failed``): it did not start.
        """
        app = find_app(name)
        require_running(session)
        await self._links.call(session.id, "app.start", app=app.name, command=list(app.command), port=app.port)
        await self._records.set_launched(session.id, app.name, launched=True)
        return await self._status(session, app)

    async def stop(self, session: Session, name: str) -> AppStatus:
        """Stop an app; its open streams end. Idempotent."""
        app = find_app(name)
        if session.state is SessionState.RUNNING:
            await self._links.call(session.id, "app.stop", app=app.name)
        await self._records.set_launched(session.id, app.name, launched=False)
        return AppStatus(app.name, app.title, launched=False)

    async def _status(self, session: Session, app: App) -> AppStatus:
        reported = await self._reported(session)
        return reported.get(app.name, AppStatus(app.name, app.title, launched=True))

    async def _reported(self, session: Session) -> dict[str, AppStatus]:
        if session.state is not SessionState.RUNNING:
            return {}
        reply = await self._links.call(session.id, "app.list")
        # An agent is the session's, and may say what it likes.
        try:
            found = [_read_status(app) for app in reply.get("apps", [])]
        except (TypeError, KeyError, AttributeError, ValueError, OverflowError, InvalidInput) as error:
            raise Unavailable("the session's agent answered nonsense", code=Code.NO_LINK) from error
        return {status.name: status for status in found}


def _read_status(app: Mapping[str, Any]) -> AppStatus:
    name = check_app_name(app["name"])
    return AppStatus(name, title_of(name), bool(app.get("launched")), int(app.get("connections", 0)))


def find_app(name: str) -> App:
    """An app of the catalogue.

    Raises:
        NotFound: there is none of that name.
    """
    check_app_name(name)
    if name not in CATALOGUE:
        hint = suggestion(name, list(CATALOGUE)) or f"; apps: {', '.join(CATALOGUE)}"
        raise NotFound(f"there is no app {name!r}{hint}")
    return CATALOGUE[name]


def require_running(session: Session) -> None:
    """Let running sessions pass.

    Raises:
        Conflict: it does not run (``session_not_running``).
    """
    if session.state is SessionState.RUNNING:
        return
    why = f"{session.reason}; " if session.reason else ""
    next_step = {
        SessionState.PENDING: session.reason or "it waits to be placed",
        SessionState.STARTING: "try again in a moment",
        SessionState.STOPPING: "wait until it has stopped",
    }.get(session.state, f"{why}start it with: sshore start {session.name}")
    raise Conflict(
        f"session {session.name!r} is {session.state}: {next_step}",
        code=Code.SESSION_NOT_RUNNING,
        state=str(session.state),
    )
