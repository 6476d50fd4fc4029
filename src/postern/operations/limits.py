"""How often something may be asked, by anybody: counts in a sliding span, in memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.clock import Clock
from postern.errors import TooMany

_MOST_KEPT = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most `most` times in `span`. `name` keeps the counts of one limit apart from another's."""

    name: str
    most: int
    span: timedelta


class Limits:
    """Counts of many limits. When more keys come than are kept, the one idle longest is forgotten."""

    def __init__(self, clock: Clock, *, most_kept: int = _MOST_KEPT) -> None:
        self._clock = clock
        self._most_kept = most_kept
        self._times: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def left(self, limit: Limit, key: str) -> int:
        """How often `key` still may, now."""
        return limit.most - len(self._recent(limit, key))

    def count(self, limit: Limit, key: str) -> None:
        """Count once more, whether it may or not."""
        times = self._recent(limit, key)
        times.append(self._clock.now())
        while len(times) > limit.most:
            times.popleft()
        self._times[limit.name, key] = times
        self._times.move_to_end((limit.name, key))
        while len(self._times) > self._most_kept:
            self._times.popitem(last=False)

    def require(self, limit: Limit, key: str) -> None:
        """Raises TooMany when the limit was reached before."""
        if self.left(limit, key) <= 0:
            raise TooMany("too often in a short time; wait some minutes, or ask for help")

    def take(self, limit: Limit, key: str) -> None:
        """Count once. Raises TooMany when the limit was reached before."""
        self.require(limit, key)
        self.count(limit, key)

    def _recent(self, limit: Limit, key: str) -> deque[datetime]:
        since = self._clock.now() - limit.span
        times = self._times.get((limit.name, key), deque())
        while times and times[0] <= since:
            times.popleft()
        return times
