"""May this vehicle leave? An agent asks for whoever stands at an exit lane's barrier."""

from __future__ import annotations

import math
from dataclasses import dataclass

from postern.access.lanes import Clearance
from postern.errors import BadInput, NotFound
from postern.ids import AccessPointId
from postern.operations.parking.clear_to_leave import PROVIDER_AWAY, clear_to_leave
from postern.operations.services import Services
from postern.operations.sites.agents import KnownAgent
from postern.parking import clearance
from postern.sites import store as sites
from postern.sites.model import AccessPoint, LaneKind

LONGEST_PLATE = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneAnswer:
    """The answer, and why, in a stable word."""

    clearance: Clearance
    reason: str


async def answer(
    services: Services, known: KnownAgent, *, access_point: AccessPointId, plate: str, score: float
) -> LaneAnswer:
    """Answer for a plate read with `score` (0 to 1) at a lane of the agent's own site; empty: unreadable.

    Raises NotFound for an access point of another site, BadInput for one that is no exit lane, or for a
    reading that can be none.
    """
    if len(plate) > LONGEST_PLATE or not math.isfinite(score) or not 0 <= score <= 1:
        raise BadInput(f"a plate has at most {LONGEST_PLATE} characters, and its score lies between 0 and 1")
    async with services.database.transaction(known.tenant) as tx:
        lane = await sites.part(
            tx, services.keyring, known.tenant, AccessPoint, site=known.agent.site, id=access_point
        )
    if lane.lane is None or lane.lane.kind is not LaneKind.EXIT:
        raise BadInput("vehicles leave by an exit lane; make this access point one, or ask about another")
    try:
        found = await clear_to_leave(
            services, known.tenant, known.agent.site, lane=access_point, plate=plate, score=score
        )
    except NotFound:
        return LaneAnswer(clearance=Clearance.UNCERTAIN, reason="no-garage")
    if found.reason == PROVIDER_AWAY:
        return LaneAnswer(clearance=Clearance.UNCERTAIN, reason=found.reason)
    return LaneAnswer(clearance=_CLEARANCES[type(found.clearance)], reason=found.reason)


_CLEARANCES: dict[type[clearance.Clearance], Clearance] = {
    clearance.Cleared: Clearance.CLEARED,
    clearance.Owed: Clearance.OWED,
    clearance.Uncertain: Clearance.UNCERTAIN,
}
