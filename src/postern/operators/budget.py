"""How many people and vehicles an operator may open outside their own desk. Pure.

Subjects are counted, not searches: who opens one subject ten times has opened one, and who opens ten with
one search has opened ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(hours=24)
"""How long an opened subject is remembered: as long as the longest limit looks back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most that many different subjects within the time before now."""

    subjects: int
    within: timedelta


LIMITS = (
    Limit(subjects=20, within=timedelta(hours=1)),
    Limit(subjects=60, within=KEPT),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """The limit that opening more would exceed, and when the next subject may be opened."""

    limit: Limit
    free_at: datetime


def spent(opened: Mapping[bytes, datetime], wanted: frozenset[bytes], at: datetime) -> Spent | None:
    """Which limit it would exceed to open `wanted`, too; None when all may be opened.

    `opened`: when each subject, by its tag, was last opened. Opening one again makes it as of now.
    """
    for limit in LIMITS:
        recent = {tag: then for tag, then in opened.items() if then > at - limit.within}
        if wanted and len(recent.keys() | wanted) > limit.subjects:
            return Spent(limit=limit, free_at=min(recent.values(), default=at) + limit.within)
    return None


def used(opened: Mapping[bytes, datetime], limit: Limit, at: datetime) -> int:
    """How many subjects count against the limit now."""
    return sum(then > at - limit.within for then in opened.values())
