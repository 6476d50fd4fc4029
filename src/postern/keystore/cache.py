"""A few opened keys kept for a short while, so that not every record costs a question to the keystore."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class KeyCache(Generic[Value]):
    """At most `size` values, the least recently used leave first, and none is served after `seconds`.

    The age limit is how a process learns that another one destroyed a key: no message that could get
    lost, no connection that must be kept, and a bound that can be stated.
    """

    def __init__(self, *, size: int, seconds: float, now: Callable[[], float]) -> None:
        self._size = size
        self._seconds = seconds
        self._now = now
        self._kept: OrderedDict[Hashable, tuple[float, Value]] = OrderedDict()
        self.generation = 0
        """Grows when something is dropped: what was read from the database before must not be kept after."""

    def get(self, name: Hashable) -> Value | None:
        kept = self._kept.get(name)
        if kept is None:
            return None
        if kept[0] <= self._now():
            del self._kept[name]
            return None
        self._kept.move_to_end(name)
        return kept[1]

    def keep(self, name: Hashable, value: Value, *, read_in: int) -> None:
        """Keep `value`, unless something was dropped since the generation `read_in` in which it was read."""
        if read_in != self.generation:
            return
        self._kept[name] = (self._now() + self._seconds, value)
        self._kept.move_to_end(name)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def drop(self, matching: Callable[[Hashable], bool]) -> None:
        self.generation += 1
        for name in [name for name in self._kept if matching(name)]:
            del self._kept[name]
