"""Every route of /openapi.json, asked by everyone who is not to be answered.

A new route is asked as well, without an entry here, and has to refuse: without a valid token (401), for what belongs to
somebody else (404), to members what is for admins (403), and to a token whose scope leaves it out (403, `token_scope`).
What is left open on purpose stands in the tables below.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from deployment import Deployment, Owner

from sshore.core.choices import KeyType
from sshore.core.keys import new_private_key, public_line

Route = tuple[str, str]

PUBLIC: set[Route] = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/version"),
    ("POST", "/api/v1/login"),
    ("GET", "/api/v1/oidc/start"),
    ("POST", "/api/v1/oidc/continue"),
    ("GET", "/api/v1/oidc/callback"),
    ("POST", "/api/v1/oidc/token"),
}
"""What may be asked without a token."""

ONES_OWN: set[Route] = {
    ("GET", "/api/v1/settings/{name}"),
    ("PUT", "/api/v1/settings/{name}"),
    ("PUT", "/api/v1/files/{name}"),
}
"""Routes whose path names something that everybody has: nobody reaches another's by it."""

STREAMS: set[Route] = {
    ("GET", "/api/v1/me"),
    ("DELETE", "/api/v1/login"),
    ("GET", "/api/v1/trust"),
    ("GET", "/api/v1/settings"),
    ("GET", "/api/v1/settings/{name}"),
    ("GET", "/api/v1/sessions"),
    ("GET", "/api/v1/sessions/{ref}"),
    ("GET", "/api/v1/sessions/{ref}/apps"),
    ("GET", "/api/v1/sessions/{ref}/apps/{app}/stream"),
    ("GET", "/api/v1/sessions/{ref}/key"),
    ("POST", "/api/v1/sessions/{ref}/certificate"),
    ("POST", "/api/v1/folder-key"),
    ("GET", "/api/v1/folders"),
    ("POST", "/api/v1/folder-key"),
}
"""All that a token with the scope `streams` can do."""

NOT_FOR_READING: set[Route] = {
    ("GET", "/api/v1/sessions/{ref}/key"),
    ("GET", "/api/v1/sessions/{ref}/apps/{app}/stream"),
    ("GET", "/api/v1/files/{name}"),
    ("GET", "/api/v1/bootstrap"),
}
"""GETs that a token with the scope `read` cannot make."""


@dataclass(frozen=True)
class Answer:
    status: int
    code: str
    body: str


