"""Employment: when somebody works for whom, in which team, and until which minute doors open to them.

Without any employment nothing here limits a person: garages and clubs have none. With one, access ends when
the last employment ends, and rests between two. What is granted beside it (`access.model.Grant`) is never
widened by an employment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from postern.errors import BadInput, Conflict, NotFound
from postern.ids import ContractorId, EmploymentId, PersonId, SiteId, TeamId, TenantId
from postern.spans import Span

LONGEST_TEXT = 200
_PROFILE = re.compile(r"[a-z0-9-]{0,40}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What an operator fills in. `last` is the last day of work; `until` the minute of that day at which
    access ends, by the clock on the site's wall: at midnight, when it is not said."""

    first: date
    last: date | None = None
    until: time | None = None
    contractor: ContractorId | None = None
    """The contractor who employs them; None: the organisation itself."""
    team: TeamId | None = None
    manager: PersonId | None = None
    """Who approves their hours; None: whoever leads their team."""
    site: SiteId | None = None
    occupation: str = ""
    pay_profile: str = ""
    """By which pay rules their hours are judged; empty: by those of their site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Employment:
    """One employment. `begins_at` and `ends_at` are the instants between which doors may open."""

    id: EmploymentId
    terms: Terms
    begins_at: datetime
    ends_at: datetime | None = None

    def covers(self, day: date) -> bool:
        """Whether they are employed on that day."""
        return self.terms.first <= day and (self.terms.last is None or day <= self.terms.last)


@dataclass(frozen=True, kw_only=True, slots=True)
class Employments:
    """All employments of one person, by their first day. `version` 0: nothing is stored yet."""

    person: PersonId
    every: tuple[Employment, ...] = ()
    version: int = 0

    def on(self, day: date) -> Employment | None:
        """The employment in force on that day."""
        return next((one for one in self.every if one.covers(day)), None)

    def find(self, id: EmploymentId) -> Employment:
        """The one of that id. Raises NotFound."""
        for one in self.every:
            if one.id == id:
                return one
        raise NotFound("there is no such employment; it may have been removed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Team:
    """People who are led together."""

    id: TeamId
    tenant: TenantId
    name: str
    manager: PersonId | None = None
    site: SiteId | None = None
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Contractor:
    """A company whose people work on one's sites. `contract` is the number under which it works here;
    address and contract number stand on a certified payroll."""

    id: ContractorId
    tenant: TenantId
    name: str
    address: str = ""
    contract: str = ""
    version: int = 1


def checked_terms(terms: Terms) -> Terms:
    """Trimmed and checked. Raises BadInput when the days are backwards or a text is too long."""
    if terms.last is not None and terms.last < terms.first:
        raise BadInput("the last day lies before the first; correct one of them")
    if terms.first.year < 1900 or (terms.last or terms.first).year > 2200:
        raise BadInput("the year of an employment is a slip; correct it")
    if terms.until is not None and (terms.last is None or terms.until.tzinfo is not None):
        raise BadInput("the minute at which access ends needs the last day beside it")
    if len(terms.occupation) > LONGEST_TEXT:
        raise BadInput(f"the occupation is too long; {LONGEST_TEXT} characters are the most")
    if _PROFILE.fullmatch(terms.pay_profile) is None:
        raise BadInput("there is no such pay profile; choose one from the list")
    return replace(terms, occupation=" ".join(terms.occupation.split()))


def employment_of(id: EmploymentId, terms: Terms, clock: ZoneInfo) -> Employment:
    """The employment on these terms, its days taken at the midnights of that clock on the wall."""
    checked = checked_terms(terms)
    ends = None
    if checked.last is not None and checked.until is not None:
        ends = datetime.combine(checked.last, checked.until, clock)
    elif checked.last is not None:
        ends = datetime.combine(checked.last + timedelta(days=1), time(), clock)
    begins = datetime.combine(checked.first, time(), clock)
    return Employment(id=id, terms=checked, begins_at=begins, ends_at=ends)


def with_employment(known: Employments, wanted: Employment) -> Employments:
    """With `wanted` added, or in place of the one of its id. Conflict when it overlaps another one."""
    others = [one for one in known.every if one.id != wanted.id]
    for one in others:
        if _overlap(one.terms, wanted.terms):
            raise Conflict("these days overlap another employment of this person; end that one first")
    every = sorted((*others, wanted), key=lambda one: one.terms.first)
    return replace(known, every=tuple(every))


def without_employment(known: Employments, id: EmploymentId) -> Employments:
    """Without the one of that id. Raises NotFound."""
    known.find(id)
    return replace(known, every=tuple(one for one in known.every if one.id != id))


def _overlap(one: Terms, other: Terms) -> bool:
    return one.first <= (other.last or date.max) and other.first <= (one.last or date.max)


def access_spans(every: Sequence[Employment]) -> tuple[Span, ...]:
    """When doors may open to somebody with these employments: until the first ends, then within each later
    one. Before the first they may have to come in already, and what is granted says so."""
    spans: list[Span] = []
    for place, one in enumerate(sorted(every, key=lambda one: one.begins_at)):
        start = one.begins_at if place else None
        if spans and start is not None and spans[-1].end is not None and start <= spans[-1].end:
            start = spans.pop().start
        spans.append(Span(start=start, end=one.ends_at))
    return tuple(spans)


def has_left(spans: Sequence[Span], at: datetime) -> bool:
    """Whether access is over for good, as far as is known `at` that time."""
    return bool(spans) and all(span.is_before(at) for span in spans)


def within(valid: Span, spans: Sequence[Span]) -> tuple[Span, ...]:
    """What is left of `valid` inside the spans: nothing more than either allows."""
    cut = [
        (
            max((one for one in (valid.start, span.start) if one is not None), default=None),
            min((one for one in (valid.end, span.end) if one is not None), default=None),
        )
        for span in spans
    ]
    return tuple(
        Span(start=start, end=end) for start, end in cut if start is None or end is None or start < end
    )
