"""Problem codes: one stable word for each way to be refused, on links, streams and the HTTP API alike."""

from enum import StrEnum
from typing import Any, NamedTuple


class Code(StrEnum):
    """The `code` of a problem document (RFC 9457). Add freely, rename nothing."""

    INVALID_INPUT = "invalid_input"
    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"
    USER_DISABLED = "user_disabled"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    FORBIDDEN = "forbidden"
    TOKEN_SCOPE = "token_scope"
    ROOT_NOT_ALLOWED = "root_not_allowed"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    NAME_TAKEN = "name_taken"
    WRONG_STATE = "wrong_state"
    APP_NOT_LAUNCHED = "app_not_launched"
    APP_FAILED = "app_failed"
    SESSION_NOT_RUNNING = "session_not_running"
    NO_LINK = "no_link"
    UPGRADE_REQUIRED = "upgrade_required"
    LIMIT_UNSUPPORTED = "limit_unsupported"
    LIVE_MOUNT_UNSUPPORTED = "live_mount_unsupported"
    SHARE_UNSUPPORTED = "share_unsupported"
    DOES_NOT_FIT = "does_not_fit"
    QUOTA_EXCEEDED = "quota_exceeded"
    ALLOWANCE_EXCEEDED = "allowance_exceeded"
    ENGINE_FAILED = "engine_failed"
    REGISTRY_LOGIN = "registry_login"
    STORAGE_FULL = "storage_full"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


STATUS: dict[Code, int] = {
    Code.INVALID_INPUT: 422,
    Code.UNAUTHENTICATED: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.USER_DISABLED: 401,
    Code.TOO_MANY_ATTEMPTS: 429,
    Code.FORBIDDEN: 403,
    Code.TOKEN_SCOPE: 403,
    Code.ROOT_NOT_ALLOWED: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.NAME_TAKEN: 409,
    Code.WRONG_STATE: 409,
    Code.APP_NOT_LAUNCHED: 409,
    Code.APP_FAILED: 502,
    Code.SESSION_NOT_RUNNING: 409,
    Code.NO_LINK: 503,
    Code.UPGRADE_REQUIRED: 426,
    Code.LIMIT_UNSUPPORTED: 422,
    Code.LIVE_MOUNT_UNSUPPORTED: 409,
    Code.SHARE_UNSUPPORTED: 422,
    Code.DOES_NOT_FIT: 422,
    Code.QUOTA_EXCEEDED: 403,
    Code.ALLOWANCE_EXCEEDED: 403,
    Code.ENGINE_FAILED: 502,
    Code.REGISTRY_LOGIN: 502,
    Code.STORAGE_FULL: 507,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL: 500,
}


class Problem(NamedTuple):
    """What was refused, and what to do next: `detail` is a sentence or two for the user."""

    code: Code
    detail: str
    fields: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def document(self) -> dict[str, Any]:
        """The body of ``application/problem+json``."""
        return {
            "type": f"urn:sshore:problem:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": str(self.code),
            "detail": self.detail,
            **self.fields,
        }


def read_problem(document: dict[str, Any], fallback: str) -> Problem:
    """Read a problem document or an agent's refusal; an unknown code becomes `Code.INTERNAL`."""
    try:
        code = Code(document.get("code", ""))
    except ValueError:
        code = Code.INTERNAL
    known = {"type", "title", "status", "code", "detail", "ok"}
    fields = {name: value for name, value in document.items() if name not in known}
    return Problem(code, str(document.get("detail") or fallback), fields)
