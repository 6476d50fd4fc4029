"""Close a period for payroll: everybody's hours are sealed as they stand, and nothing in it changes any more.

A closed period is opened again only by another entry, with a reason; what was closed stays beside what is
closed then. A principal of its own reckons: one journal entry a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from postern.attendance import store
from postern.attendance.periods import (
    PeriodDeed,
    PeriodEntry,
    check_closable,
    reopenable,
    standing,
)
from postern.attendance.store import ClosedRow
from postern.errors import Conflict, NotFound
from postern.ids import PersonId, SiteId, TenantId
from postern.journal.model import Act
from postern.operations.attendance.closed import ClosedHours, closed_hours, closed_hours_of, row_of
from postern.operations.attendance.law import hours_of_erased
from postern.operations.attendance.people import Employed, employed_at
from postern.operations.attendance.reckon import Rules, reckoned, rules_of
from postern.operations.attendance.rows import naming
from postern.operations.attendance.settle import settle_hours
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.postgres.pool import Transaction
from postern.sealing.keyring import Purpose
from postern.sites import store as sites


async def closed_periods(services: Services, actor: Actor, site: SiteId) -> tuple[PeriodEntry, ...]:
    """Every entry about the site's periods, in order; `periods.standing` tells which are closed now."""
    require(actor, Duty.SEE_ALL_HOURS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.period_entries(tx, services.keyring, actor.tenant, site)


async def close_period(
    services: Services, actor: Actor, site: SiteId, *, first: date, last: date, reason: str = ""
) -> PeriodEntry:
    """Seal everybody's hours of these days.

    Raises BadInput or Conflict for days that cannot be closed. While somebody's punches do not pair it is a
    Conflict too, unless a `reason` says why it is closed all the same.
    """
    require(actor, Duty.CLOSE_HOURS)
    await settle_hours(services, actor.tenant, site)
    async with services.database.transaction(actor.tenant) as tx:
        rules = await rules_of(services, tx, actor.tenant, site)
        today = services.clock.now().astimezone(rules.zone).date()
        check_closable(rules.periods, first, last, today)
        people = await employed_at(services, tx, actor.tenant, site, first=first, last=last)
    number = len(rules.periods) + 1
    made, open_ends = await _sealed(services, actor.tenant, rules, people, number, first=first, last=last)
    if open_ends and not reason.strip():
        raise Conflict(
            f"the punches of {open_ends} people do not pair in these days; correct them first, "
            "or say why the period is closed all the same"
        )
    entry = PeriodEntry(
        number=number,
        deed=PeriodDeed.CLOSED,
        first=first,
        last=last,
        at=services.clock.now(),
        by=actor.name,
        reason=stated(reason) if reason.strip() else "",
        people=tuple(one.person.id for one in people),
    )
    async with services.database.transaction(actor.tenant) as tx:
        await store.settings(tx, services.keyring, actor.tenant, site, lock=True)
        if await store.hub_is_behind(tx, site):
            raise Conflict("somebody is entering hours of this site right now; close the period again")
        await store.add_period_entry(tx, services.keyring, actor.tenant, site, entry)
        await store.add_closed(tx, site, made)
        detail = f"site {site}: {first} to {last} closed for {len(people)} people"
        await _traced(services, tx, actor, detail, entry.reason)
    return entry


async def _sealed(
    services: Services,
    tenant: TenantId,
    rules: Rules,
    people: Sequence[Employed],
    number: int,
    *,
    first: date,
    last: date,
) -> tuple[list[ClosedRow], int]:
    """The rows, and of how many people something does not pair."""
    names = await naming(services, tenant)
    ids = [one.person.id for one in people]
    keys = await services.keyring.subject_keys(tenant, ids, Purpose.STATUTORY)
    made: list[ClosedRow] = []
    open_ends = 0
    async for one in reckoned(services, tenant, rules, people, first=first, last=last):
        hours = closed_hours_of(one, rules)
        if hours.person in keys:
            made.append(
                row_of(
                    hours,
                    names=names,
                    tenant=tenant,
                    site=rules.settings.site,
                    number=number,
                    statutory=keys[hours.person],
                )
            )
        open_ends += bool(one.timesheet.anomalies)
    return made, open_ends


async def reopen_period(
    services: Services, actor: Actor, site: SiteId, number: int, *, reason: str
) -> PeriodEntry:
    """Its days may be corrected again, until they are closed anew. NotFound when it is not closed."""
    require(actor, Duty.CLOSE_HOURS)
    reason = stated(reason)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await store.settings(tx, services.keyring, actor.tenant, site, lock=True)
        entries = await store.period_entries(tx, services.keyring, actor.tenant, site)
        closed = reopenable(entries, number)
        entry = PeriodEntry(
            number=len(entries) + 1,
            deed=PeriodDeed.REOPENED,
            first=closed.first,
            last=closed.last,
            at=services.clock.now(),
            by=actor.name,
            reason=reason,
            of=number,
        )
        await store.add_period_entry(tx, services.keyring, actor.tenant, site, entry)
        detail = f"site {site}: {closed.first} to {closed.last} opened again"
        await _traced(services, tx, actor, detail, reason)
    return entry


async def _traced(services: Services, tx: Transaction, actor: Actor, detail: str, reason: str) -> None:
    """The reason goes into the sealed detail: it may name somebody, and purposes are kept in clear."""
    why = f"{detail}: {reason}" if reason else detail
    await trace(services, tx, actor, Act.CHANGED, purpose="payroll", detail=why)


async def period_hours(
    services: Services, actor: Actor, site: SiteId, number: int, *, purpose: str
) -> list[ClosedHours]:
    """Everybody's hours of a closed period, by name, for payroll; also of those who were erased since, while
    the law keeps their hours. Raises NotFound when it is not closed, BadInput without a purpose."""
    require(actor, Duty.CLOSE_HOURS)
    purpose = stated(purpose)
    async with looking(services, actor) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        entries = await store.period_entries(tx, services.keyring, actor.tenant, site)
        closed = next((one for one in standing(entries) if one.number == number), None)
        if closed is None:
            raise NotFound("no period of this number is closed here (any more)")
        people: Sequence[PersonId] = closed.people
        opening = Opening(
            act=Act.EXPORTED,
            purpose=purpose,
            subjects=people,
            detail=f"hours of site {site}, {closed.first} to {closed.last}",
            own_desk=may(actor, Duty.KEEP_PEOPLE),
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    async with services.database.transaction(actor.tenant) as tx:
        found = await closed_hours(services, tx, actor.tenant, site=site, number=number, people=people)
        found += await hours_of_erased(
            services, tx, actor.tenant, site, first=closed.first, last=closed.last, but=people
        )
    return sorted(found, key=lambda one: (one.name.casefold(), one.person))
