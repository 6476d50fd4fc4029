"""Invite many from a CSV file, as everybody who comes to a meeting: each line is judged before any is taken.

Columns: name, company, mail, host_employee_number, site, start, end, access_level, purpose, language. `name`,
`start` and `end` are needed, and `site` where there are several; times are the site's own: 2026-12-31 09:00.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from postern.access import store as access
from postern.access.model import AccessLevel
from postern.errors import BadInput
from postern.ids import AccessLevelId, PersonId
from postern.journal.model import Act
from postern.operations.people.import_lines import (
    ImportKind,
    ImportReport,
    LineReport,
    named_field,
    read_field,
    read_rows,
    text_of,
)
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operations.visitors.visits import fresh, mail_invitation, new_link, newest_terms, store_new
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.sealing.keyring import Purpose
from postern.sites import store as sites
from postern.sites.model import Site, zone_of
from postern.spans import Span
from postern.visitors.model import Visit, VisitDetails, VisitState, checked_visit

MOST_LINES = 2_000
_MOMENT = "write the time as 2026-12-31 09:00"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ground:
    """What a line is read against."""

    levels: Mapping[str, AccessLevelId]
    sites: Mapping[str, Site]
    hosts: Mapping[str, PersonId]
    now: datetime


async def check_visits(services: Services, actor: Actor, data: bytes) -> ImportReport:
    """A dry run: what is wrong with which line. Nothing is changed."""
    _require(actor)
    async with services.database.transaction(actor.tenant) as tx:
        report, _ = await _checked(services, tx, actor, data)
    return report


async def take_visits(
    services: Services, actor: Actor, data: bytes, *, skip_bad: bool = False
) -> ImportReport:
    """Invite everybody in the file; those with an address get a letter. BadInput as for other imports."""
    _require(actor)
    async with services.database.transaction(actor.tenant) as tx:
        report, good = await _checked(services, tx, actor, data)
        if report.bad and not skip_bad:
            raise BadInput(
                f"{len(report.bad)} of {len(report.lines)} lines are refused; "
                "correct them, or skip them on purpose"
            )
        made = [fresh(services, actor.tenant, one, by=actor.name, state=VisitState.EXPECTED) for one in good]
        await services.keyring.new_keys_of_all(
            actor.tenant, [one.id for one in made], [Purpose.IDENTITY, Purpose.MOVEMENT]
        )
        await _store(services, tx, actor, made)
        await trace(
            services,
            tx,
            actor,
            Act.ADDED,
            purpose=f"import of {ImportKind.VISITS.value}",
            subjects=[one.id for one in made],
        )
    return ImportReport(lines=report.lines, applied=len(good))


def _require(actor: Actor) -> None:
    require(actor, Duty.INVITE)
    require(actor, Duty.CHANGE_ACCESS)


async def _store(services: Services, tx: Transaction, actor: Actor, made: Sequence[Visit]) -> None:
    here = {one.details.site for one in made}
    terms = {site: await newest_terms(services, tx, actor.tenant, site) for site in here}
    for one in made:
        visit = replace(one, terms_needed=terms[one.details.site])
        await store_new(services, tx, visit)
        if services.post is not None and visit.details.mail is not None:
            await mail_invitation(services, tx, visit, await new_link(tx, visit))


async def _checked(
    services: Services, tx: Transaction, actor: Actor, data: bytes
) -> tuple[ImportReport, list[VisitDetails]]:
    rows = read_rows(data, ImportKind.VISITS)
    if len(rows) > MOST_LINES:
        raise BadInput(f"the file has more than {MOST_LINES} lines; split it")
    ground = await _ground(services, tx, actor, [fields for _, fields in rows])
    problems: dict[int, str] = {}
    good: list[VisitDetails] = []
    for number, fields in rows:
        try:
            good.append(_details(fields, ground))
        except BadInput as fault:
            problems[number] = str(fault)
    reports = tuple(LineReport(line=number, problem=problems.get(number, "")) for number, _ in rows)
    return ImportReport(lines=reports), good


async def _ground(
    services: Services, tx: Transaction, actor: Actor, rows: Sequence[Mapping[str, str]]
) -> _Ground:
    levels = await access.rules(tx, services.keyring, actor.tenant, AccessLevel)
    numbers = {number for row in rows if (number := row.get("host_employee_number"))}
    return _Ground(
        levels={one.name.casefold(): one.id for one in levels},
        sites={one.name.casefold(): one for one in await sites.sites(tx, services.keyring, actor.tenant)},
        hosts=await people.find_all(
            tx, services.keyring, actor.tenant, field="employee_number", values=numbers
        ),
        now=services.clock.now(),
    )


def _details(fields: Mapping[str, str], ground: _Ground) -> VisitDetails:
    name = text_of(fields, "name")
    site = named_field(fields, "site", ground.sites)
    if site is None:
        if len(ground.sites) != 1:
            raise BadInput("say at which site; there are several")
        site = next(iter(ground.sites.values()))
    zone = zone_of(site.time_zone)
    start, end = _moment(fields, "start", zone), _moment(fields, "end", zone)
    if start is None or end is None or end <= start:
        raise BadInput("a visit has a beginning and, after it, an end")
    if end <= ground.now:
        raise BadInput("this time is over; choose a later end")
    number = fields.get("host_employee_number", "")
    if number and number not in ground.hosts:
        raise BadInput("nobody has the host's employee number; import the people first")
    return checked_visit(
        VisitDetails(
            site=site.id,
            name=name,
            valid=Span(start=start, end=end),
            company=fields.get("company", ""),
            mail=fields.get("mail") or None,
            host=ground.hosts.get(number),
            level=named_field(fields, "access_level", ground.levels),
            purpose=fields.get("purpose", ""),
            language=fields.get("language", ""),
        )
    )


def _moment(fields: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime | None:
    at = read_field(fields, name, datetime.fromisoformat, _MOMENT)
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=zone)
