"""``/docs``: the OpenAPI description as a page that works offline and without scripts.

FastAPI's own page has a browser load Swagger UI from a CDN, which many servers' users cannot or must not reach.
"""

from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from sshore.api.pages import page
from sshore.api.route import Router

router = Router(include_in_schema=False)

_OWN_REFUSALS = ("HTTPValidationError", "ValidationError")
"""FastAPI's, which `problems.py` replaces."""


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    return page("Sshore: the HTTP API", _text(request.app))


@cache
def _text(app: FastAPI) -> str:
    """Made once: anybody may ask for the page, as often as they like."""
    return "\n".join(_body(app.openapi()))


def _body(api: dict[str, Any]) -> Iterator[str]:
    yield f"<h1>Sshore {escape(api['info']['version'])}: the HTTP API</h1>"
    yield (
        "<p>Requests carry <code>Authorization: Bearer TOKEN</code> (<code>sshore token create</code>); "
        "bodies are JSON. Refusals are problem documents (RFC 9457), which say what is wrong and what to do. "
        'For generators: <a href="/openapi.json">openapi.json</a>.</p>'
    )
    groups: dict[str, list[str]] = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(_operation(method, path, operation))
    for group, operations in groups.items():
        yield f"<h2>{escape(group)}</h2>"
        yield from operations
    yield "<h2>Messages</h2>"
    for name, schema in api["components"]["schemas"].items():
        if name not in _OWN_REFUSALS:
            yield _message(name, schema)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    head = f"<code><b>{method.upper()}</b> {escape(path)}</code>"
    rows = [(f"{p['name']} ({p['in']})", _type(p["schema"]), p.get("description", "")) for p in _parameters(operation)]
    rows += [("body", _content(operation["requestBody"]), "")] if "requestBody" in operation else []
    rows += [(status, _content(answer), "") for status, answer in operation["responses"].items() if status != "422"]
    return _details(head, operation.get("description") or operation.get("summary", ""), rows)


def _parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [parameter for parameter in operation.get("parameters", []) if parameter["in"] in ("path", "query")]


def _message(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    fields = schema.get("properties", {})
    rows = [(key, _type(value), "" if key in required else _default(value)) for key, value in fields.items()]
    what = schema.get("description", "")
    if "enum" in schema:
        what = " | ".join(map(str, schema["enum"]))
    return _details(f'<code id="{escape(name)}">{escape(name)}</code>', what, rows)


def _details(head: str, text: str, rows: list[tuple[str, str, str]]) -> str:
    cells = "".join(f"<tr><td><code>{escape(a)}</code><td>{b}<td>{escape(c)}" for a, b, c in rows)
    first, _, rest = escape(text).partition(". ")
    more = f"<p>{rest}</p>" if rest else ""
    return f"<details><summary>{head} <small>{first}</small></summary><div>{more}<table>{cells}</table></div></details>"


def _content(described: dict[str, Any]) -> str:
    kinds = [
        f"{_type(content['schema'])}{'' if kind == 'application/json' else f' ({escape(kind)})'}"
        for kind, content in described.get("content", {}).items()
        if content.get("schema")
    ]
    return ", ".join(kinds) or "nothing"


def _type(schema: dict[str, Any]) -> str:
    """A type as HTML; messages are links to where they are described."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " | ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    return escape(" | ".join(map(str, schema.get("enum", []))) or str(schema.get("type", "anything")))


def _default(schema: dict[str, Any]) -> str:
    return f"optional; {schema['default']!r} by default" if schema.get("default") not in (None, "") else "optional"
