"""What directories were found to hold: a large tree is not counted again for everybody who asks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

_FRESH_S = 30.0
"""How long a count is good for a display. What is enforced is counted anew, unless that takes long."""
_CHEAP_S = 1.0
_LONGER = 10

Count = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class _Counted:
    used_bytes: int
    at: float
    took_s: float


class DiskCounts:
    """Counts by what they are of; one at a time of each."""

    def __init__(self) -> None:
        self._counts: dict[str, _Counted] = {}
        self._counting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def lately(self, of: str, count: Count) -> int:
        """To show."""
        return await self._counted(of, count, _FRESH_S)

    async def now(self, of: str, count: Count) -> int:
        """To enforce."""
        return await self._counted(of, count, 0)

    async def _counted(self, of: str, count: Count, fresh_s: float) -> int:
        async with self._counting.setdefault(of, asyncio.Lock()):
            known = self._counts.get(of)
            if known is None or time.monotonic() - known.at > max(fresh_s, _good_for_s(known)):
                known = self._counts[of] = await _count(count)
                self._forget_old()
            return known.used_bytes

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._counts = {
            of: known for of, known in self._counts.items() if now - known.at <= max(_FRESH_S, _good_for_s(known))
        }


async def _count(count: Count) -> _Counted:
    began = time.monotonic()
    used = await count()
    return _Counted(used, time.monotonic(), time.monotonic() - began)


def _good_for_s(known: _Counted) -> float:
    return 0 if known.took_s < _CHEAP_S else _LONGER * known.took_s
