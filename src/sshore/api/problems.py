"""Refusals as problem documents (RFC 9457): the one handler table of the API."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from sshore.core.errors import SshoreError
from sshore.wire.problems import Code, Problem

log = logging.getLogger("sshore.api")

_CODE_OF_STATUS = {404: Code.NOT_FOUND, 405: Code.INVALID_INPUT, 426: Code.UPGRADE_REQUIRED}


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"

    def __init__(self, problem: Problem, status: int | None = None, headers: Any = None) -> None:
        super().__init__(problem.document(), status_code=status or problem.status, headers=headers)


def install_problem_handlers(app: FastAPI) -> None:
    @app.exception_handler(SshoreError)
    async def refused(request: Request, error: SshoreError) -> ProblemResponse:
        return ProblemResponse(error.problem, headers=_headers(error.problem))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> ProblemResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        return ProblemResponse(Problem(Code.INVALID_INPUT, f"{place or 'the request'}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> ProblemResponse:
        code = _CODE_OF_STATUS.get(error.status_code, Code.INVALID_INPUT)
        detail = f"{request.method} {request.url.path}: {error.detail}"
        return ProblemResponse(Problem(code, detail), status=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> ProblemResponse:
        log.error("a request failed", exc_info=error, extra={"path": request.url.path})
        return ProblemResponse(Problem(Code.INTERNAL, "the server failed; its log says why"))


def _headers(problem: Problem) -> dict[str, str]:
    """What HTTP itself has a field for: RFC 9110 §11.6.1 and §10.2.3."""
    if problem.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if "retry_after_s" in problem.fields:
        return {"Retry-After": str(problem.fields["retry_after_s"])}
    return {}
