"""The entry's ticket given at the exit's kiosk: which car it is, and nothing for any other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from postern.access.reasons import Reason
from postern.errors import Conflict, Refused
from postern.money import Money
from postern.operations.parking.clear_to_leave import Answer, clear_to_leave
from postern.operations.parking.ticket_at_exit import give_ticket, takes_tickets
from postern.operations.sites import kiosks
from postern.operations.sites.kiosks import KnownKiosk
from postern.parking import clearance
from postern.parking.cases import CaseState
from postern.parking.clearance import Cleared, Owed
from postern.parking.session import SessionState
from tests.flows.parking.driven import Driven
from tests.flows.parking.test_kiosk_ticket import kiosk_at, waits_at_entry

MINUTE = timedelta(minutes=1)
SECONDS = timedelta(seconds=3)


@dataclass
class Unread:
    """A car that came in unread and was shown a ticket."""

    garage: Driven
    at_entry: KnownKiosk
    at_exit: KnownKiosk
    code: str

    async def pays(self) -> None:
        (session,) = [one for one in (await self.garage.settle()).sessions.values() if one.ticket]
        await self.garage.pays(session.id, 400, "pi_1")

    async def waits_at_exit(self, plate: str = "", score: float = 0.0) -> None:
        at = self.garage.clock.now()
        await self.garage.decided(self.garage.way_out, plate, at, reason=Reason.AWAITING_ANSWER, score=score)
        await self.garage.send()

    async def asks(self, plate: str = "", score: float = 0.0) -> Answer:
        return await clear_to_leave(
            self.garage.services,
            self.garage.tenant,
            self.garage.site,
            lane=self.garage.way_out,
            plate=plate,
            score=score,
        )

    async def gives(self, code: str | None = None) -> Money:
        found = await give_ticket(self.garage.services, self.at_exit, code or self.code)
        return found.owed


@pytest.fixture
async def unread(garage: Driven) -> Unread:
    at_entry, at_exit = [await kiosk_at(garage, door) for door in garage.doors]
    await waits_at_entry(garage)
    shown = await kiosks.ticket(garage.services, at_entry)
    assert shown is not None
    garage.clock.advance(timedelta(seconds=8))
    await garage.drives(garage.way_in, "", garage.clock.now(), score=0.0)
    await garage.drives(garage.way_in, "KAB1238", garage.clock.now() + MINUTE)
    await garage.send()
    garage.clock.advance(65 * MINUTE)
    return Unread(garage=garage, at_entry=at_entry, at_exit=at_exit, code=shown.code)


@pytest.mark.parametrize(("plate", "score"), [("", 0.0), ("KZZ77", 0.3), ("KZZ4567", 0.9)])
async def test_who_paid_by_ticket_and_gives_it_at_the_exit_leaves_without_a_person(
    unread: Unread, plate: str, score: float
) -> None:
    garage = unread.garage
    if plate == "KZZ4567":  # another unread car, so that it is not the only one it can be
        await garage.drives(garage.way_in, "", garage.clock.now() - 2 * MINUTE, score=0.0)
    await unread.pays()
    await unread.waits_at_exit(plate, score)
    assert isinstance((await unread.asks(plate, score)).clearance, clearance.Uncertain)
    typed = f"{unread.code[:4]}-{unread.code[4:]}".lower()
    assert await unread.gives(typed) == Money.zero("EUR")
    assert isinstance((await unread.asks(plate, score)).clearance, Cleared)
    garage.clock.advance(SECONDS)
    await garage.drives(garage.way_out, plate, garage.clock.now(), score=score)
    await garage.send()
    books = await garage.settle()
    (session,) = [one for one in books.sessions.values() if one.ticket]
    assert session.state is SessionState.LEFT
    assert session.owed == Money.zero("EUR")
    of_exit = [one for one in books.cases.values() if one.way_out and one.state is CaseState.OPEN]
    assert of_exit == []


async def test_what_is_owed_is_said_and_the_barrier_stays_shut_until_it_is_paid(unread: Unread) -> None:
    await unread.waits_at_exit()
    assert await unread.gives() == Money(400, "EUR")
    assert isinstance((await unread.asks()).clearance, Owed)
    await unread.pays()
    assert isinstance((await unread.asks()).clearance, Cleared)


async def test_a_wrong_ticket_changes_nothing(unread: Unread) -> None:
    await unread.waits_at_exit()
    with pytest.raises(Refused, match="ticket of no car inside"):
        await unread.gives("AAAA-AAAA")
    assert isinstance((await unread.asks()).clearance, clearance.Uncertain)


async def test_a_ticket_lets_out_nobody_whose_plate_is_another_s_inside(unread: Unread) -> None:
    await unread.pays()
    await unread.waits_at_exit("KAB1238", 0.95)
    with pytest.raises(Conflict, match="no car waits here"):
        await unread.gives()


async def test_a_ticket_says_nothing_while_nobody_stands_at_the_barrier(unread: Unread) -> None:
    await unread.pays()
    with pytest.raises(Conflict, match="drive up"):
        await unread.gives()


async def test_a_ticket_is_good_for_one_car(unread: Unread) -> None:
    await unread.pays()
    await unread.waits_at_exit()
    await unread.gives()
    unread.garage.clock.advance(SECONDS)
    await unread.garage.drives(unread.garage.way_out, "", unread.garage.clock.now(), score=0.0)
    await unread.garage.send()
    unread.garage.clock.advance(MINUTE)
    await unread.waits_at_exit()
    with pytest.raises(Refused):
        await unread.gives()


async def test_only_a_kiosk_beside_a_way_out_takes_tickets(unread: Unread) -> None:
    services = unread.garage.services
    assert await takes_tickets(services, unread.at_exit)
    assert not await takes_tickets(services, unread.at_entry)
    await unread.pays()
    await unread.waits_at_exit()
    with pytest.raises(Conflict):
        await give_ticket(services, unread.at_entry, unread.code)
