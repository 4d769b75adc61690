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
    """Three throttles: by who guesses at whom, by the address that guesses, and, for those who have many addresses, by
    the name that is guessed at. The last one is wide, and not for addresses from which its user has logged in before:
    strangers, however many, lock nobody out where they are at home.

    A success clears the pair, never the address: who knows one password might use it to go on guessing others.
    """

    def __init__(self, clock: Clock, free_by_pair: int = 5, free_by_address: int = 30, free_by_name: int = 100) -> None:
        self._pairs = Throttle(clock, free_by_pair)
        self._addresses = Throttle(clock, free_by_address)
        self._names = Throttle(clock, free_by_name)
        self._homes: OrderedDict[str, None] = OrderedDict()

    def attempt(self, name: str, address: str) -> None:
        """Count an attempt.

        Raises:
            Unavailable: there were too many (``too_many_attempts``, with `retry_after_s`).
        """
        pair = _pair(name, address)
        is_home = pair in self._homes
        by_name = timedelta(0) if is_home else self._names.wait(name)
        refuse_for(max(self._pairs.wait(pair), self._addresses.wait(address), by_name))
        self._pairs.count(pair)
        self._addresses.count(address)
        if not is_home:
            self._names.count(name)

    def succeeded(self, name: str, address: str) -> None:
        pair = _pair(name, address)
        self._pairs.forget(pair)
        self._homes.pop(pair, None)  # the latest are kept
        self._homes[pair] = None
        if len(self._homes) > MAX_KEYS:
            self._homes.popitem(last=False)


def _pair(name: str, address: str) -> str:
    return f"{address} {name}"  # an address has no blank


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