@dataclass(frozen=True)
class Walk:
    """The routes of one server, and what belongs to `ann`, whose things are asked for."""

    url: str
    document: dict[str, Any]
    ann: Owner
    things: dict[str, str]
    """What stands for a parameter of a path, by the word before it; all ann's."""

    @property
    def routes(self) -> list[Route]:
        return [(method.upper(), path) for path, methods in self.document["paths"].items() for method in methods]

    def ask(self, route: Route, token: str, things: dict[str, str] | None = None, query: str = "") -> Answer:
        method, path = route[0], filled(route[1], self.things if things is None else things) + query
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.url + path, self.body(route), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, "", beginning(answer))
        except urllib.error.HTTPError as refusal:
            with refusal:
                document = json.load(refusal)
                return Answer(refusal.code, document["code"], json.dumps(document))

    def body(self, route: Route) -> bytes | None:
        """The least that the route's schema accepts."""
        wanted = self.document["paths"][route[1]][route[0].lower()].get("requestBody")
        if wanted is None:
            return None
        schema = wanted["content"].get("application/json", {}).get("schema", {})
        return json.dumps(self.example(schema)).encode()

    def example(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self.example(self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type")
        if kind == "object":
            required = schema.get("required", [])
            return {name: self.example(schema["properties"][name]) for name in required}
        return {"string": "x", "integer": 1, "number": 1, "boolean": False, "array": []}.get(str(kind))

    def what_ann_has(self) -> dict[str, Any]:
        listings = (
            *(("ls",), ("folder", "ls"), ("folder", "trash", "ls"), ("token", "ls"), ("settings", "ls")),
            *(("keys", "ls"), ("file", "ls"), ("bootstrap", "show")),
        )
        found = {" ".join(words): self.ann.json(*words) for words in listings}
        for token in found["token ls"]:
            del token["last_used_at"]
        return found


@pytest.fixture(scope="module")
def walk(shared: Deployment) -> Iterator[Walk]:
    ann = shared.member("route-ann")
    session = ann.run_session("anns-box", "--network", "none")
    for folder in ("anns-data", "anns-old"):
        ann.ok("folder", "create", folder)
    ann.ok("folder", "rm", "anns-old")
    token = ann.json("token", "create", "--name", "anns-token")
    public_key, vimrc = ann.config / "anns.pub", ann.config / "vimrc"
    public_key.write_text(public_line(new_private_key(KeyType.ED25519), "anns-key"))
    vimrc.write_text("set nocompatible")
    ann.ok("keys", "add", str(public_key))
    ann.ok("file", "put", str(vimrc), "--as", ".anns-vimrc")
    ann.ok("bootstrap", "set", str(vimrc))
    shared.cli("group", "create", "anns-group")
    shared.cli("group", "join", "anns-group", "route-ann")
    with urllib.request.urlopen(f"{shared.url}/openapi.json", timeout=10) as answer:
        document = json.load(answer)
    things = {
        "sessions": session["id"],
        "apps": "ssh",
        "folders": "anns-data",
        "trash": "anns-old",
        "folder-quotas": "route-ann",
        "tokens": token["id"],
        "users": "route-ann",
        "groups": "anns-group",
        "members": "route-ann",
        "settings": "language",
        "keys": "anns-key",
        "files": ".anns-vimrc",
    }
    yield Walk(shared.url, document, ann, things)
    assert "anns-group route-ann" in " ".join(shared.cli("group", "ls").split()), "it stayed as it was"
    shared.cli("group", "rm", "anns-group")
    shared.cli("user", "rm", "--with-data", "route-ann")


def test_there_are_routes(walk: Walk) -> None:
    assert len(walk.routes) > 30
    assert set(walk.routes) >= PUBLIC | ONES_OWN | STREAMS | NOT_FOR_READING


def test_anonymous(walk: Walk) -> None:
    for route in walk.routes:
        answer = walk.ask(route, "")
        if route not in PUBLIC:
            assert (answer.status, answer.code) == (401, "unauthenticated"), route


@pytest.mark.parametrize("kind", ["revoked", "expired", "disabled", "removed", "agent"])
def test_a_token_that_does_not_hold(shared: Deployment, walk: Walk, kind: str) -> None:
    token, code = {"revoked": revoked, "expired": expired, "agent": agents}.get(kind, users)(shared, walk, kind)
    for route in walk.routes:
        answer = walk.ask(route, token)
        if route not in PUBLIC:
            assert (answer.status, answer.code) == (401, code), route


@pytest.mark.parametrize("ref", ["id", "name"])
def test_another_user_finds_nothing_of_anns(shared: Deployment, walk: Walk, ref: str) -> None:
    """And cannot tell what she has from what nobody has."""
    bob = new_user(shared, f"route-bob-{ref}")
    before = walk.what_ann_has()
    hers = walk.things if ref == "id" else walk.things | {"sessions": "anns-box", "tokens": "anns-token"}
    nobodys = dict.fromkeys(hers, "nosuch") | {"apps": "ssh"}
    secret = {"anns-", walk.things["sessions"], walk.things["tokens"]}
    for route in sorted(walk.routes, key=lambda route: "login" in route[1]):  # which ends bob's token
        if route in PUBLIC:
            continue
        answer = walk.ask(route, bob, hers)
        if has_parameters(route[1]) and route not in ONES_OWN:
            assert answer.status == 404 or answer.code == "forbidden", (route, answer)
            same = walk.ask(route, bob, nobodys)
            assert (answer.status, answer.code) == (same.status, same.code), (route, same)
        if answer.status < 300 and route not in ONES_OWN:
            assert not [thing for thing in secret if thing in answer.body], route
    assert walk.what_ann_has() == before
    shared.cli("user", "rm", "--with-data", f"route-bob-{ref}")


def test_members_manage_no_users(shared: Deployment, walk: Walk) -> None:
    """Whether a user exists is secret, too: the refusal comes before the search."""
    bob = new_user(shared, "route-member")
    for name in ("route-ann", "admin", "nosuch"):
        for route in walk.routes:
            if "/users" in route[1] or "/groups" in route[1]:
                answer = walk.ask(route, bob, walk.things | {"users": name, "groups": name, "members": name})
                assert (answer.status, answer.code) == (403, "forbidden"), (route, answer)
    shared.cli("user", "rm", "route-member")


def test_a_token_for_reading_only_reads(walk: Walk) -> None:
    for route in walk.routes:
        token = walk.ann.ok("token", "create", "--scope", "read").strip() if "login" in route[1] else ""
        answer = walk.ask(route, token or reading(walk))
        allowed = route in PUBLIC or "login" in route[1] or (route[0] == "GET" and route not in NOT_FOR_READING)
        assert (answer.code == "token_scope") != allowed, (route, answer)
        assert (answer.status == 403) == (not allowed) or answer.code == "forbidden", (route, answer)


@pytest.mark.parametrize("log", ["bootstrap", "entrypoint"])
def test_what_ones_own_programs_wrote_is_not_for_reading_only(walk: Walk, log: str) -> None:
    """It may hold what the script itself does, which such a token does not get either."""
    for scope, status in (("read", 403), ("all", 200)):
        token = walk.ann.ok("token", "create", "--scope", scope).strip()
        assert walk.ask(("GET", "/api/v1/sessions/{ref}/logs"), token, query=f"?of={log}").status == status
        assert walk.ask(("GET", "/api/v1/sessions/{ref}/logs"), token).status == 200


def test_a_token_for_streams_only_connects(walk: Walk) -> None:
    token = walk.ann.ok("token", "create", "--scope", "streams").strip()
    for route in sorted(walk.routes, key=lambda route: "login" in route[1]):
        answer = walk.ask(route, token)
        assert (answer.code == "token_scope") != (route in STREAMS | PUBLIC), (route, answer)


def has_parameters(path: str) -> bool:
    return "{" in path


def filled(path: str, things: dict[str, str]) -> str:
    """The path with things in the place of its parameters."""
    words = path.split("/")
    for at, word in enumerate(words):
        if word.startswith("{"):
            words[at] = things.get(words[at - 1], "nosuch")
    return "/".join(words)


def beginning(answer: Any) -> str:
    """What an answer says, or as much of it as comes soon: some go on for ever."""
    said = b""
    try:
        answer.fp.raw._sock.settimeout(2)
        while len(said) < 1 << 20 and (more := answer.read1(1 << 16)):
            said += more
    except TimeoutError:
        pass
    return said.decode(errors="replace")


def new_user(shared: Deployment, name: str) -> str:
    shared.cli("user", "add", name)
    return shared.cli("token", "create", "--user", name).strip()


_reading: list[str] = []


def reading(walk: Walk) -> str:
    if not _reading:
        _reading.append(walk.ann.ok("token", "create", "--scope", "read").strip())
    return _reading[0]


def revoked(shared: Deployment, walk: Walk, kind: str) -> tuple[str, str]:
    token = walk.ann.json("token", "create")
    walk.ann.ok("token", "rm", token["id"])
    return token["secret"], "unauthenticated"


def expired(shared: Deployment, walk: Walk, kind: str) -> tuple[str, str]:
    return walk.ann.ok("token", "create", "--expires-in", "0.001").strip(), "token_expired"


def users(shared: Deployment, walk: Walk, kind: str) -> tuple[str, str]:
    """Of a user who was disabled or removed."""
    token = new_user(shared, f"route-{kind}")
    if kind == "disabled":
        shared.cli("user", "disable", f"route-{kind}")
        return token, "user_disabled"
    shared.cli("user", "rm", f"route-{kind}")
    return token, "unauthenticated"


def agents(shared: Deployment, walk: Walk, kind: str) -> tuple[str, str]:
    """A session's own, which parks its links."""
    config = shared.state / "sessions" / walk.things["sessions"] / "run" / "agent.json"
    return json.loads(config.read_text())["token"], "unauthenticated"
