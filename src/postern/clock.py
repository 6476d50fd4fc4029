"""Where time comes from. Rules never ask: they are given `at`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the present moment as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """A clock that stands where it was put, for simulations and tests."""

    def __init__(self, at: datetime) -> None:
        self._at = aware(at)

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`; a negative span sets the clock back, as real ones sometimes are."""
        self._at += by


def aware(at: datetime) -> datetime:
    """Return `at` in UTC. Raises ValueError on a naive datetime, which would mean a guess."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone; give one, for example +00:00")
    return at.astimezone(UTC)


def utc_day(at: datetime) -> date:
    """The UTC day that `at` falls on: the archive's day of storage, not the site's calendar day."""
    return aware(at).date()
