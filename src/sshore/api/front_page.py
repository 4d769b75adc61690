"""``/`` in a browser: what this is and how to log in. Other clients are told that there is nothing."""

from html import escape

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from sshore.api.auth import Use
from sshore.api.pages import own_address, page
from sshore.api.route import Router

router = Router(include_in_schema=False)

_TEXTS = {
    "en": """
<h1>Sshore</h1>
<p>This is a Sshore server: it runs compute sessions that you reach by SSH and SFTP,
with the clients you already use.</p>
<p>Log in from the command line of your own computer:</p>
<pre>pipx install sshore
sshore login {address}</pre>
<p>Where you were given an address that ends with <code>#token=…</code>, log in with the whole of it, in quotes:
<code>sshore login '{address}/#token=…'</code></p>
<p>Then make a session and enter it:</p>
<pre>sshore run demo
sshore ssh demo</pre>
<p><code>sshore --help</code> lists everything else. For programs: <a href="/docs">the HTTP API</a>.</p>""",
    "ko": """
<h1>Sshore</h1>
<p>Sshore 서버입니다. 여기서 실행되는 연산 세션에 지금 쓰고 있는 SSH·SFTP 클라이언트로 접속할 수 있습니다.</p>
<p>사용자 컴퓨터의 명령줄에서 로그인하세요.</p>
<pre>pipx install sshore
sshore login {address}</pre>
<p><code>#token=…</code>으로 끝나는 주소를 받았다면 주소 전체를 따옴표로 묶어 로그인하세요:
<code>sshore login '{address}/#token=…'</code></p>
<p>그다음 세션을 만들고 들어갑니다.</p>
<pre>sshore run demo
sshore ssh demo</pre>
<p>다른 명령은 <code>sshore --help</code>에 있습니다. 프로그램용: <a href="/docs">HTTP API</a>.</p>""",
}


@router.get("/", response_class=HTMLResponse)
async def front_page(request: Request, services: Use) -> HTMLResponse:
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    language = wanted_language(request.headers.get("accept-language", ""), list(_TEXTS))
    address = own_address(request, services.public_url)
    answer = page("Sshore", _TEXTS[language].format(address=escape(address)), language=language)
    answer.headers["Vary"] = "Accept, Accept-Language"
    return answer


def wanted_language(accept: str, known: list[str]) -> str:
    """The language of `known` that a browser prefers (RFC 9110 §12.5.4); the first where it knows none of them."""
    best, weight = known[0], 0.0
    for part in accept.split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in known and quality > weight:
            best, weight = language, quality
    return best
