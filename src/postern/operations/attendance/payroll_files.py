"""Hours of a closed period as a file for payroll: CSV, XLSX, DATEV, or a contractor's certified payroll.

Whoever closes hours hands them on; the names are in the journal first. More than 20 people are a bulk
export: it needs a second person, and is sealed to a named recipient before it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from postern.age_file import check_recipient, seal_to_recipient
from postern.attendance.exports.certified import CertifiedPayroll, workers
from postern.attendance.exports.csv_file import as_csv
from postern.attendance.exports.datev import DatevSettings, lodas, lohn_und_gehalt
from postern.attendance.exports.model import Paid, Payee, days, pay, totals
from postern.attendance.exports.wh347 import as_wh347
from postern.attendance.exports.xlsx_file import as_xlsx
from postern.attendance.periods import PeriodEntry, standing
from postern.errors import BadInput, NotFound, Refused
from postern.ids import ContractorId, PersonId, SiteId
from postern.operations.attendance.close_period import closed_periods, period_hours
from postern.operations.attendance.closed import ClosedHours
from postern.operations.insiders.approvals import Approval, Asked, Kind, ask, digest_of, spend
from postern.operations.names import named
from postern.operations.people.export import BULK
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import employment_store
from postern.people.employment import Contractor, Team
from postern.sites import store as sites
from postern.sites.model import zone_of


class FileKind(StrEnum):
    """What payroll takes."""

    XLSX = "xlsx"
    CSV_PAY = "csv-pay"
    CSV_DAYS = "csv-days"
    LODAS = "datev-lodas"
    LOHN_UND_GEHALT = "datev-lohn-und-gehalt"
    WH347 = "wh-347"


@dataclass(frozen=True, kw_only=True, slots=True)
class WageType:
    """Which wage type of DATEV a category is; 0 leaves it out."""

    category: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Certified:
    """What a certified payroll says beside the hours of the week that ends on `week_ending`."""

    contractor: ContractorId
    week_ending: date
    number: int
    project: str
    is_subcontractor: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class PayrollFile:
    """Which file of which closed period. `recipient` and `recipient_key` are for bulk exports."""

    site: SiteId
    period: int
    kind: FileKind
    adviser: int = 0
    client: int = 0
    wage_types: tuple[WageType, ...] = ()
    certified: Certified | None = None
    recipient: str = ""
    recipient_key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeFile:
    """The file, ready to leave."""

    name: str
    data: bytes
    people: int


_ENDINGS = {
    FileKind.XLSX: "xlsx",
    FileKind.CSV_PAY: "csv",
    FileKind.CSV_DAYS: "csv",
    FileKind.LODAS: "txt",
    FileKind.LOHN_UND_GEHALT: "txt",
    FileKind.WH347: "pdf",
}


async def needs_second_person(services: Services, actor: Actor, site: SiteId, number: int) -> bool:
    """Whether the period's file is a bulk export. Raises NotFound when it is not closed."""
    return len((await _period(services, actor, site, number)).people) > BULK


async def ask_for_file(
    services: Services, actor: Actor, wanted: PayrollFile, *, purpose: str, case: str
) -> Approval:
    """Ask for a second person's consent to exactly this file."""
    require(actor, Duty.CLOSE_HOURS)
    wanted = checked_file(wanted)
    period = await _period(services, actor, wanted.site, wanted.period)
    asked = Asked(
        kind=Kind.EXPORT,
        exactly=digest_of(wanted),
        words=f"hours of {len(period.people)} people, {period.first} to {period.last}, as {wanted.kind.value}"
        f" to {wanted.recipient} ({wanted.recipient_key[:16]}…)",
        subjects=period.people,
    )
    return await ask(services, actor, asked, purpose=purpose, case=case)


