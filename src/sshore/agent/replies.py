"""What is answered on a link: ``{"ok":true,…}``, or a problem as an exception on its way there."""

from collections.abc import Callable
from typing import Any

from sshore.wire.problems import Code

Reply = Callable[[dict[str, Any]], None]
"""Answers a call, once, now or later."""


class Problem(Exception):
    """A refusal; `detail` is a sentence for the user."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code

    def reply(self) -> dict[str, Any]:
        return {"ok": False, "code": str(self.code), "detail": str(self)}


def ok(**fields: Any) -> dict[str, Any]:
    return {"ok": True, **fields}
