"""Presence: who is where, whatever the order in which it was heard."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.access.model import SubjectKind
from postern.access.presence import (
    Call,
    Evidence,
    Fact,
    Load,
    Mark,
    Order,
    Presence,
    Ride,
    Sighting,
    Whereabouts,
    fold,
)
from postern.errors import BadInput
from postern.ids import AreaId
from postern.sites.model import MOST_ABOARD

ADA, BO, CAR = UUID(int=1), UUID(int=2), UUID(int=9)
STREET, HALL, YARD = AreaId(UUID(int=100)), AreaId(UUID(int=101)), AreaId(UUID(int=102))
START = datetime(2026, 3, 4, 8, tzinfo=UTC)


def when(minute: int, agent: int = 1, seq: int = 0) -> Order:
    return Order(at=START + timedelta(minutes=minute), agent=agent, seq=seq or minute)


def seen(subject: UUID, area: AreaId, minute: int, evidence: Evidence = Evidence.PASSED) -> Sighting:
    kind = SubjectKind.VEHICLE if subject == CAR else SubjectKind.PERSON
    return Sighting(
        order=when(minute), subject=subject, kind=kind, area=area, outside=area == STREET, evidence=evidence
    )


def places(presence: Presence) -> dict[UUID, AreaId]:
    return {one.subject: one.area for one in presence.inside()}


def only(presence: Presence, subject: UUID) -> Whereabouts:
    return next(one for one in presence.inside() if one.subject == subject)


def test_of_nobody_nothing_is_known() -> None:
    assert fold([]).inside() == []
    assert fold([]).muster is None


def test_whoever_came_in_is_inside_until_they_leave() -> None:
    assert places(fold([seen(ADA, HALL, 1)])) == {ADA: HALL}
    assert places(fold([seen(ADA, HALL, 1), seen(ADA, YARD, 2)])) == {ADA: YARD}
    assert places(fold([seen(ADA, HALL, 1), seen(ADA, STREET, 2)])) == {}


def test_a_passage_that_arrives_late_brings_nobody_back_in() -> None:
    assert places(fold([seen(ADA, STREET, 2), seen(ADA, HALL, 1)])) == {}


def test_since_when_and_by_what_evidence_is_told() -> None:
    found = only(fold([seen(ADA, HALL, 1, Evidence.PRESUMED)]), ADA)
    assert (found.since, found.evidence) == (when(1).at, Evidence.PRESUMED)


def test_passengers_are_where_their_vehicle_is_and_leave_with_it() -> None:
    aboard = Ride(order=when(2), subject=ADA, vehicle=CAR, by="guard")
    came = [seen(CAR, YARD, 1), aboard]
    assert places(fold(came)) == {CAR: YARD, ADA: YARD}
    assert only(fold(came), ADA).evidence is Evidence.ABOARD
    assert places(fold([*came, seen(CAR, STREET, 3)])) == {}


def test_passengers_who_left_with_it_do_not_come_back_with_it() -> None:
    aboard = Ride(order=when(2), subject=ADA, vehicle=CAR, by="guard")
    facts = [seen(CAR, YARD, 1), aboard, seen(CAR, STREET, 3), seen(CAR, YARD, 4)]
    assert places(fold(facts)) == {CAR: YARD}


def test_whoever_was_stated_aboard_at_the_barrier_comes_in_with_the_vehicle() -> None:
    aboard = Ride(order=when(1), subject=ADA, vehicle=CAR, by="guard")
    assert places(fold([aboard])) == {}
    assert places(fold([aboard, seen(CAR, YARD, 2)])) == {CAR: YARD, ADA: YARD}


def test_a_passenger_who_walks_on_stays_when_the_vehicle_leaves() -> None:
    aboard = Ride(order=when(2), subject=ADA, vehicle=CAR, by="guard")
    facts = [seen(CAR, YARD, 1), aboard, seen(ADA, HALL, 3), seen(CAR, STREET, 4)]
    assert places(fold(facts)) == {ADA: HALL}


def test_unnamed_people_aboard_are_counted_while_the_vehicle_is_there() -> None:
    load = Load(order=when(2), subject=CAR, more=3, by="guard")
    assert only(fold([seen(CAR, YARD, 1), load]), CAR).more == 3
    again = fold([seen(CAR, YARD, 1), load, seen(CAR, STREET, 3), seen(CAR, YARD, 4)])
    assert only(again, CAR).more == 0


@pytest.mark.parametrize("more", [-1, MOST_ABOARD + 1])
def test_no_vehicle_carries_so_many(more: int) -> None:
    with pytest.raises(BadInput, match="correct the number"):
        Load(order=when(1), subject=CAR, more=more, by="guard")


def test_nobody_is_safe_without_a_muster() -> None:
    mark = Mark(order=when(2), subject=ADA, by="warden", safe=True)
    assert only(fold([seen(ADA, HALL, 1), mark]), ADA).safe is None


def test_a_mark_counts_for_the_muster_that_runs_and_for_no_other() -> None:
    came, mark = seen(ADA, HALL, 1), Mark(order=when(3), subject=ADA, by="warden", safe=True)
    called = Call(order=when(2), by="guard")
    assert only(fold([came, called, mark]), ADA).safe == mark
    over, again = Call(order=when(4), by="guard", over=True), Call(order=when(5), by="guard")
    assert fold([came, called, mark, over]).muster is None
    assert only(fold([came, called, mark, over, again]), ADA).safe is None


def test_a_mark_can_be_taken_back() -> None:
    marks = [Mark(order=when(3 + n), subject=ADA, by="warden", safe=n == 0) for n in range(2)]
    assert only(fold([seen(ADA, HALL, 1), Call(order=when(2), by="g"), *marks]), ADA).safe is None


def others_safe(*later: Fact, more: int = 3) -> list[int]:
    """Which of those aboard, unnamed, were seen safe in a muster."""
    load = Load(order=when(2), subject=CAR, more=more, by="driver:kiosk")
    found = only(fold([seen(CAR, YARD, 1), load, Call(order=when(3), by="guard"), *later]), CAR)
    assert len(found.others) == found.more
    assert found.missing == found.more - sum(one.safe is not None for one in found.others)
    return [one.place for one in found.others if one.safe is not None]


def other(place: int, minute: int, *, safe: bool = True) -> Mark:
    return Mark(order=when(minute), subject=CAR, by="warden", safe=safe, place=place)


def test_each_of_the_unnamed_aboard_is_seen_safe_by_itself_and_it_can_be_taken_back() -> None:
    assert others_safe() == []
    assert others_safe(other(2, 4)) == [2]
    assert others_safe(other(2, 4), other(3, 5)) == [2, 3]
    assert others_safe(other(2, 4), other(3, 5), other(2, 6, safe=False)) == [3]
    assert others_safe(other(2, 1)) == [], "it was before the muster"


def test_of_fewer_than_were_said_those_who_were_seen_are_there() -> None:
    fewer = Load(order=when(6), subject=CAR, more=1, by="guard")
    assert others_safe(other(3, 4), fewer) == [3]
    assert others_safe(other(3, 4), other(2, 5), fewer) == [3]


def test_those_aboard_on_the_next_ride_were_not_seen_yet() -> None:
    again = Load(order=when(8), subject=CAR, more=3, by="driver:kiosk")
    assert others_safe(other(1, 4), seen(CAR, STREET, 6), seen(CAR, YARD, 7), again) == []


@pytest.mark.parametrize("place", [0, -1, MOST_ABOARD + 1])
def test_nobody_aboard_has_such_a_number(place: int) -> None:
    with pytest.raises(BadInput, match="reload the roll"):
        other(place, 4)


def test_of_a_vehicle_it_is_told_whether_somebody_said_who_is_aboard() -> None:
    came, load = seen(CAR, YARD, 1), Load(order=when(2), subject=CAR, more=0, by="driver:kiosk")
    assert not only(fold([came]), CAR).counted
    assert only(fold([came, load]), CAR).counted
    assert not only(fold([came, load, seen(CAR, STREET, 3), seen(CAR, YARD, 4)]), CAR).counted


def test_two_calls_that_could_not_hear_each_other_are_one_muster() -> None:
    calls = [Call(order=when(2), by="warden", drill=True), Call(order=when(4, agent=7), by="guard")]
    muster = fold(calls).muster
    assert muster is not None
    assert (muster.since, muster.by, muster.drill) == (when(2).at, "warden", False)


orders = st.builds(when, st.integers(0, 12), st.integers(1, 2), st.integers(1, 3))
subjects = st.sampled_from([ADA, BO])
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        lambda order, who, area, asks: Sighting(
            order=order,
            subject=who,
            kind=SubjectKind.VEHICLE if who == CAR else SubjectKind.PERSON,
            area=area,
            outside=area == STREET,
            evidence=Evidence.PASSED,
            asks=asks,
        ),
        orders,
        st.sampled_from([ADA, BO, CAR]),
        st.sampled_from([STREET, HALL, YARD]),
        st.sampled_from([None, 8]),
    ),
    st.builds(Ride, order=orders, subject=subjects, vehicle=st.just(CAR), by=st.just("guard")),
    st.builds(Load, order=orders, subject=st.just(CAR), more=st.integers(0, 5), by=st.just("guard")),
    st.builds(Mark, order=orders, subject=subjects, by=st.just("warden"), safe=st.booleans()),
    st.builds(
        Mark,
        order=orders,
        subject=st.just(CAR),
        by=st.just("warden"),
        safe=st.booleans(),
        place=st.integers(1, 3),
    ),
    st.builds(Call, order=orders, by=st.just("guard"), over=st.booleans()),
)
"""What can happen. No two facts have the same order, since no two records have the same number."""
histories = st.lists(facts, max_size=25, unique_by=lambda one: one.order)


@given(histories, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_heard_and_how_often_changes_nothing(
    history: list[Fact], chance: random.Random
) -> None:
    heard = history + chance.sample(history, len(history) // 2)
    chance.shuffle(heard)
    assert fold(heard).known == fold(history).known
    assert fold(heard).muster == fold(history).muster


@given(histories, st.data())
def test_two_who_were_apart_know_the_same_once_they_have_told_each_other(
    history: list[Fact], data: st.DataObject
) -> None:
    here, there = Presence(), Presence()
    for fact in history:
        sides = data.draw(st.sampled_from([(here,), (there,), (here, there)]))
        for side in sides:
            side.take(fact)
    told = list(here.known.values())
    for known in list(there.known.values()):
        here.merge(known)
    for known in told:
        there.merge(known)
    assert here.known == there.known == fold(history).known
