"""Periods that payroll has closed: entries are only ever added, and what stands follows from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from postern.errors import BadInput, Conflict, NotFound
from postern.ids import PersonId

LONGEST_DAYS = 62


class PeriodDeed(StrEnum):
    """What an entry says."""

    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodEntry:
    """An entry of a site, numbered from 1. `people`: whose hours it closed; `of`: which entry it reopens."""

    number: int
    deed: PeriodDeed
    first: date
    last: date
    at: datetime
    by: str
    reason: str = ""
    people: tuple[PersonId, ...] = ()
    of: int | None = None


def standing(entries: Sequence[PeriodEntry]) -> list[PeriodEntry]:
    """The periods that are closed now, by their first day."""
    reopened = {one.of for one in entries if one.deed is PeriodDeed.REOPENED}
    closed = [one for one in entries if one.deed is PeriodDeed.CLOSED and one.number not in reopened]
    return sorted(closed, key=lambda one: one.first)


def closing_of(entries: Sequence[PeriodEntry], day: date) -> PeriodEntry | None:
    """The closed period in which that day lies."""
    return next((one for one in standing(entries) if one.first <= day <= one.last), None)


def check_closable(entries: Sequence[PeriodEntry], first: date, last: date, today: date) -> None:
    """Raises BadInput for days that make no period or are not over, Conflict when some are closed already."""
    if last < first:
        raise BadInput("the last day cannot be before the first")
    if (last - first).days >= LONGEST_DAYS:
        raise BadInput(f"a period has at most {LONGEST_DAYS} days; close a shorter one")
    if last >= today:
        raise BadInput("the period is not over yet; close it when its last day is")
    if any(one.first <= last and first <= one.last for one in standing(entries)):
        raise Conflict("some of these days are closed already; reopen that period first")


def reopenable(entries: Sequence[PeriodEntry], number: int) -> PeriodEntry:
    """The closed period of that number. Raises NotFound."""
    found = next((one for one in standing(entries) if one.number == number), None)
    if found is None:
        raise NotFound("no period of this number is closed here (any more)")
    return found
