"""Hours of closed periods: primary, sealed under each person's statutory key, and never changed.

They outlive an erasure until the day that the law says (`privacy/statutory.py`), and then their key goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from postern import documents
from postern.attendance import store
from postern.attendance.pay import PayProfile
from postern.attendance.periods import standing
from postern.attendance.store import ClosedRow
from postern.attendance.timesheet import Timesheet, totals
from postern.ids import ContractorId, PersonId, SiteId, TenantId
from postern.operations.attendance.reckon import Reckoned, Rules
from postern.operations.attendance.rows import naming
from postern.operations.services import Services
from postern.parking.naming import Naming
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.keyring import Purpose

ERASED = 0
"""The number under which open hours lie of whoever was erased: no period has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedHours:
    """Somebody's hours of a closed period, with all that payroll needs to know whose they are.

    `approved`: whether a manager had approved just these.
    """

    person: PersonId
    name: str
    employee_number: str | None
    site: SiteId
    profile: PayProfile
    timesheet: Timesheet
    contractor: ContractorId | None = None
    approved: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedBetween:
    """Hours by person that come from one closed period; `number` None: these days are not closed as one."""

    number: int | None = None
    hours: Mapping[PersonId, Timesheet] = field(default_factory=dict)


def closed_hours_of(one: Reckoned, rules: Rules) -> ClosedHours:
    """What is closed of somebody's hours."""
    details = one.employed.person.details
    return ClosedHours(
        person=one.employed.person.id,
        name=details.name,
        employee_number=details.employee_number,
        site=one.employed.site,
        profile=rules.settings.profile(one.employed.profile),
        timesheet=one.timesheet,
        contractor=one.employed.contractor,
        approved=one.approval is not None,
    )


def row_of(
    hours: ClosedHours, *, names: Naming, tenant: TenantId, site: SiteId, number: int, statutory: Key
) -> ClosedRow:
    """The sealed row of a period's entry."""
    id = _id(names, site, number, hours.person)
    sealed = seal(statutory, documents.to_bytes(hours), closed_context(tenant, id))
    return ClosedRow(id=id, sealed=sealed)


async def closed_hours(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    *,
    site: SiteId,
    number: int,
    people: Sequence[PersonId],
) -> list[ClosedHours]:
    """Of these people's those that still open; whose statutory key is destroyed is left out."""
    names = await naming(services, tenant)
    whose = {_id(names, site, number, person): person for person in people}
    keys = await services.keyring.subject_keys(tenant, list(people), Purpose.STATUTORY)
    found = await store.closed_rows(tx, site, list(whose))
    return [
        documents.from_bytes(
            ClosedHours, open_sealed(keys[whose[one.id]], one.sealed, closed_context(tenant, one.id))
        )
        for one in found
        if whose[one.id] in keys
    ]


async def closed_between(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    rules: Rules,
    people: Sequence[PersonId],
    *,
    first: date,
    last: date,
) -> ClosedBetween:
    """What was closed of these days, where one period holds all of them."""
    whole = next((one for one in standing(rules.periods) if one.first <= first and last <= one.last), None)
    if whole is None:
        return ClosedBetween()
    found = await closed_hours(
        services, tx, tenant, site=rules.settings.site, number=whole.number, people=people
    )
    return ClosedBetween(
        number=whole.number, hours={one.person: _cut(one.timesheet, first, last) for one in found}
    )


def cut(hours: ClosedHours, first: date, last: date) -> ClosedHours:
    """Only these days of them."""
    return replace(hours, timesheet=_cut(hours.timesheet, first, last))


def _cut(made: Timesheet, first: date, last: date) -> Timesheet:
    if (made.first, made.last) == (first, last):
        return made
    days = tuple(one for one in made.days if first <= one.day <= last)
    return replace(made, first=first, last=last, days=days, totals=totals(days))


def _id(names: Naming, site: SiteId, number: int, person: PersonId) -> UUID:
    return names.named(f"closed|{site}|{number}|{person}")


def closed_context(tenant: TenantId, id: UUID) -> Context:
    """What binds closed hours to their row."""
    return Context(tenant=tenant, table="attendance_closed", column="sealed", row=id.bytes)
