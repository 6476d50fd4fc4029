"""May the vehicle at this exit leave? As the books stand, and as a person said while it stood there."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from postern.ids import AccessPointId, SiteId, TenantId
from postern.operations.parking.provider_away import is_away
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.parking import charging
from postern.parking.clearance import Clearance, Cleared, Owed, Reason, Uncertain, clearance
from postern.parking.leaving import paired
from postern.parking.pairing import Paired
from postern.parking.permit_seen import permit_seen_again
from postern.parking.permits import Uncovered
from postern.parking.session import Who
from postern.parking.waiting import is_standing
from postern.vehicles.plates import normalise

ATTENDANT = "attendant"
UNREADABLE = "unreadable"
PROVIDER_AWAY = "provider-away"
"""It owes and cannot pay now: nobody is kept for that, and the price is followed up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What stands between the vehicle and the street, and why in a stable word. `case`: a person is looking
    at it."""

    clearance: Clearance
    reason: str
    session: UUID | None = None
    case: UUID | None = None


async def clear_to_leave(
    services: Services, tenant: TenantId, site: SiteId, *, lane: AccessPointId, plate: str, score: float
) -> Answer:
    """Answer for a plate read with `score` at an exit lane; empty: it could not be read.

    Raises NotFound when the site is no garage. Nothing is booked by asking.
    """
    garage, rules = await settled(services, tenant, site)
    text, facts = normalise(plate), rules.lanes.get(lane)
    sure = bool(text) and facts is not None and score >= facts.least_score
    who = Who(plate=text, score=score, sure=sure)
    at = services.clock.now()
    before = garage.standing.get(lane)
    stands = before if is_standing(before, at, who) else None
    if stands is not None and stands.cleared:
        return Answer(
            clearance=Cleared(reason=Reason.PAID),
            reason=ATTENDANT,
            session=stands.session,
            case=stands.case,
        )
    if stands is not None and stands.stated is not None:
        who = stands.stated
    session = garage.sessions.get(stands.session) if stands is not None and stands.session else None
    if session is None or not session.is_inside:
        pairing = paired(garage, who, lane, rules, at)
        if not isinstance(pairing, Paired):
            doubt = clearance(pairing, None, None, Uncovered.NO_PERMIT, at)
            reason = _word(doubt) if who.plate else UNREADABLE
            return Answer(clearance=doubt, reason=reason, case=stands.case if stands else None)
        session = garage.sessions[pairing.session]
    found = charging.standing(permit_seen_again(garage, session, who, rules), rules, at)
    case = stands.case if stands is not None else None
    if isinstance(found, Owed) and await is_away(services, tenant, site):
        return Answer(clearance=found, reason=PROVIDER_AWAY, session=session.id, case=case)
    return Answer(clearance=found, reason=_word(found), session=session.id, case=case)


def _word(found: Clearance) -> str:
    match found:
        case Cleared(reason=reason):
            return reason.value
        case Owed():
            return "owed"
        case Uncertain(doubt=doubt):
            return doubt.value