async def payroll_file(
    services: Services, actor: Actor, wanted: PayrollFile, *, purpose: str, approval: UUID | None = None
) -> MadeFile:
    """The file. Raises Refused for a bulk export without its approval, BadInput for what payroll would not
    take, NotFound for a period that is not closed (any more)."""
    require(actor, Duty.CLOSE_HOURS)
    period = await _period(services, actor, wanted.site, wanted.period)
    is_bulk = len(period.people) > BULK
    if is_bulk:
        wanted = checked_file(wanted)
        if approval is None:
            raise Refused(f"hours of more than {BULK} people need a second person: ask for an approval first")
        async with services.database.transaction(actor.tenant) as tx:
            await spend(services, tx, actor, approval, kind=Kind.EXPORT, exactly=digest_of(wanted))
    found = await period_hours(services, actor, wanted.site, wanted.period, purpose=purpose)
    data = await _written(services, actor, wanted, found, period)
    name = f"hours-{period.first}-{period.last}-{wanted.kind.value}.{_ENDINGS[wanted.kind]}"
    if is_bulk:
        return MadeFile(
            name=f"{name}.age", data=seal_to_recipient(data, wanted.recipient_key), people=len(found)
        )
    return MadeFile(name=name, data=data, people=len(found))


def checked_file(wanted: PayrollFile) -> PayrollFile:
    """As a second person agrees to it. Raises BadInput for a recipient without a name or a key."""
    key = check_recipient(wanted.recipient_key)
    return replace(wanted, recipient=named(wanted.recipient), recipient_key=key)


async def _period(services: Services, actor: Actor, site: SiteId, number: int) -> PeriodEntry:
    for one in standing(await closed_periods(services, actor, site)):
        if one.number == number:
            return one
    raise NotFound("no period of this number is closed here (any more)")


async def _written(
    services: Services, actor: Actor, wanted: PayrollFile, found: Sequence[ClosedHours], period: PeriodEntry
) -> bytes:
    async with services.database.transaction(actor.tenant) as tx:
        place = await sites.site(tx, services.keyring, actor.tenant, wanted.site)
        every = await services.registry.employments.all(tx, actor.tenant)
        teams = await employment_store.units(tx, services.keyring, actor.tenant, Team)
        companies = await employment_store.units(tx, services.keyring, actor.tenant, Contractor)
    names: dict[UUID, str] = {one.id: one.name for one in teams}
    names |= {one.id: one.name for one in companies}
    known = {one.id: one for one in companies}

    def payee(one: ClosedHours) -> Payee:
        kept = every.get(PersonId(one.person))
        terms = (
            next((each.terms for each in reversed(kept.every) if each.terms.first <= period.last), None)
            if kept is not None
            else None
        )
        return Payee(
            name=one.name,
            employee_number=one.employee_number or "",
            employer=names.get(one.contractor, "") if one.contractor is not None else "",
            team=names.get(terms.team, "") if terms is not None and terms.team is not None else "",
            occupation=terms.occupation if terms is not None else "",
        )

    paid = [Paid(payee=payee(one), sheet=one.timesheet) for one in found]
    settings = DatevSettings(
        adviser=wanted.adviser,
        client=wanted.client,
        wage_types={one.category: one.number for one in wanted.wage_types},
    )
    match wanted.kind:
        case FileKind.XLSX:
            zone = zone_of(place.time_zone)
            return as_xlsx([totals(paid), pay(paid), days(paid, zone)])
        case FileKind.CSV_PAY:
            return as_csv(pay(paid))
        case FileKind.CSV_DAYS:
            return as_csv(days(paid, zone_of(place.time_zone)))
        case FileKind.LODAS:
            return lodas(paid, settings, period.first)
        case FileKind.LOHN_UND_GEHALT:
            return lohn_und_gehalt(paid, settings)
        case FileKind.WH347:
            theirs = [
                each
                for each, one in zip(paid, found, strict=True)
                if wanted.certified is not None and one.contractor == wanted.certified.contractor
            ]
            return as_wh347(_certified(wanted.certified, theirs, period, known))


def _certified(
    wanted: Certified | None,
    theirs: Sequence[Paid],
    period: PeriodEntry,
    known: dict[ContractorId, Contractor],
) -> CertifiedPayroll:
    if wanted is None or wanted.contractor not in known:
        raise BadInput("a certified payroll is one contractor's; choose whose")
    if not period.first <= wanted.week_ending - timedelta(days=6) <= wanted.week_ending <= period.last:
        raise BadInput("the week of a certified payroll has to lie in the period; choose another last day")
    company = known[wanted.contractor]
    return CertifiedPayroll(
        contractor=company.name,
        address=company.address,
        is_subcontractor=wanted.is_subcontractor,
        number=wanted.number,
        week_ending=wanted.week_ending,
        project=wanted.project.strip(),
        contract=company.contract,
        workers=workers(theirs, wanted.week_ending),
    )
