"""Retention ends a garage's records and rows, and not its money."""

from __future__ import annotations

from datetime import timedelta

from postern.operations.privacy.retention import end_what_is_over
from postern.operations.services import Services
from tests.flows.operations.drawn import NOON
from tests.flows.parking.driven import Driven

HOUR = timedelta(hours=1)


async def test_after_retention_the_money_stands_and_nothing_else_is_left(
    garage: Driven, hub: Services
) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.drives(garage.way_out, "KAB123", NOON + HOUR)
    garage.clock.advance(2 * HOUR)
    await garage.send()
    session = await garage.session_of("KAB123")
    await garage.pays(session.id, 200, "p1")
    before = await garage.balances()
    assert before
    garage.clock.advance(timedelta(days=120))
    await end_what_is_over(hub)
    garage.services = hub
    hub.garages.of(garage.tenant, garage.site).drop()
    now = await garage.settle()
    assert not now.sessions
    assert await garage.stored() == ([], [])
    assert await garage.balances() == before
