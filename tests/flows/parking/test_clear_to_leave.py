"""What an exit lane is told, as the books stand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.access.lanes import Clearance
from postern.ids import new_id
from postern.operations.parking import lane_question
from postern.operations.parking.clear_to_leave import PROVIDER_AWAY, Answer, clear_to_leave
from postern.operations.parking.garage_setup import add_permit
from postern.operations.parking.provider_away import KNOWN_FOR, note_away
from postern.operations.sites.agents import KnownAgent
from postern.parking.clearance import Cleared, Owed, Reason, Uncertain
from postern.parking.permits import Permit
from postern.sites import agents as agents_store
from tests.flows.operations.drawn import NOON
from tests.flows.parking.driven import Driven

MINUTE = timedelta(minutes=1)


async def asked(garage: Driven, plate: str, score: float = 0.8) -> Answer:
    await garage.send()
    return await clear_to_leave(
        garage.services, garage.tenant, garage.site, lane=garage.way_out, plate=plate, score=score
    )


async def test_an_unknown_plate_is_a_person_s_to_decide(garage: Driven) -> None:
    assert isinstance((await asked(garage, "KZZ999")).clearance, Uncertain)


async def test_who_has_not_paid_owes(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB1238", NOON)
    garage.clock.advance(30 * MINUTE)
    assert isinstance((await asked(garage, "KAB1238")).clearance, Owed)


@pytest.mark.parametrize(("read", "score"), [("KAB1238", 0.95), ("KAB1238", 0.3), ("KAB123B", 0.8)])
async def test_a_permit_opens_also_when_its_plate_was_not_read_right_at_entry(
    garage: Driven, read: str, score: float
) -> None:
    permit = Permit(id=new_id(), holder="Ada", plates=frozenset({"KAB1238"}), bays=1, valid_from=NOON)
    await add_permit(garage.services, garage.admin, garage.site, permit)
    garage.clock.advance(MINUTE)
    await garage.drives(garage.way_in, read, garage.clock.now(), score=score)
    garage.clock.advance(600 * MINUTE)
    assert (await asked(garage, "KAB1238")).clearance == Cleared(reason=Reason.PERMIT)


async def test_who_owes_while_the_provider_is_away_is_not_kept(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB1238", NOON)
    garage.clock.advance(30 * MINUTE)
    assert (await asked(garage, "KAB1238")).reason == "owed"
    await note_away(garage.services, garage.tenant, garage.site)
    await note_away(garage.services, garage.tenant, garage.site)
    assert (await asked(garage, "KAB1238")).reason == PROVIDER_AWAY
    garage.clock.advance(KNOWN_FOR)
    assert await answered(garage, "KAB1238") is Clearance.UNCERTAIN
    garage.clock.advance(KNOWN_FOR)
    assert await answered(garage, "KAB1238") is Clearance.OWED


async def answered(garage: Driven, plate: str) -> Clearance:
    """What the agent at the exit is told."""
    agent = garage.agents[garage.way_out].enrolled.agent
    async with garage.services.database.transaction(garage.tenant) as tx:
        known = KnownAgent(agent=await agents_store.get(tx, agent), tenant=garage.tenant)
    found = await lane_question.answer(
        garage.services, known, access_point=garage.way_out, plate=plate, score=0.9
    )
    return found.clearance
