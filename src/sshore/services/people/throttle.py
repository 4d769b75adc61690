"""Slows down those who guess or flood: exponential delays, in bounded memory."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sshore.core.errors import Unavailable
from sshore.core.ports import Clock
from sshore.wire.problems import Code

MAX_KEYS = 10_000
"""Keys that are remembered; beyond, the one that was quiet the longest is forgotten."""
LONGEST = timedelta(minutes=15)


@dataclass(slots=True)
class _Record:
    attempts: int
    last: datetime


class Throttle:
    """Attempts by key: so many are free, then each one doubles the wait, from a second to `LONGEST`.

    An attempt counts from its beginning, so that many at once gain nothing. A key that stays quiet for an hour is
    new again.
    """

    FORGOTTEN_AFTER = timedelta(hours=1)

    def __init__(self, clock: Clock, free: int) -> None:
        self._clock = clock
        self._free = free
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def attempt(self, key: str) -> None:
        """Count an attempt.

        Raises:
            Unavailable: there were too many (``too_many_attempts``, with `retry_after_s`).
        """
        refuse_for(self.wait(key))
        self.count(key)

    def wait(self, key: str) -> timedelta:
        """How long this key has to wait before its next attempt."""
        record = self._records.get(key)
        if record is None or record.attempts < self._free:
            return timedelta(0)
        doublings = min(record.attempts - self._free, 20)
        until = record.last + min(timedelta(seconds=2**doublings), LONGEST)
        return max(until - self._clock.now(), timedelta(0))

    def count(self, key: str) -> None:
        """Count an attempt that is let through."""
        now = self._clock.now()
        record = self._records.pop(key, None)
        if record is None or now - record.last > self.FORGOTTEN_AFTER:
            record = _Record(0, now)
        record.attempts, record.last = record.attempts + 1, now
        self._records[key] = record
        if len(self._records) > MAX_KEYS:
            self._records.popitem(last=False)

    def forget(self, key: str) -> None:
        self._records.pop(key, None)


class LoginThrottle:
    """Two throttles: by the name that is guessed at, and by the address that guesses.

    A success clears the name, never the address: who knows one password might use it to go on guessing others.
    """

    def __init__(self, clock: Clock, free_by_name: int = 5, free_by_address: int = 30) -> None:
        self._names = Throttle(clock, free_by_name)
        self._addresses = Throttle(clock, free_by_address)

    def attempt(self, name: str, address: str) -> None:
        """Count an attempt.

        Raises:
            Unavailable: there were too many (``too_many_attempts``, with `retry_after_s`).
        """
        refuse_for(max(self._names.wait(name), self._addresses.wait(address)))
        self._names.count(name)
        self._addresses.count(address)

    def succeeded(self, name: str) -> None:
        self._names.forget(name)


def refuse_for(wait: timedelta) -> None:
    """Refuse an attempt that has to wait.

    Raises:
        Unavailable: it has to (``too_many_attempts``, with `retry_after_s`).
    """
    if not wait:
        return
    seconds = ceil(wait.total_seconds())
    raise Unavailable(
        f"too many attempts to log in: try again in {seconds} s", code=Code.TOO_MANY_ATTEMPTS, retry_after_s=seconds
    )


def network_of(address: str) -> str:
    """Whom to slow down: an IPv4 address, or an IPv6 network of 64 bits, all of which one host may have."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:  # how a socket for both sees them: all in one network
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
