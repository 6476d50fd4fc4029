"""Hours that were not closed yet when somebody is erased: the law keeps them like those that were.

They are sealed as they stand then, under the statutory key alone, and come with the period that holds their
days, whenever it is closed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from postern.attendance import store
from postern.errors import NotFound
from postern.ids import PersonId, SiteId, TenantId
from postern.operations.attendance.closed import (
    ERASED,
    ClosedHours,
    closed_hours,
    closed_hours_of,
    cut,
    row_of,
)
from postern.operations.attendance.people import employed
from postern.operations.attendance.reckon import reckoned, rules_of
from postern.operations.attendance.rows import naming
from postern.operations.attendance.settle import settle_all_hours
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.privacy import erasure_store
from postern.privacy.statutory import PERSON
from postern.sealing.keyring import Purpose

LONGEST_OPEN = timedelta(days=120)
"""Longer than that nobody leaves a period open."""


async def keep_open_hours(services: Services, tenant: TenantId, person: PersonId) -> None:
    """Before the person's keys are destroyed. Repeating it changes nothing; without hours nothing is kept."""
    await settle_all_hours(services, tenant)
    last = services.clock.now().date()
    first = last - LONGEST_OPEN
    async with services.database.transaction(tenant) as tx:
        try:
            found = await employed(services, tx, tenant, person, first=first, last=last)
        except NotFound:
            return
        rules = await rules_of(services, tx, tenant, found.site)
    (made,) = [one async for one in reckoned(services, tenant, rules, [found], first=first, last=last)]
    if not made.punches:
        return
    statutory = await services.keyring.subject_keys(tenant, [person], Purpose.STATUTORY)
    if person not in statutory:
        return
    row = row_of(
        closed_hours_of(made, rules),
        names=await naming(services, tenant),
        tenant=tenant,
        site=found.site,
        number=ERASED,
        statutory=statutory[person],
    )
    async with services.database.transaction(tenant) as tx:
        await store.add_closed(tx, found.site, [row])


async def hours_of_erased(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    site: SiteId,
    *,
    first: date,
    last: date,
    but: Collection[PersonId],
) -> list[ClosedHours]:
    """What was not closed of people who were erased since, of these days, while the law keeps it."""
    every = await erasure_store.every(tx, services.keyring, tenant)
    gone = [
        PersonId(one.subject)
        for one in every
        if one.subject_kind == PERSON and one.keeps is not None and not one.statutory_over
    ]
    people = [one for one in gone if one not in but]
    found = await closed_hours(services, tx, tenant, site=site, number=ERASED, people=people)
    made = [cut(one, first, last) for one in found]
    return [one for one in made if one.timesheet.totals.worked or one.timesheet.anomalies]
