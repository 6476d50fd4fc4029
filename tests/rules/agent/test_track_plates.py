"""One observation for each vehicle that drives up, its plate voted over its frames."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.access.decision import PlatePresented
from postern.agent.track import STILL, Observation, TrackRules
from postern.agent.track_plates import PlateTracker, apart, vote
from postern.vehicles.plates import PlateReading, comparison_form

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KNOWN = {comparison_form(text): UUID(int=n) for n, text in enumerate(["BMW1234", "KFZ777", "粤B12345"], 1)}


def known(text: str) -> UUID | None:
    return KNOWN.get(comparison_form(text))


def reading(text: str, score: float = 0.9, x: float = 100) -> PlateReading:
    quad = ((x, 50.0), (x + 120, 50.0), (x + 120, 90.0), (x, 90.0))
    return PlateReading(text=text, country=None, score=score, quad=quad)


def play(
    tracker: PlateTracker, frames: list[list[PlateReading]], start: datetime = NOON
) -> list[Observation]:
    told = []
    for index, readings in enumerate(frames):
        told += tracker.step(start + timedelta(seconds=index / 8), index, readings)
    return told


def texts(observations: list[Observation]) -> list[str]:
    return [one.presented.text for one in observations if isinstance(one.presented, PlatePresented)]


def test_no_plate_is_no_observation() -> None:
    assert play(PlateTracker(known), [[]] * 10) == []


def test_a_known_plate_is_told_once_after_two_frames_that_agree() -> None:
    (one,) = play(PlateTracker(known), [[reading("BMW1234")]] * 20)
    assert one.presented == PlatePresented(text="BMW1234", score=0.9)
    assert one.frames == 2


def test_an_unknown_plate_waits_for_more_frames_and_is_told_once() -> None:
    tracker = PlateTracker(known, TrackRules(patience=6))
    assert play(tracker, [[reading("XYZ999")]] * 5) == []
    assert texts(tracker.step(NOON + timedelta(seconds=1), 5, [reading("XYZ999")])) == ["XYZ999"]
    assert play(tracker, [[reading("XYZ999")]] * 20, NOON + timedelta(seconds=2)) == []


def test_misread_characters_are_outvoted() -> None:
    frames = [["XYZ999"], ["XYZ9S9"], ["XY2999"], ["XYZ999"], ["KYZ999"], ["XYZ999"]]
    told = play(PlateTracker(known), [[reading(text) for text in frame] for frame in frames])
    assert texts(told) == ["XYZ999"]


def test_readings_that_do_not_agree_have_a_low_score() -> None:
    agreed = vote([reading("XYZ999")] * 4)
    split = vote([reading("XYZ999"), reading("XYZ899"), reading("XYZ969"), reading("XVZ999")])
    assert agreed.score == pytest.approx(0.9)
    assert split.score < 0.5


def test_two_vehicles_side_by_side_are_two_observations() -> None:
    told = play(PlateTracker(known), [[reading("BMW1234"), reading("KFZ777", x=500)]] * 4)
    assert sorted(texts(told)) == ["BMW1234", "KFZ777"]


def test_one_after_the_other_in_the_same_place_are_two_observations() -> None:
    told = play(PlateTracker(known), [[reading("BMW1234")]] * 6 + [[reading("KFZ777")]] * 6)
    assert texts(told) == ["BMW1234", "KFZ777"]


def test_two_unknown_plates_alike_in_the_same_place_are_told_apart_when_readings_agree() -> None:
    told = play(PlateTracker(known), [[reading("TAXI0123")]] * 8 + [[reading("TAXI9923")]] * 8)
    assert texts(told) == ["TAXI0123", "TAXI9923"]


def test_a_vehicle_that_waits_is_not_told_again_and_after_its_absence_it_is() -> None:
    tracker = PlateTracker(known)
    assert texts(play(tracker, [[reading("KFZ777")]] * 300)) == ["KFZ777"]
    assert texts(play(tracker, [[reading("KFZ777")]] * 4, NOON + timedelta(seconds=60))) == ["KFZ777"]


def test_a_plate_hidden_for_a_moment_is_not_told_again() -> None:
    tracker = PlateTracker(known)
    play(tracker, [[reading("KFZ777")]] * 4)
    assert play(tracker, [[reading("KFZ777", x=900)]] * 4, NOON + timedelta(seconds=5)) == []


def test_a_plate_unknown_from_afar_is_recognised_on_coming_near() -> None:
    told = play(PlateTracker(known), [[reading("BMW123")]] * 6 + [[reading("BMW1234")]] * 12)
    assert texts(told)[-1] == "BMW1234"
    assert len(told) == 2


def test_an_unknown_plate_that_leaves_early_is_told_if_two_frames_agreed() -> None:
    tracker = PlateTracker(known)
    play(tracker, [[reading("XYZ999")]] * 2)
    assert texts(tracker.step(NOON + timedelta(seconds=3), 9, [])) == ["XYZ999"]
    play(tracker, [[reading("QRS111")]], NOON + timedelta(seconds=20))
    assert tracker.step(NOON + timedelta(seconds=30), 99, []) == []


def at_a_lane(rules: TrackRules | None = None) -> PlateTracker:
    return PlateTracker(known, rules, least_score=lambda: 0.6)


def test_an_unknown_plate_told_unsurely_at_a_lane_is_told_once_more_when_its_vote_is_sure() -> None:
    blurred, clear = [[reading("XYZ999", 0.4)]], [[reading("XYZ999", 0.9)]]
    told = play(at_a_lane(), blurred * 8 + clear * 20)
    assert [texts([one])[0] for one in told] == ["XYZ999", "XYZ999"]
    unsure, sure = (one.presented.score for one in told if isinstance(one.presented, PlatePresented))
    assert unsure < 0.6 <= sure
    assert [one.again for one in told] == [False, True]
    assert texts(play(PlateTracker(known), blurred * 8 + clear * 20)) == ["XYZ999"]


def test_a_plate_misread_from_afar_is_told_again_as_it_was_read_surely() -> None:
    told = play(at_a_lane(), [[reading("XVZ999", 0.3)]] * 6 + [[reading("XYZ999", 0.95)]] * 20)
    assert texts(told) == ["XVZ999", "XYZ999"]


def test_a_known_plate_told_unsurely_at_a_lane_is_told_once_more_when_its_vote_is_sure() -> None:
    told = play(at_a_lane(), [[reading("BMW1234", 0.5)]] * 4 + [[reading("BMW1234", 0.8)]] * 20)
    assert texts(told) == ["BMW1234", "BMW1234"]


def test_a_plate_told_unsurely_and_lost_from_sight_is_told_once_more_when_it_is_sure() -> None:
    tracker = at_a_lane()
    assert texts(play(tracker, [[reading("XYZ999", 0.4)]] * 8)) == ["XYZ999"]
    again = play(tracker, [[reading("XYZ999", 0.9, x=900)]] * 20, NOON + timedelta(seconds=5))
    assert texts(again) == ["XYZ999"]


def test_the_frame_of_a_plate_told_unsurely_is_kept_until_it_is_told_surely() -> None:
    tracker = at_a_lane()
    play(tracker, [[reading("XYZ999", 0.4)]] * 8)
    assert tracker.wanted_frames()
    play(tracker, [[reading("XYZ999", 0.9)]] * 20, NOON + timedelta(seconds=1))
    assert not tracker.wanted_frames()


@given(
    st.lists(st.tuples(st.sampled_from(["XYZ999", "XYZ998", "BMW1234"]), st.floats(0.2, 1.0)), max_size=80)
)
def test_at_a_lane_a_plate_is_never_told_surely_twice(read: list[tuple[str, float]]) -> None:
    told = play(at_a_lane(), [[reading(text, score)] for text, score in read])
    presented = [one.presented for one in told if isinstance(one.presented, PlatePresented)]
    sure = [one.text for one in presented if one.score >= 0.6]
    assert len(sure) == len(set(sure))


def test_a_single_picture_decides_on_its_one_frame() -> None:
    assert texts(PlateTracker(known, STILL).step(NOON, 0, [reading("XYZ999", 0.4)])) == ["XYZ999"]


def test_a_video_that_ends_early_is_decided_on_what_there_is() -> None:
    tracker = PlateTracker(known)
    play(tracker, [[reading("XYZ999")]] * 2)
    assert texts(tracker.finish()) == ["XYZ999"]
    assert tracker.finish() == []


def test_distance_counts_changes_after_o_and_0_are_taken_as_one() -> None:
    assert apart("B0B", "BOB") == 0
    assert apart("", "ABC") == 3
    assert apart("ABC123", "ABD12") == 2


plates = st.text("ABKXY2789", min_size=5, max_size=8)


@given(plates, st.integers(3, 12), st.data())
def test_a_minority_of_single_errors_never_wins(text: str, frames: int, data: st.DataObject) -> None:
    seen = [text] * frames
    for number in range((frames - 1) // 2):
        place = data.draw(st.integers(0, len(text) - 1))
        seen[number] = text[:place] + data.draw(st.sampled_from("ABKXY2789")) + text[place + 1 :]
    assert comparison_form(vote([reading(one) for one in seen]).text) == comparison_form(text)


@given(st.lists(st.tuples(plates, st.floats(0.01, 1.0)), min_size=1, max_size=10))
def test_a_vote_has_a_score_from_0_to_1_and_a_length_that_was_read(read: list[tuple[str, float]]) -> None:
    voted = vote([reading(text, score) for text, score in read])
    assert 0.0 <= voted.score <= 1.0
    assert len(voted.text) in {len(text) for text, _ in read}


@given(st.lists(st.sets(st.sampled_from(["BMW1234", "KFZ777", "粤B12345"])), max_size=60))
def test_no_known_plate_is_told_twice_within_the_absence(walk: list[set[str]]) -> None:
    frames = [[reading(t, x=200.0 * len(t)) for t in sorted(seen)] for seen in walk]
    told = texts(play(PlateTracker(known), frames))
    assert len(told) == len(set(told))
    assert {text for seen in walk for text in seen} >= set(told)
