"""Pages for browsers: one frame, without scripts, fonts or anything else from elsewhere."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = """
:root { color-scheme: light dark }
body { font: 1.05em/1.5 system-ui, sans-serif; max-width: 44em; margin: 2.5em auto; padding: 0 1em }
code, pre { font-family: ui-monospace, monospace; font-size: .95em }
pre { padding: .8em 1em; border: 1px solid #8886; border-radius: .4em; overflow-x: auto }
table { border-collapse: collapse; width: 100% } td { padding: .15em .8em .15em 0; vertical-align: top }
summary { cursor: pointer } details { margin: .2em 0 } details > div { margin: .3em 0 1em 1.2em }
p > b { font-size: 1.5em }
"""


def page(title: str, body: str, *, language: str = "en") -> HTMLResponse:
    """A page; `body` is HTML."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style></head>
<body>
{body}
</body></html>
""",
        headers=HEADERS,
    )


def own_address(request: Request, public_url: str) -> str:
    """This server's URL as browsers know it, without a slash at its end."""
    return public_url.rstrip("/") or str(request.base_url).rstrip("/")
