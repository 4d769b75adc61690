"""Logging in by OpenID Connect. The first three routes are the browser's; `services.people.oidc` has the picture."""

from html import escape
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Cookie, Depends, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sshore.api.answers import token_message
from sshore.api.auth import Address, Use, require_oidc
from sshore.api.pages import HEADERS, own_address, page
from sshore.api.route import Router
from sshore.core.errors import SshoreError
from sshore.schema.account_messages import OidcCode, TokenMessage
from sshore.services.people.oidc import Attempt

router = Router(prefix="/api/v1/oidc", tags=["users"], dependencies=[Depends(require_oidc)])

COOKIE = "sshore_oidc"

Browser = Annotated[str, Cookie(alias=COOKIE)]
Word = Annotated[str, Query(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._~-]+$")]


@router.get("/start", response_class=HTMLResponse)
async def start(
    request: Request,
    services: Use,
    address: Address,
    port: Annotated[int, Query(ge=1024, le=65535)],
    challenge: Word,
    state: Word,
) -> HTMLResponse:
    """The page on which the user confirms that it is the own command line that logs in."""
    back = _callback(request, services.public_url)
    attempt = services.oidc.start(port, challenge, state, back, address)
    answer = _page(attempt)
    secure = back.startswith("https:")
    answer.set_cookie(COOKIE, attempt.browser, path=router.prefix, httponly=True, samesite="lax", secure=secure)
    return answer


@router.post("/continue", status_code=303, response_class=RedirectResponse)
async def go_on(services: Use, attempt: Word, browser: Browser = "") -> RedirectResponse:
    """On to the provider. A POST, which brings the cookie along only from this server's own page."""
    return RedirectResponse(await services.oidc.provider_url(attempt, browser), status_code=303, headers=HEADERS)


@router.get("/callback", status_code=303, response_class=RedirectResponse)
async def callback(
    services: Use, state: Word, code: str = "", error: str = "", error_description: str = "", browser: Browser = ""
) -> Response:
    """Back from the provider, and on to the command line; also with what went wrong."""
    attempt = services.oidc.take(state, browser)
    try:
        if error or not code:
            said = {"error": f"the provider refused: {error_description or error or 'without a reason'}"[:500]}
        else:
            said = {"code": await services.oidc.finish(attempt, code)}
    except SshoreError as refusal:
        said = {"error": refusal.problem.detail}
    query = urlencode({**said, "state": attempt.client_state})
    return RedirectResponse(f"http://127.0.0.1:{attempt.port}/?{query}", status_code=303, headers=HEADERS)


@router.post("/token", status_code=201)
async def redeem(body: OidcCode, services: Use) -> TokenMessage:
    """Exchange the one-time code for a token."""
    token, secret = await services.oidc.redeem(body.code, body.verifier, body.token_name)
    return token_message(token, secret)


def _callback(request: Request, public_url: str) -> str:
    return f"{own_address(request, public_url)}{router.prefix}/callback"


def _page(attempt: Attempt) -> HTMLResponse:
    return page(
        "Sshore: log in",
        f"""<h1>Log in a command line?</h1>
<p>A command line on this computer asks to act in your name. Continue only if you have just run
<code>sshore login</code> there yourself, and it shows this code:
<p><b>{escape(attempt.confirmation)}</b>
<form method="post" action="{router.prefix}/continue?{urlencode({"attempt": attempt.id})}">
<button autofocus>Continue</button></form>""",
    )
