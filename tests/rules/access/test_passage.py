"""What came of a release, one case after another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

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
FITTED = DoorTimes(held_after=timedelta(seconds=30), grace=timedelta(seconds=1))
UNFITTED = DoorTimes(contact_fitted=False)
HANDLE = DoorTimes(free_exit=True)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def released(seq: int, seconds: float, *, confirmed: bool = True) -> Released:
    return Released(decision_seq=seq, at=at(seconds), seconds=5, confirmed=confirmed)


def opened(seconds: float) -> DoorState:
    return DoorState(contact=Contact.OPEN, at=at(seconds), online=True)


def closed(seconds: float) -> DoorState:
    return DoorState(contact=Contact.CLOSED, at=at(seconds), online=True)


def silent(seconds: float) -> DoorState:
    return DoorState(contact=Contact.UNKNOWN, at=at(seconds), online=False)


def passed(seconds: float) -> TimePassed:
    return TimePassed(at=at(seconds))


def found(*happened: Happened, times: DoorTimes = FITTED) -> list[Finding]:
    watch, findings = DoorWatch(times=times), []
    for one in happened:
        followed = follow(watch, one)
        watch = followed.watch
        findings.extend(followed.findings)
    return findings


def settled(seq: int, outcome: Outcome, took_place: float, known: float) -> Settled:
    return Settled(decision_seq=seq, outcome=outcome, at=at(took_place), settled_at=at(known))


def noticed(condition: DoorCondition, seconds: float) -> Noticed:
    return Noticed(condition=condition, at=at(seconds))


def test_a_door_of_which_nothing_is_told_finds_nothing() -> None:
    assert found(passed(0), passed(1000)) == []
    assert next_deadline(DoorWatch(times=FITTED)) is None


def test_a_released_door_that_opens_and_closes_was_taken_when_it_opened() -> None:
    assert found(closed(0), released(7, 1), opened(2), closed(6)) == [settled(7, Outcome.TAKEN, 2, 6)]


def test_a_released_door_that_never_opens_was_not_taken() -> None:
    assert found(closed(0), released(7, 1), passed(6.9)) == []
    assert found(closed(0), released(7, 1), passed(60)) == [settled(7, Outcome.NOT_TAKEN, 7, 7)]


def test_a_door_that_stands_open_too_long_was_held_open() -> None:
    assert found(closed(0), released(7, 1), opened(2), passed(40), closed(50)) == [
        settled(7, Outcome.HELD_OPEN, 2, 32),
        noticed(DoorCondition.HELD_OPEN, 32),
        noticed(DoorCondition.CLOSED, 50),
    ]


def test_a_door_without_a_contact_is_presumed_taken_at_once() -> None:
    assert found(released(7, 1), times=UNFITTED) == [settled(7, Outcome.PRESUMED, 1, 1)]


def test_a_release_that_nothing_confirmed_is_not_presumed() -> None:
    lost = released(7, 1, confirmed=False)
    assert found(lost, times=UNFITTED) == [settled(7, Outcome.NOT_TAKEN, 1, 1)]
    assert found(silent(0), lost, passed(60))[1:] == [settled(7, Outcome.NOT_TAKEN, 7, 7)]


def test_an_unconfirmed_release_after_which_the_door_opens_was_taken_all_the_same() -> None:
    lost = released(7, 1, confirmed=False)
    assert found(closed(0), lost, opened(2), closed(3)) == [settled(7, Outcome.TAKEN, 2, 3)]


def test_a_door_that_opens_without_a_release_is_forced() -> None:
    assert found(closed(0), opened(5), closed(6)) == [
        noticed(DoorCondition.FORCED, 5),
        noticed(DoorCondition.CLOSED, 6),
    ]


def test_a_door_that_opens_after_its_release_is_over_is_forced() -> None:
    assert found(closed(0), released(7, 1), opened(7)) == [
        settled(7, Outcome.NOT_TAKEN, 7, 7),
        noticed(DoorCondition.FORCED, 7),
    ]


def test_a_forced_door_left_open_is_also_noticed_as_held_open() -> None:
    assert found(closed(0), opened(5), passed(35)) == [
        noticed(DoorCondition.FORCED, 5),
        noticed(DoorCondition.HELD_OPEN, 35),
    ]


def test_a_request_to_exit_forces_nothing_and_settles_nothing() -> None:
    assert found(closed(0), Unlocked(at=at(1), seconds=5), opened(2), closed(4)) == []


def test_a_handle_that_tells_nobody_forces_nothing() -> None:
    assert found(closed(0), opened(5), closed(6), times=DoorTimes(free_exit=True)) == []


def test_a_door_already_open_at_the_first_look_is_not_called_forced() -> None:
    assert found(opened(0), closed(5)) == []
    assert found(opened(0), passed(30)) == [noticed(DoorCondition.HELD_OPEN, 30)]


def test_two_releases_before_one_opening_are_both_taken() -> None:
    assert found(closed(0), released(7, 1), released(8, 2), opened(3), closed(5)) == [
        settled(7, Outcome.TAKEN, 3, 5),
        settled(8, Outcome.TAKEN, 3, 5),
    ]


def test_a_release_while_the_door_is_open_belongs_to_that_opening() -> None:
    assert found(closed(0), released(7, 1), opened(2), released(8, 4), closed(5)) == [
        settled(7, Outcome.TAKEN, 2, 5),
        settled(8, Outcome.TAKEN, 4, 5),
    ]


def test_a_row_of_people_each_released_in_time_does_not_hold_the_door_open() -> None:
    row = [released(seq, 1 + 20 * seq) for seq in range(5)]
    assert [one.outcome for one in found(closed(0), row[0], opened(2), *row[1:], closed(95))] == [
        Outcome.TAKEN
    ] * 5


def test_a_release_at_a_door_that_is_held_open_is_counted_as_held_open() -> None:
    assert found(closed(0), released(7, 1), opened(2), released(8, 40), closed(41))[2:] == [
        settled(8, Outcome.HELD_OPEN, 40, 40),
        noticed(DoorCondition.CLOSED, 41),
    ]


def test_opening_twice_in_one_release_is_neither_forced_nor_a_second_passage() -> None:
    assert found(closed(0), released(7, 1), opened(2), closed(3), opened(4), closed(5)) == [
        settled(7, Outcome.TAKEN, 2, 3)
    ]


def test_a_leaf_that_bounces_on_its_frame_is_not_forced() -> None:
    bounced = found(closed(0), released(7, 1), opened(2), closed(9), opened(9.1), closed(9.2))
    assert bounced == [settled(7, Outcome.TAKEN, 2, 9)]


def test_a_controller_that_goes_silent_is_noticed_once_and_its_return_too() -> None:
    assert found(closed(0), silent(5), silent(6), closed(9)) == [
        noticed(DoorCondition.OFFLINE, 5),
        noticed(DoorCondition.CLOSED, 9),
    ]


def test_a_door_without_a_contact_is_told_online_again_once() -> None:
    assert found(silent(5), closed(9), closed(10), times=UNFITTED) == [
        noticed(DoorCondition.OFFLINE, 5),
        noticed(DoorCondition.ONLINE, 9),
    ]


def test_a_door_that_comes_back_open_is_told_online_and_then_closed() -> None:
    assert found(closed(0), silent(5), opened(9), closed(12)) == [
        noticed(DoorCondition.OFFLINE, 5),
        noticed(DoorCondition.ONLINE, 9),
        noticed(DoorCondition.CLOSED, 12),
    ]


def test_a_door_that_never_was_away_is_not_told_online() -> None:
    assert found(opened(1), closed(2)) == []
    assert found(closed(1), times=UNFITTED) == []


def test_an_opening_by_the_handle_inside_is_not_forced() -> None:
    assert found(closed(0), opened(5), closed(8)) == [
        noticed(DoorCondition.FORCED, 5),
        noticed(DoorCondition.CLOSED, 8),
    ]
    assert found(closed(0), opened(5), closed(8), times=HANDLE) == []


def test_a_door_with_a_handle_that_stands_open_is_held_open_all_the_same() -> None:
    assert found(closed(0), opened(5), passed(60), times=HANDLE) == [noticed(DoorCondition.HELD_OPEN, 35)]


def test_a_release_whose_door_could_not_be_heard_is_presumed() -> None:
    assert found(closed(0), released(7, 1), silent(2), passed(60)) == [
        noticed(DoorCondition.OFFLINE, 2),
        settled(7, Outcome.PRESUMED, 1, 7),
    ]


def test_a_door_that_had_opened_before_it_went_silent_was_taken() -> None:
    assert found(closed(0), released(7, 1), opened(2), silent(3)) == [
        noticed(DoorCondition.OFFLINE, 3),
        settled(7, Outcome.TAKEN, 2, 3),
    ]


def test_an_opening_before_the_controller_answered_belongs_to_the_release_all_the_same() -> None:
    before = Unlocked(at=at(1), seconds=5)
    assert found(closed(0), before, opened(2), released(7, 1), closed(4)) == [settled(7, Outcome.TAKEN, 2, 4)]
    assert found(closed(0), before, opened(2), closed(3), released(7, 1)) == [settled(7, Outcome.TAKEN, 2, 3)]


def test_an_opening_from_before_the_release_is_not_its_own() -> None:
    earlier = (closed(0), Unlocked(at=at(1), seconds=5), opened(2), closed(3))
    assert found(*earlier, released(7, 4), passed(60)) == [settled(7, Outcome.NOT_TAKEN, 10, 10)]


def test_a_clock_that_is_set_back_turns_no_time_around() -> None:
    assert found(closed(100), released(7, 50), opened(60), closed(55)) == [
        settled(7, Outcome.TAKEN, 100, 100)
    ]


def test_a_release_after_the_clock_was_set_back_is_not_taken_by_an_opening_before_it() -> None:
    earlier = (closed(3600), Unlocked(at=at(3601), seconds=5), opened(3602), closed(3603))
    assert found(*earlier, released(7, 60), passed(4000)) == [settled(7, Outcome.NOT_TAKEN, 3609, 3609)]


def test_the_next_deadline_is_the_end_of_waiting_or_of_standing_open() -> None:
    watch = follow(DoorWatch(times=FITTED), closed(0)).watch
    watch = follow(watch, released(7, 1)).watch
    assert next_deadline(watch) == at(7)
    watch = follow(watch, opened(2)).watch
    assert next_deadline(watch) == at(32)
    assert next_deadline(follow(watch, closed(3)).watch) is None


@pytest.mark.parametrize(
    "wrong", [{"held_after": timedelta(0)}, {"grace": timedelta(-1)}, {"bounce": timedelta(-1)}]
)
def test_times_that_cannot_be_are_refused(wrong: dict[str, timedelta]) -> None:
    with pytest.raises(ValueError, match="zero"):
        DoorTimes(**wrong)
