"""Invite many from a CSV file, as everybody who comes to a meeting: each line is judged before any is taken.

Columns: name, company, mail, host_employee_number, site, start, end, access_level, purpose, language. `name`,
`start` and `end` are needed, and `site` where there are several; times are the site's own: 2026-12-31 09:00.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from postern.access import store as access
from postern.access.model import AccessLevel
from postern.errors import BadInput
from postern.ids import AccessLevelId, PersonId
from postern.operations.people.import_lines import (
    LineReport,
    Outcome,
    Plan,
    Rows,
    Taken,
    named_field,
    read_field,
    refused,
    text_of,
)
from postern.operations.services import Services
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


async def plan_visits(services: Services, tx: Transaction, actor: Actor, rows: Rows) -> Plan:
    """What becomes of each line: everybody who can be invited is, and those with an address get a letter."""
    require(actor, Duty.INVITE)
    require(actor, Duty.CHANGE_ACCESS)
    if len(rows) > MOST_LINES:
        raise BadInput(f"the file has more than {MOST_LINES} lines; split it")
    ground = await _ground(services, tx, actor, [fields for _, fields in rows])
    reports: list[LineReport] = []
    good: list[VisitDetails] = []
    for number, fields in rows:
        try:
            good.append(_details(fields, ground))
            reports.append(LineReport(line=number, outcome=Outcome.NEW))
        except BadInput as fault:
            reports.append(refused(number, str(fault)))
    return Plan(
        lines=tuple(reports),
        known={host: () for host in ground.hosts.values()},
        take=partial(_take, services, tx, actor, good),
    )


async def _take(services: Services, tx: Transaction, actor: Actor, good: Sequence[VisitDetails]) -> Taken:
    made = [fresh(services, actor.tenant, one, by=actor.name, state=VisitState.EXPECTED) for one in good]
    await services.keyring.new_keys_of_all(
        actor.tenant, [one.id for one in made], [Purpose.IDENTITY, Purpose.MOVEMENT]
    )
    await _store(services, tx, actor, made)
    return Taken(added=[one.id for one in made])


async def _store(services: Services, tx: Transaction, actor: Actor, made: Sequence[Visit]) -> None:
    here = {one.details.site for one in made}
    terms = {site: await newest_terms(services, tx, actor.tenant, site) for site in here}
    for one in made:
        visit = replace(one, terms_needed=terms[one.details.site])
        await store_new(services, tx, visit)
        if services.post is not None and visit.details.mail is not None:
            await mail_invitation(services, tx, visit, await new_link(tx, visit))


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
