"""Whoever knows plates asks the counter: who is inside, when they came, what they owe? With mutants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postern import documents
from postern.clock import SetClock
from postern.devices.payments.by_hand import Desk
from postern.errors import TooMany
from postern.operations.demo import Demo
from postern.operations.parking.checkout import Till
from postern.operations.parking.public_garage import garage_code
from postern.operations.public import counter as counters
from postern.operations.public import counter_wire as wire
from postern.operations.public.counter import Counter
from postern.operations.services import Services
from tests.flows.operations.conftest import demo, hub
from tests.flows.public.books import DrawnBooks, DrawnCar

__all__ = ["demo", "hub"]

CARS = 20


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))


@pytest.fixture
def books(clock: SetClock) -> DrawnBooks:
    return DrawnBooks(
        cars=[
            DrawnCar(plate=f"IN{number}", entered=clock.now() - timedelta(minutes=17 * number + 3))
            for number in range(CARS)
        ]
    )


@pytest.fixture
async def counter(
    hub: Services, books: DrawnBooks, clock: SetClock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Counter]:
    desk = Desk(tmp_path_factory.mktemp("desk") / "desk.sqlite", clock)
    yield Counter(services=hub, till=Till(provider=desk, books=books, public_url="https://pay.example.org"))
    await desk.close()


@pytest.fixture
async def code(hub: Services, demo: Demo) -> str:
    return await garage_code(hub, demo.tenant, demo.site)


async def guess(counter: Counter, code: str, plate: str, attacker: int) -> bool:
    """Try every choice, each from another phone; whether one showed a price."""
    tried: set[datetime | None] = set()
    for attempt in range(6):
        client = f"10.{attacker}.0.{attempt}"
        visit = (await counter.begin(wire.AskVisit(garage=code, plate=plate, client=client))).visit
        view = await counter.visit(wire.AskAboutVisit(visit=visit, client=client))
        open_ones = [one for one in view.choices if one.moment not in tried]
        if not open_ones:
            return False
        tried.add(open_ones[0].moment)
        try:
            given = wire.GiveProof(visit=visit, client=client, choice=open_ones[0].id)
            if (await counter.prove(given)).price is not None:
                return True
        except TooMany:
            return False
    return False


async def found_by_guessing(counter: Counter, code: str) -> int:
    return sum([await guess(counter, code, f"IN{number}", number) for number in range(CARS)])


async def test_of_cars_that_one_knows_to_be_inside_guessing_shows_a_third_and_the_mutant_shows_all(
    counter: Counter, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await found_by_guessing(counter, code) < CARS * 2 // 3
    monkeypatch.setattr(counters, "WRONG_FOR_PLATE", replace(counters.WRONG_FOR_PLATE, most=10**6))
    monkeypatch.setattr(counters, "WRONG_FOR_GARAGE", replace(counters.WRONG_FOR_GARAGE, most=10**6))
    assert await found_by_guessing(counter, code) == CARS


async def test_a_garage_stops_believing_after_sixty_wrong_proofs_in_an_hour(
    counter: Counter, code: str, clock: SetClock
) -> None:
    wrong = 0
    for number in range(100):
        client = f"10.1.{number}.1"
        made = await counter.begin(wire.AskVisit(garage=code, plate=f"NO{number}", client=client))
        try:
            await counter.prove(wire.GiveProof(visit=made.visit, client=client, choice="invented"))
            wrong += 1
        except TooMany:
            break
    assert wrong == counters.WRONG_FOR_GARAGE.most
    clock.advance(timedelta(hours=1, minutes=1))
    assert not await guess(counter, code, "NO-MORE", 9)


def shape(view: wire.VisitView) -> object:
    """What tells a plate from another, apart from the plate, the random ids and the moments themselves."""
    choices = tuple(replace(one, id="", moment=None) for one in view.choices)
    return documents.to_bytes(replace(view, plate="", choices=choices))


async def shapes(counter: Counter, code: str, plates: list[str]) -> set[object]:
    found = set()
    for number, plate in enumerate(plates):
        client = f"10.2.0.{number}"
        visit = (await counter.begin(wire.AskVisit(garage=code, plate=plate, client=client))).visit
        found.add(shape(await counter.visit(wire.AskAboutVisit(visit=visit, client=client))))
    return found


class Telling(Counter):
    """A mutant: who is not inside is offered one choice fewer."""

    async def begin(self, asked: wire.AskVisit) -> wire.VisitMade:
        made = await super().begin(asked)
        visit = self._visits[made.visit]
        if not any(one.session for one in visit.choices):
            self._visits[made.visit] = replace(visit, choices=visit.choices[1:])
        return made


async def test_who_is_inside_cannot_be_told_from_who_is_not_and_the_mutant_is_noticed(
    counter: Counter, code: str
) -> None:
    inside, outside = [f"IN{n}" for n in range(10)], [f"NO{n}" for n in range(10)]
    assert await shapes(counter, code, inside) == await shapes(counter, code, outside)
    mutant = Telling(services=counter.services, till=counter.till)
    assert await shapes(mutant, code, inside) != await shapes(mutant, code, outside)


async def test_the_moments_offered_fall_alike_on_the_day_for_both(
    counter: Counter, code: str, clock: SetClock
) -> None:
    """Each moment is in the past, on a quarter, and none twice: nothing in the list marks the right one."""
    for plate in ("IN3", "NO3"):
        client = "10.3.0.1"
        visit = (await counter.begin(wire.AskVisit(garage=code, plate=plate, client=client))).visit
        view = await counter.visit(wire.AskAboutVisit(visit=visit, client=client))
        moments = [one.moment for one in view.choices if one.moment is not None]
        assert len(set(moments)) == len(moments) == 6
        assert all(moment <= clock.now() and moment.minute % 15 == 0 for moment in moments)
        assert all(moment.second == 0 and moment.microsecond == 0 for moment in moments)
