"""Reckon people's hours from their sealed books: read everything, then let a pure function go over it.

Principals look at hours through `timesheets.py`; this shows nothing to anybody.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from postern import documents
from postern.attendance import store
from postern.attendance.books import Approval
from postern.attendance.model import Correction, Punch
from postern.attendance.paying import calendar_of
from postern.attendance.periods import PeriodEntry
from postern.attendance.roster import Roster
from postern.attendance.settings import Assignment, AttendanceSettings, roster_of, rosters_held
from postern.attendance.timesheet import Grounds, Terms, Timesheet, grounds, reach
from postern.ids import SiteId, TenantId
from postern.operations.attendance.desk import Books, SealedBooks, sealed_books_of
from postern.operations.attendance.people import Employed
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import zone_of

_READ = 500
"""People whose sealed books are read together."""
_OPEN = 5
"""People whose open books are in memory together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a site's hours are reckoned by."""

    settings: AttendanceSettings
    zone: ZoneInfo
    rosters: Mapping[UUID, Roster]
    assignments: Mapping[UUID, Assignment]
    periods: tuple[PeriodEntry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reckoned:
    """Somebody's hours of some days, and what they were made of.

    `approval`: a manager's of just these hours; `outdated`: there is one, but of others.
    """

    employed: Employed
    timesheet: Timesheet
    punches: tuple[Punch, ...]
    corrections: tuple[Correction, ...]
    approval: Approval | None = None
    outdated: bool = False


async def rules_of(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> Rules:
    """As they stand now. Raises NotFound where no hours are kept."""
    place = await sites.site(tx, services.keyring, tenant, site)
    settings = await store.settings(tx, services.keyring, tenant, site)
    # A person may work by a roster of another site.
    rosters = [
        one
        for each in await store.attendance_sites(tx)
        for one in await store.rosters(tx, services.keyring, tenant, each)
    ]
    return Rules(
        settings=settings,
        zone=zone_of(place.time_zone),
        rosters={one.id: one.roster for one in rosters},
        assignments=await services.registry.assignments.all(tx, tenant),
        periods=await store.period_entries(tx, services.keyring, tenant, site),
    )


async def reckoned(
    services: Services,
    tenant: TenantId,
    rules: Rules,
    people: Sequence[Employed],
    *,
    first: date,
    last: date,
    language: str = "en",
) -> AsyncIterator[Reckoned]:
    """The hours of these people, one after the other: few books are open at a time."""
    now = services.clock.now()
    farthest = [reach(first, last, rules.settings.profile(one.profile)) for one in people]
    since = min((one for one, _ in farthest), default=first)
    until = max((one for _, one in farthest), default=last)
    job = _Job(rules, first=first, last=last, at=now, language=language)
    for some in _batches(people, _READ):
        ids = [one.person.id for one in some]
        async with services.database.transaction(tenant) as tx:
            books = await sealed_books_of(services, tx, tenant, ids, first=since, last=until)
        for few in _batches(some, _OPEN):
            for one in await asyncio.to_thread(job.all, [(one, books[one.person.id]) for one in few]):
                yield one


def _batches(people: Sequence[Employed], size: int) -> Iterator[Sequence[Employed]]:
    return (people[start : start + size] for start in range(0, len(people), size))


class _Job:
    """Days to reckon by a site's rules; remembers what people with the same rosters share."""

    def __init__(self, rules: Rules, *, first: date, last: date, at: datetime, language: str) -> None:
        self.rules = rules
        self.first = first
        self.last = last
        self.at = at
        self.language = language
        self._grounds = lru_cache(maxsize=256)(self._worked_out)

    def all(self, some: Sequence[tuple[Employed, SealedBooks]]) -> list[Reckoned]:
        return [self._one(employed, books.open()) for employed, books in some]

    def _one(self, employed: Employed, books: Books) -> Reckoned:
        shared = self._grounds(employed.profile, self._rosters(employed))
        made = shared.timesheet(employed.person.id, books.punches, books.corrections, at=self.at)
        approvals = [
            one.approval for one in books.months if one.month == self.first and one.approval is not None
        ]
        approval = max(approvals, key=lambda one: one.at, default=None)
        holds = approval is not None and approval.hours == fingerprint(made)
        return Reckoned(
            employed=employed,
            timesheet=made,
            punches=tuple(
                one
                for one in books.punches
                if self.first <= one.at.astimezone(self.rules.zone).date() <= self.last
            ),
            corrections=tuple(one for one in books.corrections if self.first <= one.day <= self.last),
            approval=approval if holds else None,
            outdated=approval is not None and not holds,
        )

    def _rosters(self, employed: Employed) -> tuple[UUID | None, ...]:
        since, until = self._reach(employed.profile)
        assignment = self.rules.assignments.get(employed.person.id) or Assignment(person=employed.person.id)
        return rosters_held(assignment, since, until, works=employed.works_here_on)

    def _worked_out(self, name: str, held: tuple[UUID | None, ...]) -> Grounds:
        profile, (since, until) = self.rules.settings.profile(name), self._reach(name)
        calendar = calendar_of(profile, since, until, self.language)
        terms = Terms(
            roster=roster_of(held, self.rules.rosters, since, calendar),
            zone=self.rules.zone,
            pairing=self.rules.settings.pairing,
            profile=profile,
        )
        return grounds(terms, self.first, self.last, self.language)

    def _reach(self, name: str) -> tuple[date, date]:
        return reach(self.first, self.last, self.rules.settings.profile(name))


def fingerprint(made: Timesheet) -> UUID:
    """Names exactly these hours: another one after any change to a minute, a line or an anomaly of them."""
    days = tuple(
        (one.day, one.work.counted, one.late, one.early, one.absent, one.lines, one.anomalies)
        for one in made.days
    )
    written = documents.to_bytes(days)
    return UUID(bytes=hashlib.sha256(written).digest()[:16], version=4)
