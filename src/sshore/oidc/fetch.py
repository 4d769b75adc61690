"""Small JSON documents over HTTPS, blocking: for a thread."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from sshore.core.errors import InvalidInput, Unavailable

TIMEOUT_S = 10.0
MAX_BYTES = 1 << 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_url(url: str) -> str:
    """A URL that secrets may be sent to: https, or http on the loopback.

    Raises:
        InvalidInput: it is another one.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url
    raise InvalidInput(f"{url!r} is no address of an OpenID Connect provider: it must begin with https://")


def fetch(url: str, form: dict[str, str] | None = None, authorization: str = "") -> dict[str, Any]:
    """GET a JSON object, or POST a form for one.

    Raises:
        Unavailable: there was no answer, or not such a one.
    """
    body = None if form is None else urllib.parse.urlencode(form).encode()
    headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
    request = urllib.request.Request(check_url(url), body, headers)  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked
            document = json.loads(answer.read(MAX_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            raise _failed(url, f"{error.code} {_reason(error.read(MAX_BYTES))}".strip()) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _failed(url, str(getattr(error, "reason", error))) from error
    if not isinstance(document, dict):
        raise _failed(url, "no JSON object")
    return document


def _reason(body: bytes) -> str:
    """RFC 6749 §5.2: the provider's own words."""
    try:
        document = json.loads(body)
        return f"{document['error']} {document.get('error_description', '')}".strip()
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return ""


def _failed(url: str, why: str) -> Unavailable:
    host = urllib.parse.urlsplit(url).netloc
    return Unavailable(f"the OpenID Connect provider {host} does not answer as it should: {why}")
