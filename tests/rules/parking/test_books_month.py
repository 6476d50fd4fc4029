"""Some days of a busy garage in the books: nobody is charged what another owes, and few need a person."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from postern.parking import leaving
from postern.parking.cases import CaseKind
from postern.parking.permits import Permit
from postern.parking.quote import quote
from postern.parking.rules import PermitKept
from tests.rules.parking.drawn_garage import NOON, Drawn, minutes, rules
from tests.rules.parking.drawn_plates import long_plate, misread
from tests.rules.parking.test_pairing import flat_tolerance

STAYS = 1000
SETTLED = (CaseKind.UNPAID_EXIT, CaseKind.FOREIGN, CaseKind.UNREADABLE)
"""Cases that do not doubt whose session ended: it was not paid, or its entry was hard to read."""
MISREAD, UNREAD, CLONES, UNSEEN, PERMITS = 0.03, 0.01, 0.005, 0.004, 0.15


@dataclass(kw_only=True)
class Stay:
    """What truly happens. `seen_in`: what the entry's camera made of it, None if it saw no car at all."""

    plate: str
    comes: float
    goes: float
    permit: bool
    seen_in: str | None
    seen_out: str
    session: UUID | None = None


def seen(text: str, chance: random.Random) -> str:
    drawn = chance.random()
    return "" if drawn < UNREAD else misread(text, chance) if drawn < UNREAD + MISREAD else text


def score(text: str, stay: Stay, chance: random.Random) -> float:
    """Misread plates score lower, though not so that one could tell them by it."""
    if not text:
        return 0.0
    return chance.uniform(0.7, 1) if text == stay.plate else chance.uniform(0.6, 0.95)


def script(seed: int) -> tuple[list[Stay], frozenset[str]]:
    """Stays of one to ten hours, about 150 at a time."""
    chance = random.Random(seed)
    permits = [long_plate(chance) for _ in range(60)]
    stays: list[Stay] = []
    for number in range(STAYS):
        comes = number * 2.0 + chance.random()
        here = {one.plate for one in stays if one.goes > comes}
        free = [one for one in permits if one not in here]
        permit = chance.random() < PERMITS and bool(free)
        text = chance.choice(free) if permit else long_plate(chance)
        if not permit and here and chance.random() < CLONES:
            text = chance.choice(sorted(here))
        stays.append(
            Stay(
                plate=text,
                comes=comes,
                goes=comes + chance.uniform(20, 600),
                permit=permit,
                seen_in=None if chance.random() < UNSEEN else seen(text, chance),
                seen_out=seen(text, chance),
            )
        )
    return stays, frozenset(permits)


@dataclass(kw_only=True)
class Outcome:
    """How many sessions were charged for other than their own car's time, and how many stays made a case."""

    wrong: int = 0
    cases: int = 0
    right: int = 0


def play(seed: int) -> Outcome:
    stays, plates = script(seed)
    begins = NOON - timedelta(days=1)
    kept = tuple(
        PermitKept(
            id=UUID(int=n),
            permit=Permit(id=UUID(int=n), holder="P", plates=frozenset({one}), bays=1, valid_from=begins),
            since=begins,
        )
        for n, one in enumerate(sorted(plates), 1000)
    )
    # Without a country: whether an unpaid car is foreign is no question here.
    drawn, chance = Drawn(rules=replace(rules(permits=kept), country=None)), random.Random(seed + 1)
    moments = [(one.comes, True, one) for one in stays] + [(one.goes, False, one) for one in stays]
    outcome, whose = Outcome(), dict[UUID, Stay]()
    for at, inward, one in sorted(moments, key=lambda moment: moment[0]):
        if not inward:
            step = drawn.drives_out(one.seen_out, at, score=score(one.seen_out, one, chance))
            in_doubt = any(case.kind not in SETTLED for case in step.cases.values())
            outcome.right += not in_doubt
            for session in () if in_doubt else step.sessions.values():
                outcome.wrong += session.charged.amount != expected(drawn, whose.get(session.id), one)
        elif one.seen_in is not None:
            session = drawn.drives_in(one.seen_in, at, score=score(one.seen_in, one, chance))
            assert session is not None
            whose[session.id] = one
    outcome.cases = len(stays) - outcome.right
    return outcome


def expected(drawn: Drawn, owner: Stay | None, leaves: Stay) -> int:
    """What may be on the session that ended when `leaves` drove out; -1 if it was another's."""
    if owner is not leaves:
        return -1
    if owner.permit:
        return 0
    tariff = drawn.rules.tariff_at(minutes(owner.comes))
    assert tariff is not None
    return quote(
        tariff,
        entered=minutes(owner.comes),
        at=minutes(owner.goes),
        vehicle_class="car",
        calendar=drawn.rules.calendar,
    ).total.amount


def test_nobody_pays_for_another_and_few_need_a_person() -> None:
    outcome = play(seed=1)
    assert outcome.wrong == 0
    assert outcome.right / STAYS >= 0.95


def test_a_flat_tolerance_in_the_books_would_be_noticed(monkeypatch) -> None:
    def tolerant(read, inside, *, least_score: float):
        return flat_tolerance(read, inside) if inside else leaving.Unpaired(nearest=())

    monkeypatch.setattr(leaving, "pair", tolerant)
    assert play(seed=1).wrong > 0
