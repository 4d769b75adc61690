"""`Client`: a typed method for every route of ``/api/v1``."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlencode

from sshore import schema
from sshore.core.errors import NotFound
from sshore.schema.decode import DecodeError, decode, encode
from sshore.schema.session_messages import AppMessage, ChangeSession, CreateSession, PullMessage, SessionMessage
from sshore.sdk.credentials import Login
from sshore.sdk.errors import ApiError
from sshore.sdk.http import HttpConnection
from sshore.wire.problems import Code, Problem, read_problem

if TYPE_CHECKING:
    from sshore.schema.account_messages import (
        AllowanceMessage,
        ChangeAllowance,
        ChangeUser,
        CreateToken,
        CreateUser,
        GroupMessage,
        LoginRequest,
        MeMessage,
        OidcCode,
        SetPassword,
        SettingMessage,
        TokenMessage,
        UserMessage,
    )
    from sshore.schema.audit_messages import StreamMessage
    from sshore.schema.folder_messages import (
        EmptiedMessage,
        FolderKeyMessage,
        FolderMessage,
        FolderUsageMessage,
        OfferFolder,
        ShareFolder,
        TrashedFolderMessage,
        UnsharedMessage,
    )
    from sshore.schema.image_messages import (
        CommitSession,
        ImageMessage,
        ImagesMessage,
        RegistryLoginRequest,
        RegistryMessage,
    )
    from sshore.schema.key_messages import CertificateMessage, SessionKeyMessage, TrustMessage
    from sshore.schema.live_use_messages import LiveUseMessage
    from sshore.schema.mount_messages import MountFolder, UnmountedMessage
    from sshore.schema.own_messages import (
        BootstrapMessage,
        OwnKeyMessage,
        UserFileMessage,
    )
    from sshore.schema.version_message import VersionMessage

M = TypeVar("M")
_API = "/api/v1"
_PULL_SILENCE_S = 600.0
"""A big layer is unpacked in silence."""
_COMMIT_PATIENCE_S = 3600.0


class Client:
    """A server, as one user sees it. Not for use by several threads at once.

    `ref` is a session's name or id. `wait_s` asks the server to answer as soon as the state is settled,
    or the session waits for a reason that it can tell.

    Raises (every method):
        ApiError: the server refused.
        ServerUnreachable: there was no answer.
    """

    def __init__(self, login: Login, timeout_s: float = 30) -> None:
        self.login = login
        self._http = HttpConnection(login.address, login.token, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def version(self) -> VersionMessage:
        return self._one(schema.version_message.VersionMessage, "GET", "/version")

    def me(self) -> MeMessage:
        return self._one(schema.account_messages.MeMessage, "GET", "/me")

    def trust(self) -> TrustMessage:
        return self._one(schema.key_messages.TrustMessage, "GET", "/trust")

    def settings(self) -> list[SettingMessage]:
        return self._list(schema.account_messages.SettingMessage, "/settings")

    def setting(self, name: str) -> SettingMessage:
        return self._one(schema.account_messages.SettingMessage, "GET", f"/settings/{_part(name)}")

    def set_setting(self, name: str, value: str) -> SettingMessage:
        """Store a setting; an empty value resets it."""
        return self._one(schema.account_messages.SettingMessage, "PUT", f"/settings/{_part(name)}", {"value": value})

    def sessions(self, *, everyone: bool = False) -> list[SessionMessage]:
        """The user's sessions, or all (admins only)."""
        return self._list(SessionMessage, "/sessions" + _query(all="true" if everyone else None))

    def live_use(self, *, everyone: bool = False, points: int | None = None) -> list[LiveUseMessage]:
        """What the user's running sessions use, or all (admins only)."""
        path = "/live-use" + _query(all="true" if everyone else None, points=points)
        return self._list(schema.live_use_messages.LiveUseMessage, path)

    def create_session(self, request: CreateSession, wait_s: float = 0, seen: str | None = None) -> SessionMessage:
        """`seen`: answer as soon as the reason is another than this, too; so do the others that have it."""
        path = "/sessions" + _query(wait_s=wait_s or None, seen=seen)
        return self._one(SessionMessage, "POST", path, encode(request), wait_s=wait_s)

    def session(self, ref: str, wait_s: float = 0, seen: str | None = None) -> SessionMessage:
        path = _session(ref) + _query(wait_s=wait_s or None, seen=seen)
        return self._one(SessionMessage, "GET", path, wait_s=wait_s)

    def change_session(self, ref: str, change: ChangeSession) -> SessionMessage:
        return self._one(SessionMessage, "PATCH", _session(ref), encode(change))

    def start_session(self, ref: str, wait_s: float = 0, seen: str | None = None) -> SessionMessage:
        path = _session(ref) + "/start" + _query(wait_s=wait_s or None, seen=seen)
        return self._one(SessionMessage, "POST", path, wait_s=wait_s)

    def mount_folder(self, ref: str, mount: MountFolder) -> SessionMessage:
        """Mount a folder in a session, at once where it runs."""
        return self._one(SessionMessage, "POST", _session(ref) + "/mounts", encode(mount))

    def unmount_folder(self, ref: str, what: str, *, at_restart: bool = False) -> UnmountedMessage:
        """Mount something no longer, by the folder's name or its path in the session."""
        query = _query(what=what, at_restart="true" if at_restart else None)
        return self._one(schema.mount_messages.UnmountedMessage, "DELETE", _session(ref) + "/mounts" + query)

    def stop_session(self, ref: str) -> SessionMessage:
        return self._one(SessionMessage, "POST", _session(ref) + "/stop")

    def remove_session(self, ref: str, *, force: bool = False) -> None:
        """Remove a session and its home; a running one only with `force`."""
        self._http.request("DELETE", _API + _session(ref) + _query(force="true" if force else None))

    def session_log(self, ref: str, tail_bytes: int | None = None, *, of: str | None = None) -> str:
        """The log of the session's agent and daemons, or `of` its ``bootstrap``."""
        content = self._http.request("GET", _API + _session(ref) + "/logs" + _query(tail_bytes=tail_bytes, of=of))
        return content.decode(errors="replace")

    def apps(self, ref: str) -> list[AppMessage]:
        return self._list(AppMessage, _session(ref) + "/apps")

    def start_app(self, ref: str, app: str) -> AppMessage:
        """Launch an app; one that is launched stays as it is."""
        return self._one(AppMessage, "POST", f"{_session(ref)}/apps/{_part(app)}/start")

    def ensure_app(self, ref: str, app: str) -> None:
        """Launch an app, if the token may; where it may not, the stream says whether the app is launched."""
        try:
            self.start_app(ref, app)
        except ApiError as error:
            if error.problem.code is not Code.TOKEN_SCOPE:
                raise

    def stop_app(self, ref: str, app: str) -> AppMessage:
        return self._one(AppMessage, "POST", f"{_session(ref)}/apps/{_part(app)}/stop")

    def session_key(self, ref: str) -> SessionKeyMessage:
        return self._one(schema.key_messages.SessionKeyMessage, "GET", _session(ref) + "/key")

    def certificate(self, ref: str, public_key: str) -> CertificateMessage:
        """Certify a public key (one authorized_keys line) for a session, for a few minutes."""
        return self._one(
            schema.key_messages.CertificateMessage, "POST", _session(ref) + "/certificate", {"public_key": public_key}
        )

    def images(self) -> ImagesMessage:
        return self._one(schema.image_messages.ImagesMessage, "GET", "/images")

    def pull_image(self, image: str) -> Iterator[PullMessage]:
        """Get an image, or its newest version, from its registry; tells how far it is, and ends when it is here."""
        for line in self._http.lines("POST", f"{_API}/images/pull", {"image": image}, silence_s=_PULL_SILENCE_S):
            said = self._line(line)
            if said.get("done"):
                return
            if "code" in said:
                problem = read_problem(said, f"the image {image!r} cannot be pulled")
                raise ApiError(problem, problem.status)
            yield self._decode(PullMessage, said)
        detail = f"{self.login.address.url} broke off the pull of {image!r}: try again"
        raise ApiError(Problem(Code.UNAVAILABLE, detail), 503)

    def remove_image(self, ref: str) -> ImageMessage:
        """Remove an image by its name (others' as ``OWNER/NAME``, admins only) or id."""
        return self._one(schema.image_messages.ImageMessage, "DELETE", "/images" + _query(ref=ref))

    def commit_session(self, ref: str, request: CommitSession) -> ImageMessage:
        """Keep what a session has changed as an image; takes as long as reading that takes."""
        return self._one(
            schema.image_messages.ImageMessage,
            "POST",
            f"{_session(ref)}/commit",
            encode(request),
            wait_s=_COMMIT_PATIENCE_S,
        )

    def registries(self) -> list[RegistryMessage]:
        return self._list(schema.image_messages.RegistryMessage, "/registries")

    def log_in_to_registry(self, registry: str, request: RegistryLoginRequest) -> RegistryMessage:
        return self._one(
            schema.image_messages.RegistryMessage, "PUT", f"/registries/{_part(registry)}", encode(request)
        )

    def log_out_of_registry(self, registry: str) -> None:
        self._http.request("DELETE", f"{_API}/registries/{_part(registry)}")

    def users(self) -> list[UserMessage]:
        return self._list(schema.account_messages.UserMessage, "/users")

    def create_user(self, request: CreateUser) -> UserMessage:
        return self._one(schema.account_messages.UserMessage, "POST", "/users", encode(request))

    def change_user(self, name: str, change: ChangeUser) -> UserMessage:
        return self._one(schema.account_messages.UserMessage, "PATCH", f"/users/{_name(name)}", encode(change))

    def remove_user(self, name: str, *, with_data: bool = False) -> None:
        """Remove a user and the user's sessions; with folders only `with_data`."""
        self._http.request("DELETE", f"{_API}/users/{_name(name)}" + _query(with_data="true" if with_data else None))

    def allowance(self, user: str | None = None) -> AllowanceMessage:
        """What one may have at most, and what of it is used; another user's for admins."""
        path = f"/users/{_name(user)}/allowance" if user is not None else "/allowance"
        return self._one(schema.account_messages.AllowanceMessage, "GET", path)

    def change_allowance(self, user: str, change: ChangeAllowance) -> AllowanceMessage:
        """Allow a user more or less (admins)."""
        path = f"/users/{_name(user)}/allowance"
        return self._one(schema.account_messages.AllowanceMessage, "PATCH", path, encode(change))

    def reset_allowance(self, user: str) -> AllowanceMessage:
        """The server's defaults hold for a user again (admins)."""
        return self._one(schema.account_messages.AllowanceMessage, "DELETE", f"/users/{_name(user)}/allowance")

    def groups(self) -> list[GroupMessage]:
        """All groups of users (admins, as for all that is done with groups)."""
        return self._list(schema.account_messages.GroupMessage, "/groups")

    def group(self, name: str) -> GroupMessage:
        return self._group("GET", name)

    def create_group(self, name: str) -> GroupMessage:
        return self._one(schema.account_messages.GroupMessage, "POST", "/groups", {"name": name})

    def remove_group(self, name: str) -> None:
        self._http.request("DELETE", f"{_API}/groups/{_name(name)}")

    def join_group(self, name: str, user: str) -> GroupMessage:
        return self._group("PUT", name, f"/members/{_name(user)}")

    def leave_group(self, name: str, user: str) -> GroupMessage:
        return self._group("DELETE", name, f"/members/{_name(user)}")

    def change_group_allowance(self, name: str, change: ChangeAllowance) -> GroupMessage:
        """Allow each member of a group more or less."""
        return self._group("PATCH", name, "/allowance", encode(change))

    def reset_group_allowance(self, name: str) -> GroupMessage:
        return self._group("DELETE", name, "/allowance")

    def _group(self, method: str, name: str, below: str = "", body: Any = None) -> GroupMessage:
        return self._one(schema.account_messages.GroupMessage, method, f"/groups/{_name(name)}{below}", body)

    def link_user(self, name: str, oidc_subject: str) -> UserMessage:
        return self._one(
            schema.account_messages.UserMessage, "PUT", f"/users/{_name(name)}/oidc", {"oidc_subject": oidc_subject}
        )

    def set_password(self, name: str, request: SetPassword) -> None:
        self._http.request("PUT", f"{_API}/users/{_name(name)}/password", encode(request))

    def log_in(self, request: LoginRequest) -> TokenMessage:
        """Exchange a password for a token; needs no token."""
        return self._one(schema.account_messages.TokenMessage, "POST", "/login", encode(request))

    def redeem_oidc_code(self, request: OidcCode) -> TokenMessage:
        """Exchange the one-time code of a login at the provider for a token; needs no token."""
        return self._one(schema.account_messages.TokenMessage, "POST", "/oidc/token", encode(request))

    def log_out(self) -> None:
        """Revoke the token that this client uses."""
        self._http.request("DELETE", f"{_API}/login")

    def tokens(self, user: str = "") -> list[TokenMessage]:
        """One's own tokens; another user's for admins."""
        return self._list(schema.account_messages.TokenMessage, "/tokens" + _query(user=user or None))

    def create_token(self, request: CreateToken) -> TokenMessage:
        return self._one(schema.account_messages.TokenMessage, "POST", "/tokens", encode(request))

    def remove_token(self, token_id: str, user: str = "") -> None:
        self._http.request("DELETE", f"{_API}/tokens/{_name(token_id)}" + _query(user=user or None))

    def folders(self) -> list[FolderMessage]:
        return self._list(schema.folder_messages.FolderMessage, "/folders")

    def create_folder(self, name: str) -> FolderMessage:
        return self._one(schema.folder_messages.FolderMessage, "POST", "/folders", {"name": name})

    def remove_folder(self, name: str, *, force: bool = False) -> None:
        self._remove_folder(name, force=force or None)

    def remove_folder_for_ever(self, name: str, *, force: bool = False) -> None:
        self._remove_folder(name, for_ever=True, force=force or None)

    def _remove_folder(self, name: str, **options: bool | None) -> None:
        self._http.request("DELETE", f"{_API}/folders/{_name(name)}" + _query(**options))

    def rename_folder(self, name: str, new_name: str) -> FolderMessage:
        return self._one(schema.folder_messages.FolderMessage, "PATCH", f"/folders/{_name(name)}", {"name": new_name})

    def share_folder(self, name: str, share: ShareFolder) -> None:
        self._http.request("PUT", f"{_API}/folders/{_name(name)}/share", encode(share))

    def unshare_folder(self, name: str, user: str = "") -> UnsharedMessage:
        return self._one(
            schema.folder_messages.UnsharedMessage,
            "DELETE",
            f"/folders/{_name(name)}/share" + _query(user=user or None),
        )

    def offer_folder(self, request: OfferFolder) -> FolderMessage:
        return self._one(schema.folder_messages.FolderMessage, "POST", "/offered-folders", encode(request))

    def folder_key(self, ref: str) -> FolderKeyMessage:
        """Keys for SFTP over SSH to a folder, ``NAME`` or ``OWNER/NAME``."""
        return self._one(schema.folder_messages.FolderKeyMessage, "POST", "/folder-key" + _query(ref=ref))

    def trash(self) -> list[TrashedFolderMessage]:
        return self._list(schema.folder_messages.TrashedFolderMessage, "/trash")

    def restore_folder(self, ref: str, name: str = "") -> FolderMessage:
        """Bring a folder back from the trash, by name or id; under another name where one is given."""
        return self._one(schema.folder_messages.FolderMessage, "POST", f"/trash/{_part(ref)}/restore", {"name": name})

    def empty_trash(self, ref: str = "") -> EmptiedMessage:
        return self._one(schema.folder_messages.EmptiedMessage, "DELETE", "/trash" + _query(ref=ref or None))

    def folder_usage(self, user: str = "") -> FolderUsageMessage:
        return self._one(schema.folder_messages.FolderUsageMessage, "GET", "/folder-usage" + _query(user=user or None))

    def set_folder_quota(self, user: str, quota_bytes: int | None) -> FolderUsageMessage:
        return self._one(
            schema.folder_messages.FolderUsageMessage,
            "PUT",
            f"/folder-quotas/{_name(user)}",
            {"quota_bytes": quota_bytes},
        )

    def own_keys(self) -> list[OwnKeyMessage]:
        return self._list(schema.own_messages.OwnKeyMessage, "/keys")

    def add_own_key(self, public_key: str, name: str = "") -> OwnKeyMessage:
        """Register the text of a ``.pub`` file; one that is registered already stays as it is."""
        return self._one(schema.own_messages.OwnKeyMessage, "POST", "/keys", {"public_key": public_key, "name": name})

    def remove_own_key(self, ref: str) -> OwnKeyMessage:
        """Remove a key by id, fingerprint or name; connections that it has opened end."""
        return self._one(schema.own_messages.OwnKeyMessage, "DELETE", f"/keys/{_part(ref)}")

    def user_files(self) -> list[UserFileMessage]:
        return self._list(schema.own_messages.UserFileMessage, "/files")

    def user_file(self, name: str) -> bytes:
        return base64.b64decode(self._one(schema.own_messages.UserFileContent, "GET", f"/files/{_part(name)}").content)

    def put_user_file(self, name: str, content: bytes, *, executable: bool = False) -> UserFileMessage:
        body = encode(schema.own_messages.UserFileContent(base64.b64encode(content).decode(), executable))
        return self._one(schema.own_messages.UserFileMessage, "PUT", f"/files/{_part(name)}", body)

    def remove_user_file(self, name: str) -> None:
        self._http.request("DELETE", f"{_API}/files/{_part(name)}")

    def bootstrap(self) -> BootstrapMessage:
        return self._one(schema.own_messages.BootstrapMessage, "GET", "/bootstrap")

    def set_bootstrap(self, script: str) -> BootstrapMessage:
        return self._one(schema.own_messages.BootstrapMessage, "PUT", "/bootstrap", {"script": script})

    def switch_bootstrap(self, *, enabled: bool) -> BootstrapMessage:
        return self._one(schema.own_messages.BootstrapMessage, "POST", f"/bootstrap/{'on' if enabled else 'off'}")

    def remove_bootstrap(self) -> None:
        self._http.request("DELETE", f"{_API}/bootstrap")

    def audit(
        self, *, session: str = "", user: str = "", since_s: float | None = None, limit: int | None = None
    ) -> list[StreamMessage]:
        """The streams that are or were open, the newest first."""
        query = _query(session=session or None, user=user or None, since_s=since_s, limit=limit)
        return self._list(schema.audit_messages.StreamMessage, "/audit" + query)

    def _one(self, message: type[M], method: str, path: str, body: Any = None, *, wait_s: float = 0) -> M:
        data = self._http.request_json(method, _API + path, body, wait_s=wait_s)
        return self._decode(message, data)

    def _list(self, message: type[M], path: str) -> list[M]:
        data = self._http.request_json("GET", _API + path)
        if not isinstance(data, list):
            raise self._misunderstood("no list")
        return [self._decode(message, item) for item in data]

    def _decode(self, message: type[M], data: Any) -> M:
        try:
            return decode(message, data)
        except DecodeError as error:
            raise self._misunderstood(str(error)) from error

    def _line(self, line: bytes) -> dict[str, Any]:
        try:
            return dict(json.loads(line))
        except (TypeError, ValueError, RecursionError) as error:
            raise self._misunderstood(str(error)) from error

    def _misunderstood(self, what: str) -> ApiError:
        detail = (
            f"the answer of {self.login.address.url} is not understood ({what}): "
            "client and server are of different versions; compare them with: sshore version"
        )
        return ApiError(Problem(Code.INTERNAL, detail), 200)


def names_of(sessions: Sequence[SessionMessage]) -> list[str]:
    return [session.name for session in sessions]


def _session(ref: str) -> str:
    return f"/sessions/{_name(ref)}"


def _name(name: str) -> str:
    if not name or "/" in name:  # which the server would take for another address
        raise NotFound(f"nothing is called '{name}': a name has no '/', and is not empty")
    return _part(name)


def _part(text: str) -> str:
    return quote(text, safe="")


def _query(**parameters: Any) -> str:
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
