"""What a forward's health can be, and the sentence that says it."""

from dataclasses import dataclass
from enum import StrEnum

from sshore.core.apps import title_of
from sshore.core.errors import SshoreError
from sshore.core.names import FOLDER_PREFIX
from sshore.core.states import SessionState
from sshore.schema.session_messages import SessionMessage
from sshore.sdk.errors import ApiError
from sshore.wire.problems import Code


class Health(StrEnum):
    OK = "ok"
    APP_NOT_LAUNCHED = "app_not_launched"
    SESSION_NOT_RUNNING = "session_not_running"
    SESSION_GONE = "session_gone"
    SERVER_UNREACHABLE = "server_unreachable"
    REFUSED = "refused"
    PORT_TAKEN = "port_taken"


@dataclass(frozen=True, slots=True)
class Report:
    """A forward's health; `detail` says what is wrong and what to do, and is empty when nothing is."""

    health: Health
    detail: str = ""


HEALTHY = Report(Health.OK)

_BY_CODE = {
    Code.APP_NOT_LAUNCHED: Health.APP_NOT_LAUNCHED,
    Code.SESSION_NOT_RUNNING: Health.SESSION_NOT_RUNNING,
    Code.WRONG_STATE: Health.SESSION_NOT_RUNNING,
    Code.NOT_FOUND: Health.SESSION_GONE,
    Code.NO_LINK: Health.SERVER_UNREACHABLE,
    Code.UNAVAILABLE: Health.SERVER_UNREACHABLE,
}


def report_of_error(error: SshoreError) -> Report:
    """The health that a refused or failed stream shows."""
    return Report(_BY_CODE.get(error.problem.code, Health.REFUSED), error.problem.detail)


def report_of_removed(name: str) -> Report:
    """The health of a forward whose session is no more; the server knows it by its id only, its user by name."""
    detail = f"the session {name} was removed; make it anew and connect, or forget it with: sshore disconnect {name}"
    return Report(Health.SESSION_GONE, detail)


def report_of_session(session: SessionMessage, app: str) -> Report:
    """The health that the server's listing shows."""
    name = session.name
    if session.state is not SessionState.RUNNING:
        reason = f": {session.reason}" if session.reason else ""
        advice = "" if session.state is SessionState.PENDING else f"; start it with: sshore start {name}"
        return Report(Health.SESSION_NOT_RUNNING, f"the session is {session.state}{reason}{advice}")
    if not session.linked:
        detail = f"the session's agent is out of touch; if that lasts: sshore start {name}"
        return Report(Health.SERVER_UNREACHABLE, detail)
    if app not in session.launched:
        detail = f"{title_of(app)} is not launched; launch it with: sshore app start {name} {app}"
        return Report(Health.APP_NOT_LAUNCHED, detail)
    return HEALTHY


def report_of_folder(name: str, *, is_there: bool) -> Report:
    """The health that the server's listing of folders shows; `name` is ``folder:…``."""
    if is_there:
        return HEALTHY
    ref = name.removeprefix(FOLDER_PREFIX)
    return Report(
        Health.SESSION_GONE,
        f"the folder {ref} is not there: bring it back if it is in the trash (sshore folder trash ls), or forget it "
        f"with: sshore disconnect {name}",
    )


def is_passing(error: SshoreError) -> bool:
    """Whether to try again: the server does not answer, or says that it cannot at the moment. A program that has ended
    would end again."""
    if not isinstance(error, ApiError):
        return True
    return error.status in (502, 503, 504) and error.problem.code not in (Code.ENGINE_FAILED, Code.APP_FAILED)
