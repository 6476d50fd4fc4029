"""How many are aboard: what is asked, what comes of an answer, and that it counts once in whatever order."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from postern.access import aboard
from postern.access.aboard import AT_KIOSK, Passage
from postern.access.model import SubjectKind
from postern.access.presence import Evidence, Fact, Load, Order, Presence, Sighting, fold
from postern.errors import BadInput, Conflict, PosternError
from postern.ids import AccessPointId, AreaId, DoorId, SiteId
from postern.sites.model import MOST_ABOARD, AccessPoint, Lane, LaneKind

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/presence/aboard.yaml").read_text())["cases"]
CAR, VAN, ADA = UUID(int=9), UUID(int=8), UUID(int=1)
STREET, YARD, HALL = AreaId(UUID(int=100)), AreaId(UUID(int=101)), AreaId(UUID(int=102))
GATE, INNER = AccessPointId(UUID(int=50)), AccessPointId(UUID(int=51))
DAY = datetime(2026, 3, 4, tzinfo=UTC)
AGENT, HUB = 4, 7
WAYS = {
    "in": (GATE, YARD, 8),
    "back": (INNER, YARD, None),
    "inner": (INNER, HALL, None),
    "out": (INNER, STREET, None),
}


def clock(text: str) -> datetime:
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


def seq(at: datetime) -> int:
    return int((at - DAY).total_seconds())


def passes(way: str, at: datetime, subject: UUID = CAR) -> Sighting:
    via, area, asks = WAYS[way]
    return Sighting(
        order=Order(at=at, agent=AGENT, seq=seq(at)),
        subject=subject,
        kind=SubjectKind.PERSON if subject == ADA else SubjectKind.VEHICLE,
        area=area,
        outside=area == STREET,
        evidence=Evidence.PASSED,
        via=via,
        asks=asks,
    )


def says(people: int, passage: datetime, number: int = 1) -> Load:
    """An answer as it is recorded: at the time of the passage of which it tells, by the hub."""
    return Load(order=Order(at=passage, agent=HUB, seq=number), subject=CAR, more=people, by="kiosk:1")


def happened(words: list[str]) -> list[Fact]:
    facts: list[Fact] = []
    came = DAY
    for number, (time, *what) in enumerate(one.split() for one in words):
        at = clock(time)
        match what:
            case ["guard", "says", people]:
                order = Order(at=at, agent=HUB, seq=number)
                facts.append(Load(order=order, subject=CAR, more=int(people), by="guard"))
            case ["driver", "says", people]:
                facts.append(says(int(people), came, number))
            case ["moved"]:
                order = Order(at=at, agent=HUB, seq=number)
                kind = SubjectKind.VEHICLE
                facts.append(
                    Sighting(
                        order=order,
                        subject=CAR,
                        kind=kind,
                        area=HALL,
                        outside=False,
                        evidence=Evidence.STATED,
                    )
                )
            case [way]:
                facts.append(passes(way, at))
                came = at if way == "in" else came
    return facts


def rolls(presence: Presence) -> int | str:
    here = [one for one in presence.inside() if one.subject == CAR]
    if not here:
        return "gone"
    return here[0].people if here[0].counted else "not said"


@pytest.mark.parametrize("case", CASES, ids=[one["name"] for one in CASES])
def test_what_is_asked_and_what_comes_of_an_answer(case: dict) -> None:
    presence, at = fold(happened(case["happened"])), clock(case["at"])
    if "says" in case:
        of = clock(case["of"])
        known, passage = presence.known.values(), Passage(agent=AGENT, seq=seq(of))
        if case["answer"] == "taken":
            found = aboard.answered(known, passage, case["says"], at)
            assert (found.vehicle, found.most) == (CAR, 8)
            presence.take(says(case["says"], found.at))
        else:
            with pytest.raises(PosternError, match=case["answer"]):
                aboard.answered(known, passage, case["says"], at)
    else:
        asked = [aboard.question(one, at) for one in presence.known.values()]
        times = [f"{one.at:%H:%M}" for one in asked if one is not None]
        assert times == [] if case["asked"] == "nothing" else times == [case["asked"]]
    if "roll" in case:
        assert rolls(presence) == case["roll"]


def test_nobody_is_asked_who_is_no_vehicle() -> None:
    (known,) = fold([passes("in", clock("08:00"), ADA)]).known.values()
    assert aboard.question(known, clock("08:01")) is None


def test_beside_a_door_the_last_to_come_in_is_asked_and_nobody_else() -> None:
    presence = fold([passes("in", clock("08:00")), passes("in", clock("08:01"), VAN)])
    found = aboard.asked_at(presence.known.values(), {GATE}, clock("08:02"))
    assert found is not None
    assert found.vehicle == VAN
    presence.take(Load(order=Order(at=found.at, agent=HUB, seq=1), subject=VAN, more=2, by="kiosk:1"))
    assert aboard.asked_at(presence.known.values(), {GATE}, clock("08:02")) is None
    assert aboard.asked_at(presence.known.values(), {INNER}, clock("08:02")) is None
    assert aboard.asked_at([], {GATE}, clock("08:02")) is None


def test_a_kiosk_asks_for_two_minutes() -> None:
    presence, came = fold([passes("in", clock("08:00"))]), clock("08:00")
    last = came + AT_KIOSK
    assert aboard.asked_at(presence.known.values(), {GATE}, last) is not None
    late = last + timedelta(seconds=1)
    assert aboard.asked_at(presence.known.values(), {GATE}, late) is None
    with pytest.raises(Conflict, match="too late"):
        aboard.answered(
            presence.known.values(), Passage(agent=AGENT, seq=seq(came)), 1, late, within=AT_KIOSK
        )


@given(st.permutations(range(6)), st.randoms(use_true_random=False))
def test_an_answer_counts_once_in_whatever_order_and_however_often_it_is_heard(
    order: list[int], chance: random.Random
) -> None:
    """Also when hub and agent both have it, and when the vehicle had left before the answer was heard."""
    came, again = clock("08:00"), clock("10:00")
    facts = [
        passes("in", came),
        says(3, came, 1),
        says(3, came, 2),
        passes("inner", clock("08:05")),
        passes("out", clock("09:00")),
        passes("in", again),
    ]
    heard = [facts[one] for one in order]
    heard += chance.sample(heard, 3)
    assert rolls(fold(heard)) == "not said"
    stays = [one for one in heard if one not in facts[4:]]
    assert rolls(fold(stays)) == 3


def test_an_answer_that_bore_the_time_at_which_it_was_given_would_count_for_the_next_visit() -> None:
    """The mutant: a hub that heard of the leaving late would count three who have gone."""
    facts = [passes("in", clock("08:00")), passes("out", clock("09:00")), passes("in", clock("10:00"))]
    assert rolls(fold([*facts, says(3, clock("09:01"))])) == 3
    assert rolls(fold([*facts, says(3, clock("08:00"))])) == "not said"


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "-1", "1-2-3", "a-1", "1- 2", "٣-١", "1-2\n", "9" * 10 + "-1"]
)
def test_what_names_no_passage_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="names no passage"):
        Passage.read(text)


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**18 - 1))
def test_a_passage_is_read_as_it_was_written(agent: int, number: int) -> None:
    assert Passage.read(str(Passage(agent=agent, seq=number))) == Passage(agent=agent, seq=number)


def asking(most: int, **of: object) -> AccessPoint:
    return AccessPoint(
        id=GATE,
        site=SiteId(1),
        door=DoorId(UUID(int=60)),
        name="Gate, in",
        from_area=STREET,
        to_area=YARD,
        asks_aboard=most,
        **of,
    )


def test_a_way_in_asks_for_1_to_100_people() -> None:
    assert (asking(1).asks_aboard, asking(MOST_ABOARD).asks_aboard) == (1, MOST_ABOARD)
    for most in (0, -1, MOST_ABOARD + 1):
        with pytest.raises(BadInput, match="1 to 100"):
            asking(most)


@pytest.mark.parametrize("of", [{"way_out": True}, {"lane": Lane(kind=LaneKind.EXIT)}])
def test_whoever_leaves_is_asked_nothing(of: dict) -> None:
    with pytest.raises(BadInput, match="whoever leaves"):
        asking(4, **of)
