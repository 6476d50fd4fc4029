"""Find receipts: with a purpose and a case, counted and journalled as every search."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from postern.errors import BadInput, KeyDestroyed
from postern.ids import SiteId
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.parking.receipts import Receipt, open_with_vehicle
from postern.operations.parking.rows import SESSIONS, Desk, load
from postern.operations.parking.settle import settled
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking import store
from postern.parking.session import Session
from postern.vehicles.plates import comparison_form, normalise

LONGEST = timedelta(days=31)


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedReceipts:
    """Receipts of these days by the plate, or by the number that is printed on one."""

    what: str
    first: date
    last: date
    purpose: str
    case: str


async def find_receipts(
    services: Services, actor: Actor, site: SiteId, wanted: WantedReceipts
) -> list[Receipt]:
    """Those found, the latest first; a stranger's by the plate for as long as the session is kept.

    Whose they are is durable in the journal before they are shown. Raises BadInput without a plate or
    number, a purpose or a case, and for more than a month.
    """
    require(actor, Duty.TAKE_MONEY)
    purpose, case = stated(wanted.purpose), stated(wanted.case)
    plate, number = comparison_form(normalise(wanted.what)), wanted.what.strip().upper()
    if len(plate) < 3:
        raise BadInput("type the whole plate, or the number of the receipt")
    if not timedelta(0) <= wanted.last - wanted.first <= LONGEST:
        raise BadInput(f"give a first and a last day, at most {LONGEST.days} days apart")
    _, rules = await settled(services, actor.tenant, site)
    async with looking(services, actor) as tx:
        desk = Desk(services=services, tx=tx, tenant=actor.tenant, site=site, rules=rules)
        theirs = {
            one.id
            for one in await load(desk, SESSIONS, Session)
            if one.who.plate and comparison_form(one.who.plate) == plate
        }
        found = []
        for id in await store.receipts_of(tx, site, first=wanted.first, last=wanted.last):
            with suppress(KeyDestroyed):
                one, vehicle = await open_with_vehicle(desk, id)
                named = bool(one.plate) and comparison_form(one.plate) == plate
                if named or one.session in theirs or number == one.number:
                    found.append((one, vehicle))
        of_nobody = not found or any(vehicle is None for _, vehicle in found)
        opening = Opening(
            act=Act.SEARCHED,
            purpose=purpose,
            case=case,
            subjects=sorted({vehicle for _, vehicle in found if vehicle is not None}),
            others=[plate] if of_nobody else [],
            detail=f"receipts of site {site}, {wanted.first} to {wanted.last}, {plate}",
        )
        await open_subjects(services, tx, actor, opening)
    return sorted((one for one, _ in found), key=lambda one: one.paid_at, reverse=True)
