"""How many links are parked: two, up to eight under bursts, for ever."""

import socket
from collections.abc import Callable
from typing import Any

from sshore.agent.dial import LOCAL_CAP_S, REFUSED_CAP_S, Backoff
from sshore.agent.journal import say
from sshore.agent.link import Link, Refused
from sshore.agent.loop import Loop, Timer
from sshore.wire.lines import LineError

FEWEST, MOST = 2, 8
CALM_S = 30.0
"""After so long without a burst, half as many links are kept."""

OnFirstLink = Callable[[], None]
OnTaken = Callable[[socket.socket, "dict[str, Any] | LineError"], None]


class Pool:
    """Keeps links parked at the gateway; hands taken ones on and replaces them.

    `on_first_link` is called once, when the first link is parked: from then on streams can be opened.
    """

    def __init__(
        self, loop: Loop, gateway: str, token: str, on_taken: OnTaken, on_first_link: OnFirstLink = lambda: None
    ) -> None:
        self._loop, self._gateway, self._token, self._on_taken = loop, gateway, token, on_taken
        self._target = FEWEST
        self._dialled: set[Link] = set()
        self._parked: set[Link] = set()
        self._backoff = Backoff()
        self._retry: Timer | None = None
        self._calm: Timer | None = None
        self._trouble = ""
        self._closed = False
        self._on_first_link: OnFirstLink | None = on_first_link

    def fill(self) -> None:
        """Dial what is missing; one only while the gateway does not answer."""
        while not self._closed and self._retry is None and self._missing() > 0:
            try:
                link = Link(
                    self._loop,
                    self._gateway,
                    self._token,
                    on_parked=self._park,
                    on_taken=self._take,
                    on_lost=self._lose,
                )
            except OSError as error:
                self._try_later(error)
            else:
                self._dialled.add(link)

    def close(self) -> None:
        """Close the links and dial no more."""
        self._closed = True
        for link in self._dialled | self._parked:
            link.close()
        self._dialled.clear()
        self._parked.clear()

    def _missing(self) -> int:
        target = 1 if self._trouble else self._target
        return target - len(self._dialled) - len(self._parked)

    def _park(self, link: Link) -> None:
        self._dialled.discard(link)
        self._parked.add(link)
        if self._trouble:
            say("linked to the gateway again")
            self._trouble = ""
        self._backoff.reset()
        self.fill()
        if self._on_first_link is not None:
            on_first_link, self._on_first_link = self._on_first_link, None
            on_first_link()

    def _take(self, link: Link, connection: socket.socket, message: "dict[str, Any] | LineError") -> None:
        self._parked.discard(link)
        if not self._parked:
            self._grow()
        # Dial before the request is served: the next stream may be waiting.
        self.fill()
        self._on_taken(connection, message)

    def _lose(self, link: Link, error: Exception) -> None:
        self._dialled.discard(link)
        self._parked.discard(link)
        self._try_later(error)

    def _try_later(self, error: Exception) -> None:
        if self._closed:
            return
        refused = isinstance(error, Refused) and error.status in (401, 403, 404)
        self._note_trouble(str(error) + (": the session's token is not valid (any more)" if refused else ""))
        if self._retry is None:
            wait_s = self._backoff.next_wait_s(REFUSED_CAP_S if refused else LOCAL_CAP_S)
            self._retry = self._loop.call_later(wait_s, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self.fill()

    def _note_trouble(self, trouble: str) -> None:
        if not self._trouble:
            say(f"no link to the gateway, trying again: {trouble}")
        self._trouble = trouble

    def _grow(self) -> None:
        self._target = min(self._target * 2, MOST)
        if self._calm is not None:
            self._calm.cancel()
        self._calm = self._loop.call_later(CALM_S, self._shrink)

    def _shrink(self) -> None:
        # Links that are parked stay so until taken: the gateway may be writing to them just now.
        self._target = max(self._target // 2, FEWEST)
        self._calm = self._loop.call_later(CALM_S, self._shrink) if self._target > FEWEST else None
