"""What holds of every door, whatever order and spacing its changes come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from postern.access.controller import Contact, DoorState
from postern.access.passage import (
    DoorTimes,
    DoorWatch,
    Finding,
    Happened,
    Noticed,
    Released,
    Settled,
    TimePassed,
    Unlocked,
    follow,
    next_deadline,
)
from postern.records.model import DoorCondition, Outcome

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

moments = st.integers(min_value=-20_000, max_value=60_000).map(lambda ms: START + timedelta(milliseconds=ms))
seconds = st.sampled_from([0.1, 1, 5, 20])
states = st.builds(
    lambda contact, at, online: DoorState(
        contact=contact if online else Contact.UNKNOWN, at=at, online=online
    ),
    st.sampled_from(Contact),
    moments,
    st.booleans(),
)
happenings = st.one_of(
    states,
    states,
    st.builds(Released, decision_seq=st.just(0), at=moments, seconds=seconds, confirmed=st.booleans()),
    st.builds(Unlocked, at=moments, seconds=seconds),
    st.builds(TimePassed, at=moments),
)
times = st.builds(
    DoorTimes,
    held_after=st.sampled_from([timedelta(seconds=1), timedelta(seconds=30)]),
    contact_fitted=st.booleans(),
    free_exit=st.booleans(),
)


def numbered(happened: list[Happened]) -> list[Happened]:
    """Every release with a seq of its own."""
    return [
        Released(decision_seq=seq, at=one.at, seconds=one.seconds, confirmed=one.confirmed)
        if isinstance(one, Released)
        else one
        for seq, one in enumerate(happened)
    ]


def run(door: DoorTimes, happened: list[Happened], *, to_the_end: bool = True) -> list[Finding]:
    """Everything found, also after the last thing happened until nothing more is awaited."""
    watch, findings = DoorWatch(times=door), list[Finding]()
    for one in happened:
        followed = follow(watch, one)
        watch = followed.watch
        findings += followed.findings
    while to_the_end and (deadline := next_deadline(watch)) is not None:
        followed = follow(watch, TimePassed(at=deadline))
        watch = followed.watch
        findings += followed.findings
    return findings


@given(times, st.lists(happenings, max_size=30).map(numbered))
def test_every_release_settles_exactly_once(door: DoorTimes, happened: list[Happened]) -> None:
    released = [one.decision_seq for one in happened if isinstance(one, Released)]
    outcomes = [one.decision_seq for one in run(door, happened) if isinstance(one, Settled)]
    assert sorted(outcomes) == sorted(released)


@given(times, st.lists(happenings, max_size=30).map(numbered))
def test_no_finding_is_known_before_an_earlier_one(door: DoorTimes, happened: list[Happened]) -> None:
    known = [one.settled_at if isinstance(one, Settled) else one.at for one in run(door, happened)]
    assert known == sorted(known)


@given(times, st.lists(happenings, max_size=30).map(numbered))
def test_nothing_takes_place_before_its_release_or_after_it_is_known(
    door: DoorTimes, happened: list[Happened]
) -> None:
    released = {one.decision_seq: one.at for one in happened if isinstance(one, Released)}
    for one in run(door, happened):
        if isinstance(one, Settled):
            assert released[one.decision_seq] <= one.at <= one.settled_at


@given(times, st.lists(happenings, max_size=30).map(numbered))
def test_only_a_contact_that_was_seen_to_open_makes_a_passage_sure(
    door: DoorTimes, happened: list[Happened]
) -> None:
    opened = any(isinstance(one, DoorState) and one.contact is Contact.OPEN for one in happened)
    for one in run(door, happened):
        if isinstance(one, Settled) and one.outcome in (Outcome.TAKEN, Outcome.HELD_OPEN):
            assert opened
            assert door.contact_fitted


@given(times, st.lists(happenings, max_size=30).map(numbered))
def test_a_door_with_a_free_exit_or_no_contact_is_never_forced(
    door: DoorTimes, happened: list[Happened]
) -> None:
    forced = [one for one in run(door, happened) if isinstance(one, Noticed)]
    if door.free_exit or not door.contact_fitted:
        assert DoorCondition.FORCED not in {one.condition for one in forced}


@given(times, st.lists(happenings, max_size=30).map(numbered))
def test_a_door_that_answers_is_never_left_offline(door: DoorTimes, happened: list[Happened]) -> None:
    heard = [one for one in happened if isinstance(one, DoorState)]
    news = [one.condition for one in run(door, happened) if isinstance(one, Noticed)]
    if heard and heard[-1].online and DoorCondition.OFFLINE in news:
        assert news[-1] is not DoorCondition.OFFLINE


@given(times, st.lists(happenings, max_size=30).map(numbered), st.lists(moments, max_size=10))
def test_looking_at_the_clock_more_often_changes_nothing(
    door: DoorTimes, happened: list[Happened], looks: list[datetime]
) -> None:
    happened = sorted(happened, key=lambda one: one.at)
    looked = sorted([*happened, *(TimePassed(at=look) for look in looks)], key=lambda one: one.at)
    assert run(door, happened) == run(door, looked)
