"""The entry's ticket, given at the kiosk beside the exit: it says which session the car at the barrier is.

Only for whoever stands there and is not known: a car whose plate is somebody's inside leaves as that one.
What is owed stays owed; nothing is charged by giving a ticket.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.errors import Conflict, Refused
from postern.ids import AccessPointId
from postern.journal.model import Act
from postern.money import Money
from postern.operations.archive.hub_records import record
from postern.operations.parking import proof
from postern.operations.parking.pay_session import priced
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.operations.sites import commands
from postern.operations.sites.kiosks import KnownKiosk
from postern.operations.trace import trace_as
from postern.parking import store
from postern.parking.cases import CaseState, Resolution
from postern.parking.garage import Garage, Standing
from postern.parking.happenings import Stood
from postern.parking.leaving import paired
from postern.parking.pairing import Paired
from postern.parking.rules import Rules
from postern.parking.session import Session
from postern.parking.waiting import STANDS_AT_MOST
from postern.records.model import CorrectionRecord, Deed
from postern.sealing.envelope import Key
from postern.sites import store as sites
from postern.sites.model import AccessPoint

WHY = "ticket given at the exit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The ticket is good. `owed`: what is still to be paid with it; nothing when the barrier opens."""

    owed: Money


async def takes_tickets(services: Services, known: KnownKiosk) -> bool:
    """Whether the kiosk stands beside a way out of a garage."""
    site = known.kiosk.site
    async with services.database.transaction(known.tenant) as tx:
        if site not in await store.garages(tx):
            return False
        points = await sites.parts(tx, services.keyring, known.tenant, site, AccessPoint)
    here = [one for one in points if one.door == known.kiosk.door]
    return any(one.lane is not None and one.leads_out for one in here)


async def give_ticket(services: Services, known: KnownKiosk, code: str) -> Accepted:
    """Say by its ticket which session the car at the barrier is, and have the lane ask again.

    Raises Refused for a code of nobody inside; Conflict while nobody unknown stands at the barrier; NotFound
    when the site is no garage.
    """
    site = known.kiosk.site
    garage, rules = await settled(services, known.tenant, site)
    lane, stands = _at_barrier(garage, rules, known, services.clock.now())
    session = _ticketed(garage, await services.keyring.purpose_key(known.tenant, "ticket"), code)
    told = CorrectionRecord(
        at=services.clock.now(),
        deed=Deed.RESOLVED,
        operator=known.name,
        reason=WHY,
        case=stands.case,
        session=session.id,
        resolution=Resolution.PAIR.value,
        access_point=lane,
    )
    async with services.database.transaction(known.tenant) as tx:
        await record(services, tx, known.tenant, site, [told])
        await commands.have_lanes_ask(services, tx, site)
        detail = f"site {site}, session {session.id}, case {stands.case}"
        await trace_as(services, tx, known.tenant, known.name, Act.CHANGED, purpose=WHY, detail=detail)
    garage, rules = await settled(services, known.tenant, site)
    return Accepted(owed=priced(garage.sessions[session.id], rules, services.clock.now()).owed)


def _at_barrier(
    garage: Garage, rules: Rules, known: KnownKiosk, at: datetime
) -> tuple[AccessPointId, Standing]:
    """Who waits at the way out beside the kiosk, and is nobody known."""
    found = [
        (lane, one)
        for lane, one in garage.standing.items()
        if _is_way_out(rules, lane, known)
        and isinstance(one.seen, Stood)
        and at - one.seen.at <= STANDS_AT_MOST
        and one.case in garage.cases
        and garage.cases[one.case].state is CaseState.OPEN
        and not isinstance(paired(garage, one.stated or one.raw, lane, rules, at), Paired)
    ]
    if not found:
        raise Conflict("no car waits here whose plate could not be read; drive up to the barrier first")
    return max(found, key=lambda one: one[1].seen.order)


def _is_way_out(rules: Rules, lane: AccessPointId, known: KnownKiosk) -> bool:
    facts = rules.lanes.get(lane)
    return facts is not None and facts.way_out and facts.door == known.kiosk.door


def _ticketed(garage: Garage, key: Key, code: str) -> Session:
    """Whose ticket it is: a car inside whose plate is not known surely."""
    found = [
        one
        for one in garage.sessions.values()
        if one.is_inside and one.ticket is not None and proof.matches_ticket(key, one.ticket, code)
    ]
    if len(found) != 1 or found[0].who.sure:
        raise Refused("this is the ticket of no car inside; look at the code again, or call for help")
    return found[0]
