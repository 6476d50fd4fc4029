"""People from a CSV file: new ones, and changes of those who are known. Columns: import_person_line.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from postern.access import store as access
from postern.access.model import AccessLevel
from postern.errors import BadInput
from postern.operations.people.import_judgement import Held, Judged, judge, meant
from postern.operations.people.import_lines import (
    ACCESS,
    EMPLOYMENT,
    LineReport,
    Outcome,
    Plan,
    Rows,
    Taken,
    first_zone,
    new_keys,
    refused,
)
from postern.operations.people.import_person_line import Ground, PersonLine, read_person
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import employment_store
from postern.people import store as people
from postern.people.employment import Contractor, Team
from postern.postgres.pool import Transaction
from postern.sealed_rows import off_the_loop
from postern.sites import store as sites
from postern.sites.model import zone_of


async def plan_people(services: Services, tx: Transaction, actor: Actor, rows: Rows) -> Plan:
    """What becomes of each line."""
    _require(actor, rows)
    ground = await _ground(services, tx, actor)
    lines, reports = await off_the_loop(partial(_read, ground), rows)
    held = await _held(services, tx, actor, lines)
    judged = await off_the_loop(partial(judge, held, ground), lines)
    reports |= {one.report.line: one.report for one in judged}
    return Plan(
        lines=tuple(reports[number] for number, _ in rows),
        known={person: held.versions(person) for person in held.people},
        take=partial(_take, services, tx, actor, judged),
    )


def _require(actor: Actor, rows: Rows) -> None:
    """What the filled columns need: an import does nothing that its operator may not do line by line."""
    require(actor, Duty.CHANGE_PEOPLE)
    filled = {name for _, fields in rows for name, text in fields.items() if text}
    if filled & ACCESS:
        require(actor, Duty.CHANGE_ACCESS)
    if filled & EMPLOYMENT:
        require(actor, Duty.CHANGE_EMPLOYMENTS)


async def _ground(services: Services, tx: Transaction, actor: Actor) -> Ground:
    keyring, tenant = services.keyring, actor.tenant
    levels = await access.rules(tx, keyring, tenant, AccessLevel)
    places = await sites.sites(tx, keyring, tenant)
    teams = await employment_store.units(tx, keyring, tenant, Team)
    contractors = await employment_store.units(tx, keyring, tenant, Contractor)
    return Ground(
        zone=first_zone(places),
        zones={one.id: zone_of(one.time_zone) for one in places},
        levels={one.name.casefold(): one.id for one in levels},
        teams={one.name.casefold(): one.id for one in teams},
        contractors={one.name.casefold(): one.id for one in contractors},
        sites={str(one.id): one.id for one in places} | {one.name.casefold(): one.id for one in places},
    )


def _read(ground: Ground, rows: Rows) -> tuple[list[PersonLine], dict[int, LineReport]]:
    """The lines that can be read, and the reports of the others."""
    lines: list[PersonLine] = []
    reports: dict[int, LineReport] = {}
    for number, fields in rows:
        try:
            lines.append(read_person(number, fields, ground))
        except BadInput as fault:
            reports[number] = refused(number, str(fault))
    return lines, reports


async def _held(services: Services, tx: Transaction, actor: Actor, lines: Sequence[PersonLine]) -> Held:
    """What of the file is in the register already, looked up at once."""
    keyring, tenant = services.keyring, actor.tenant
    numbers = await people.find_all(
        tx,
        keyring,
        tenant,
        field="employee_number",
        values=_filled(number for one in lines for number in (one.number, one.manager_number)),
    )
    residents = _filled(one.details.resident_id_number for one in lines)
    chosen = [(one, found) for one in lines if (found := meant(one, numbers)) is not None]
    return Held(
        tenant=tenant,
        at=services.clock.now(),
        numbers=numbers,
        residents=await people.find_all(tx, keyring, tenant, field="resident_id_number", values=residents),
        cards=await access.find_all_by_card(tx, keyring, tenant, _filled(one.card for one in lines)),
        people=await people.several(tx, keyring, tenant, [id for _, id in chosen]),
        holdings=await access.several_holdings(
            tx, keyring, tenant, [id for one, id in chosen if one.says_of_holding]
        ),
        employments=await employment_store.several(
            tx, keyring, tenant, [id for one, id in chosen if one.terms is not None]
        ),
    )


def _filled(values: Iterable[str | None]) -> set[str]:
    return {one for one in values if one}


async def _take(services: Services, tx: Transaction, actor: Actor, judged: Sequence[Judged]) -> Taken:
    """Keys and rows of all at once; a row that somebody else changed meanwhile is a Conflict, and then
    nothing is stored."""
    keyring, tenant = services.keyring, actor.tenant
    new = [one for one in judged if one.report.outcome is Outcome.NEW]
    changed = [one for one in judged if one.report.outcome is Outcome.CHANGED]
    await new_keys(keyring, tenant, _subjects(new))
    await people.add_all(tx, keyring, tenant, [one.person for one in new if one.person])
    await people.change_all(tx, keyring, tenant, [one.person for one in changed if one.person])
    await access.put_holdings(tx, keyring, tenant, [one.holding for one in judged if one.holding])
    await employment_store.put_all(
        tx, keyring, tenant, [one.employments for one in judged if one.employments]
    )
    return Taken(added=_subjects(new), changed=_subjects(changed))


def _subjects(judged: Iterable[Judged]) -> list[UUID]:
    return [one.subject for one in judged if one.subject is not None]
