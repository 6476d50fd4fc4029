"""A vehicle is erased: its sessions and cases tell of nobody any more, and the money stays to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postern.errors import KeyDestroyed, NotFound
from postern.ids import new_id
from postern.operations.parking.receipts import open_receipt
from postern.operations.parking.rows import Desk
from postern.operations.parking.settle import settled
from postern.operations.people import register
from postern.operations.privacy import erase
from postern.operations.sites import places as sites
from postern.parking import store
from postern.parking.permits import Permit
from postern.parking.rules import PermitKept
from postern.parking.session import NOBODY
from postern.vehicles.model import VehicleDetails
from tests.flows.operations.drawn import NOON
from tests.flows.parking.driven import Driven

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PLATE = "KER4711"


async def stays(garage: Driven, *, permit: bool = False) -> Driven:
    """The vehicle parks, pays and leaves, and comes again; another one leaves without paying."""
    vehicle = await register.add_vehicle(garage.services, garage.admin, VehicleDetails(plate=PLATE))
    if permit:
        async with garage.services.database.transaction(garage.tenant) as tx:
            made = Permit(
                id=new_id(), holder="Company", plates=frozenset({PLATE}), bays=1, valid_from=NOON - HOUR
            )
            kept = PermitKept(id=made.id, permit=made, since=NOON - HOUR, version=0)
            await store.put_permit(tx, garage.services.keyring, garage.tenant, garage.site, kept)
    await garage.drives(garage.way_in, PLATE, NOON, vehicle=vehicle.id)
    await garage.drives(garage.way_in, "KXX1", NOON)
    garage.clock.advance(HOUR)
    await garage.send()
    session = await garage.session_of(PLATE)
    if not permit:
        await garage.pays(session.id, 200, "p1")
    await garage.drives(garage.way_out, PLATE, garage.clock.now() + MINUTE, vehicle=vehicle.id)
    await garage.drives(garage.way_out, "KXX1", garage.clock.now() + MINUTE)
    await garage.drives(garage.way_in, PLATE, garage.clock.now() + 5 * MINUTE, vehicle=vehicle.id)
    garage.clock.advance(10 * MINUTE)
    await garage.send()
    await garage.settle()
    await erase.erase_vehicle(garage.services, garage.admin, vehicle.id, reason="asked for")
    return garage


@pytest.mark.parametrize("permit", [False, True])
async def test_an_erased_vehicle_is_in_no_session_and_the_money_stays(garage: Driven, permit: bool) -> None:
    await stays(garage, permit=permit)
    money = await garage.balances()
    assert money.get("provider-clearing", 0) == (0 if permit else 200)
    assert money["receivable"] == 400
    sessions, cases = await garage.stored()
    assert len(sessions) == 3
    assert PLATE not in {one.who.plate for one in [*sessions, *cases]}
    assert sum(one.who == NOBODY for one in sessions) == 2
    # Books that are made anew from the archive pair its records as before.
    garage.services = replace(garage.services)
    again = await garage.settle()
    assert {one.id: one for one in sessions} == again.sessions
    assert await garage.balances() == money
    # And a record that arrives late rewinds them without harm.
    await garage.drives(garage.way_in, "KYY2", NOON + MINUTE)
    await garage.send()
    await garage.settle()
    assert await garage.balances() == money


async def test_an_erased_vehicle_leaves_the_beginnings_of_days_and_permits(garage: Driven) -> None:
    vehicle = await register.add_vehicle(garage.services, garage.admin, VehicleDetails(plate=PLATE))
    await garage.drives(garage.way_in, PLATE, NOON, vehicle=vehicle.id)
    await garage.send()
    await garage.settle()
    garage.clock.advance(timedelta(days=2))
    await garage.settle()
    await erase.erase_vehicle(garage.services, garage.admin, vehicle.id, reason="asked for")
    garage.services = replace(garage.services)
    now = await garage.settle()
    assert [one.who for one in now.sessions.values()] == [NOBODY]


@pytest.mark.parametrize("country", ["DE", "FR"])
async def test_a_receipt_outlives_its_vehicle_where_the_law_says_so(garage: Driven, country: str) -> None:
    place = (await sites.sites(garage.services, garage.admin))[0]
    await sites.change_site(garage.services, garage.admin, replace(place, country=country))
    await stays(garage)
    _, rules = await settled(garage.services, garage.tenant, garage.site)
    async with garage.services.database.transaction(garage.tenant) as tx:
        rows = await tx.execute("SELECT id FROM parking_receipt WHERE site_id = %s", [garage.site])
        ((id,),) = await rows.fetchall()
        desk = Desk(services=garage.services, tx=tx, tenant=garage.tenant, site=garage.site, rules=rules)
        if country == "DE":
            receipt = await open_receipt(desk, id)
            assert (receipt.plate, receipt.paid.amount, receipt.total.amount) == (PLATE, 200, 200)
        else:
            with pytest.raises(KeyDestroyed):
                await open_receipt(desk, id)
        with pytest.raises(NotFound):
            await open_receipt(desk, new_id())
