"""People's hours: somebody's own, a person's, a team's; and a manager's approval of a month.

Hours are reckoned anew at every look, from the books as they stand; days of a closed period come from what
was closed. Whoever looks is in the journal first: one's desk for whoever keeps the registry, counted for
everybody else (`budget.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from postern.attendance.books import Approval, next_month
from postern.attendance.model import Correction, Punch
from postern.attendance.periods import PeriodEntry, standing
from postern.attendance.timesheet import Timesheet
from postern.errors import BadInput, Conflict
from postern.ids import ContractorId, PersonId, SiteId, TeamId, TenantId
from postern.journal.model import Act
from postern.operations.archive.hub_records import record
from postern.operations.attendance.closed import closed_between
from postern.operations.attendance.people import Employed, employed, employed_at
from postern.operations.attendance.reckon import Reckoned, fingerprint, reckoned, rules_of
from postern.operations.attendance.scope import own_desk, scope_of
from postern.operations.attendance.settle import settle_all_hours, settle_hours
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.operators.members import trace_own
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.privacy.member import Member
from postern.records.model import AttendanceDeed, AttendanceRecord

MOST_ROWS = 50
LONGEST_SPAN = timedelta(days=62)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """Somebody's hours of some days, in the open.

    `approval`: a manager's of just these hours; `outdated`: there is one, but the hours changed since.
    `closed`: the number of the period from which they come; `differs`: what is recorded now says otherwise.
    """

    person: PersonId
    name: str
    employee_number: str | None
    site: SiteId
    timesheet: Timesheet
    punches: tuple[Punch, ...] = ()
    corrections: tuple[Correction, ...] = ()
    team: TeamId | None = None
    manager: PersonId | None = None
    contractor: ContractorId | None = None
    approval: Approval | None = None
    outdated: bool = False
    closed: int | None = None
    differs: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamHours:
    """A page of people by name; `total` is how many there were."""

    site: SiteId
    first: date
    last: date
    rows: tuple[Hours, ...]
    total: int
    periods: tuple[PeriodEntry, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamWanted:
    """Whose hours: everybody's at a site, or those of a team, a manager's people or a contractor's."""

    site: SiteId
    first: date
    last: date
    team: TeamId | None = None
    manager: PersonId | None = None
    contractor: ContractorId | None = None

    def holds(self, one: Employed) -> bool:
        """Whether the person is one of them."""
        return (
            (self.team is None or one.team == self.team)
            and (self.manager is None or one.manager == self.manager)
            and (self.contractor is None or one.contractor == self.contractor)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Days:
    """A span that may be looked at. Raises BadInput for one that may not."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise BadInput("the last day cannot be before the first")
        if self.last - self.first > LONGEST_SPAN:
            raise BadInput(f"look at {LONGEST_SPAN.days} days at a time at most")


async def own_hours(
    services: Services, member: Member, *, first: date, last: date, language: str = "en"
) -> Hours:
    """The member's own. Raises NotFound where none are kept of them."""
    span = _Days(first=first, last=last)
    await settle_all_hours(services, member.tenant)
    async with services.database.transaction(member.tenant) as tx:
        found = await employed(services, tx, member.tenant, member.person, first=first, last=last)
        await trace_own(
            services, tx, member, Act.LOOKED, purpose="own hours", detail=f"own hours {first} to {last}"
        )
    (hours,) = await _hours(services, member.tenant, [found], span, site=found.site, language=language)
    return hours


async def person_hours(
    services: Services,
    actor: Actor,
    person: PersonId,
    *,
    first: date,
    last: date,
    purpose: str = "hours",
    language: str = "en",
) -> Hours:
    """One person's. Raises NotFound; Refused for somebody whom another one manages."""
    require(actor, Duty.SEE_HOURS)
    span = _Days(first=first, last=last)
    await settle_all_hours(services, actor.tenant)
    async with looking(services, actor) as tx:
        found = await employed(services, tx, actor.tenant, person, first=first, last=last)
        (await scope_of(services, tx, actor)).check_seen(found)
        opening = Opening(
            act=Act.LOOKED,
            purpose=purpose,
            subjects=[person],
            detail=f"hours {first} to {last}",
            own_desk=own_desk(actor),
        )
        await open_subjects(services, tx, actor, opening)
    (hours,) = await _hours(services, actor.tenant, [found], span, site=found.site, language=language)
    return hours


async def team_hours(
    services: Services,
    actor: Actor,
    wanted: TeamWanted,
    *,
    start: int = 0,
    limit: int = MOST_ROWS,
    language: str = "en",
) -> TeamHours:
    """A page of a team's, by name: of those whom the operator may see. Raises NotFound where the site keeps
    no hours."""
    require(actor, Duty.SEE_HOURS)
    span = _Days(first=wanted.first, last=wanted.last)
    await settle_hours(services, actor.tenant, wanted.site)
    async with looking(services, actor) as tx:
        rules = await rules_of(services, tx, actor.tenant, wanted.site)
        everyone = await employed_at(
            services, tx, actor.tenant, wanted.site, first=wanted.first, last=wanted.last
        )
        scope = await scope_of(services, tx, actor)
        found = [one for one in everyone if wanted.holds(one) and scope.holds(one)]
        page = found[start : start + min(limit, MOST_ROWS)]
        opening = Opening(
            act=Act.LOOKED,
            purpose="hours of a team",
            subjects=[one.person.id for one in page],
            detail=f"site {wanted.site}, {wanted.first} to {wanted.last}",
            own_desk=own_desk(actor),
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    rows = await _hours(services, actor.tenant, page, span, site=wanted.site, language=language)
    return TeamHours(
        site=wanted.site,
        first=wanted.first,
        last=wanted.last,
        rows=tuple(rows),
        total=len(found),
        periods=tuple(standing(rules.periods)),
    )


async def approve_month(services: Services, actor: Actor, person: PersonId, month: date) -> None:
    """The operator found the hours of that month right, as they stand now.

    Raises BadInput while the month is not over, Conflict while something in it does not pair or when its
    period is closed; Refused for one's own, and for somebody's whom another one manages.
    """
    require(actor, Duty.KEEP_HOURS)
    month = month.replace(day=1)
    last = next_month(month) - timedelta(days=1)
    await settle_all_hours(services, actor.tenant)
    async with services.database.transaction(actor.tenant) as tx:
        found = await employed(services, tx, actor.tenant, person, first=month, last=last)
        (await scope_of(services, tx, actor)).check_decided(found)
        rules = await rules_of(services, tx, actor.tenant, found.site)
    if services.clock.now().astimezone(rules.zone).date() <= last:
        raise BadInput("this month is not over yet; approve it when it is")
    if any(one.first <= last and month <= one.last for one in standing(rules.periods)):
        raise Conflict("the period of this day is closed; whoever closed it has to reopen it first")
    (made,) = [one async for one in reckoned(services, actor.tenant, rules, [found], first=month, last=last)]
    if made.timesheet.anomalies:
        raise Conflict("something in this month does not pair; correct or excuse it first, then approve")
    stated = AttendanceRecord(
        at=services.clock.now(),
        deed=AttendanceDeed.MONTH_APPROVED,
        person=person,
        by=actor.operator,
        concerns=fingerprint(made.timesheet),
        day=month,
    )
    async with services.database.transaction(actor.tenant) as tx:
        await record(services, tx, actor.tenant, found.site, [stated])
        await trace(
            services,
            tx,
            actor,
            Act.CHANGED,
            purpose="hours approved",
            subjects=[person],
            detail=f"{month:%Y-%m}",
        )
    await settle_hours(services, actor.tenant, found.site)


async def _hours(
    services: Services,
    tenant: TenantId,
    people: Sequence[Employed],
    days: _Days,
    *,
    site: SiteId,
    language: str,
) -> list[Hours]:
    first, last = days.first, days.last
    async with services.database.transaction(tenant) as tx:
        rules = await rules_of(services, tx, tenant, site)
        closed = await closed_between(
            services, tx, tenant, rules, [one.person.id for one in people], first=first, last=last
        )
    made = reckoned(services, tenant, rules, people, first=first, last=last, language=language)
    return [_shown(one, closed.number, closed.hours.get(one.employed.person.id)) async for one in made]


def _shown(one: Reckoned, number: int | None, closed: Timesheet | None) -> Hours:
    person = one.employed.person
    return Hours(
        person=person.id,
        name=person.details.name,
        employee_number=person.details.employee_number,
        site=one.employed.site,
        timesheet=closed or one.timesheet,
        punches=one.punches,
        corrections=one.corrections,
        team=one.employed.team,
        manager=one.employed.manager,
        contractor=one.employed.contractor,
        approval=one.approval,
        outdated=one.outdated,
        closed=number if closed is not None else None,
        differs=closed is not None and fingerprint(closed) != fingerprint(one.timesheet),
    )
