"""The ticket of a car that could not be read: shown at the entry while it waits, good for its price."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.access.reasons import Reason
from postern.ids import DoorId
from postern.money import Money
from postern.operations.parking.checkout import Till
from postern.operations.parking.public_garage import garage_code
from postern.operations.ports import PaymentProvider
from postern.operations.public import counter_wire as wire
from postern.operations.public.counter import Counter
from postern.operations.public.counter_books import CounterBooks
from postern.operations.sites import kiosks
from postern.operations.sites.kiosks import KnownKiosk
from tests.flows.parking.driven import Driven

PHONE = "192.0.2.7"
SECONDS = timedelta(seconds=1)


async def kiosk_at(garage: Driven, door: DoorId) -> KnownKiosk:
    made = await kiosks.add_kiosk(garage.services, garage.admin, site=garage.site, name="Kiosk", door=door)
    code = await kiosks.new_kiosk_code(garage.services, garage.admin, site=garage.site, id=made.id)
    return await kiosks.known_kiosk(garage.services, await kiosks.open_kiosk(garage.services, code))


async def waits_at_entry(garage: Driven, plate: str = "", score: float = 0.0) -> None:
    at = garage.clock.now()
    await garage.decided(garage.way_in, plate, at, reason=Reason.AWAITING_ANSWER, score=score)
    await garage.send()


@pytest.fixture
def counter(garage: Driven) -> Counter:
    # Nothing is paid here: there is no provider to be asked.
    provider: PaymentProvider = None  # type: ignore[assignment]
    till = Till(provider=provider, books=CounterBooks(services=garage.services), public_url="")
    return Counter(services=garage.services, till=till)


async def test_who_waits_unread_is_shown_a_code_by_the_entrys_kiosk_alone_and_only_meanwhile(
    garage: Driven,
) -> None:
    at_entry, at_exit = [await kiosk_at(garage, door) for door in garage.doors]
    hub = garage.services
    assert await kiosks.ticket(hub, at_entry) is None
    await waits_at_entry(garage)
    shown = await kiosks.ticket(hub, at_entry)
    assert shown is not None
    assert await kiosks.ticket(hub, at_entry) == shown
    assert await kiosks.ticket(hub, at_exit) is None
    garage.clock.advance(8 * SECONDS)
    await garage.drives(garage.way_in, "", garage.clock.now(), score=0.0)
    await garage.send()
    assert await kiosks.ticket(hub, at_entry) == shown  # the phone may still be taking it in
    garage.clock.advance(30 * SECONDS)
    assert await kiosks.ticket(hub, at_entry) is None
    await waits_at_entry(garage)
    after = await kiosks.ticket(hub, at_entry)
    assert after is not None
    assert after.code != shown.code


async def test_the_code_shows_the_price_of_the_very_car_that_waited(garage: Driven, counter: Counter) -> None:
    at_entry = await kiosk_at(garage, garage.doors[0])
    await waits_at_entry(garage)
    shown = await kiosks.ticket(garage.services, at_entry)
    assert shown is not None
    garage.clock.advance(8 * SECONDS)
    await garage.drives(garage.way_in, "", garage.clock.now(), score=0.0)
    garage.clock.advance(40 * 60 * SECONDS)
    await garage.drives(garage.way_in, "", garage.clock.now(), score=0.0)  # another that was not read
    await garage.send()
    garage.clock.advance(30 * 60 * SECONDS)
    code = await garage_code(garage.services, garage.tenant, garage.site)
    assert shown.garage == code
    asked = wire.AskVisit(client=PHONE, garage=code, plate="KAB 123")
    visit = (await counter.begin(asked)).visit
    view = await counter.prove(wire.GiveProof(visit=visit, client=PHONE, ticket=shown.code))
    assert view.price is not None
    assert view.price.owed == Money(400, "EUR")
