"""One observation for each person who walks up, whatever the frames are like."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from postern.access.decision import FacePresented
from postern.agent.track import STILL, Observation, TrackRules
from postern.agent.track_faces import FaceSeen, FaceTracker
from postern.biometrics.comparison import Gallery, Match, NoMatch, identify
from postern.biometrics.model import NOT_CHECKED, Box, ModelCard, Pad, PadResult, Reference, Template
from postern.biometrics.quality import FaceQuality, Problem
from postern.ids import PersonId, ReferenceId

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CARD = ModelCard(
    id="test",
    input_size=8,
    alignment="none",
    normalisation="none",
    length=16,
    farthest=2.0,
    threshold=0.7,
    verification_threshold=0.65,
    margin=0.02,
    licence="none",
)
PEOPLE = [PersonId(UUID(int=number)) for number in range(4)]


def vector(who: int, noise: int = 0) -> np.ndarray:
    """Of person `who`; everybody is far from everybody else, and noise moves little."""
    base = np.zeros(16, dtype=np.float32)
    base[who] = 1.0
    shake = np.random.default_rng(noise).normal(0, 0.02, 16)
    return (base + shake).astype(np.float32)


GALLERY = Gallery(
    CARD,
    [
        Reference(
            id=ReferenceId(UUID(int=99 + i)), person=p, template=Template(model="test", vector=vector(i))
        )
        for i, p in enumerate(PEOPLE)
    ],
)
STRANGERS = [10, 11, 12]


def face(who: int, *, x: int = 100, noise: int = 0, poor: bool = False, pad: Pad = NOT_CHECKED) -> FaceSeen:
    template = Template(model="test", vector=vector(who, noise))
    problems = (Problem.TOO_SMALL,) if poor else ()
    return FaceSeen(
        box=Box(x=x, y=50, width=80, height=80),
        template=template,
        quality=FaceQuality(score=0.2 if poor else 0.9, problems=problems),
        result=identify(GALLERY, template),
        pad=pad,
    )


def unsure(who: int, **more: int) -> FaceSeen:
    """The face of `who` in a frame in which it was not recognised."""
    seen = face(who, **more)
    nobody = identify(Gallery(CARD, []), seen.template)
    return FaceSeen(box=seen.box, template=seen.template, quality=seen.quality, result=nobody)


def play(tracker: FaceTracker, frames: list[list[FaceSeen]], start: datetime = NOON) -> list[Observation]:
    """Eight frames a second."""
    told = []
    for index, faces in enumerate(frames):
        told += tracker.step(start + timedelta(seconds=index / 8), index, faces)
    return told


def named(observations: list[Observation]) -> list[PersonId | None]:
    results = [one.presented.result for one in observations if isinstance(one.presented, FacePresented)]
    return [result.person if isinstance(result, Match) else None for result in results]


def test_nothing_in_sight_is_no_observation() -> None:
    assert play(FaceTracker(CARD), [[]] * 20) == []


def test_one_frame_of_a_video_decides_nothing() -> None:
    assert play(FaceTracker(CARD), [[face(0)]]) == []


def test_two_frames_that_agree_name_the_person_once() -> None:
    assert named(play(FaceTracker(CARD), [[face(0, noise=n)] for n in range(30)])) == [PEOPLE[0]]


def test_the_observation_names_its_best_frame_and_score() -> None:
    (one,) = play(FaceTracker(CARD, TrackRules(votes=3)), [[face(0, noise=n)] for n in range(3)])
    scores = [face(0, noise=n).result.score for n in range(3)]
    assert isinstance(one.presented, FacePresented)
    assert one.presented.result.score == max(scores)
    assert one.frame == scores.index(max(scores))


def test_who_stays_before_the_camera_is_not_told_again() -> None:
    assert named(play(FaceTracker(CARD), [[face(0, noise=n)] for n in range(8 * 60)])) == [PEOPLE[0]]


def test_who_looks_away_for_a_while_is_not_told_again() -> None:
    tracker = FaceTracker(CARD)
    play(tracker, [[face(0, noise=n)] for n in range(8)])
    assert play(tracker, [[face(0, noise=n)] for n in range(8)], NOON + timedelta(seconds=9)) == []


def test_who_comes_again_after_the_absence_is_a_new_passage() -> None:
    tracker = FaceTracker(CARD)
    play(tracker, [[face(0, noise=n)] for n in range(8)])
    again = play(tracker, [[face(0, noise=n)] for n in range(8)], NOON + timedelta(seconds=12))
    assert named(again) == [PEOPLE[0]]


def test_two_people_side_by_side_are_two_observations() -> None:
    told = play(FaceTracker(CARD), [[face(0, noise=n), face(1, x=300, noise=n)] for n in range(10)])
    assert sorted(named(told), key=str) == PEOPLE[:2]


def test_who_follows_in_the_same_place_is_told_too() -> None:
    told = play(FaceTracker(CARD), [[face(n // 4, noise=n)] for n in range(16)])
    assert named(told) == PEOPLE


def test_a_stranger_is_told_once_as_nobody_and_nothing_is_kept() -> None:
    tracker = FaceTracker(CARD)
    told = play(tracker, [[face(10, noise=n)] for n in range(40)])
    assert named(told) == [None]
    assert tracker.wanted_frames() == frozenset()
    assert tracker.step(NOON + timedelta(seconds=60), 99, []) == []
    assert not tracker._tracks


def test_poor_frames_of_somebody_unknown_need_more_patience() -> None:
    assert play(FaceTracker(CARD), [[face(10, noise=n, poor=True)] for n in range(12)]) == []


def test_who_was_unknown_from_afar_is_recognised_on_coming_near() -> None:
    far, near = [[unsure(0, noise=n)] for n in range(8)], [[face(0, noise=n)] for n in range(4)]
    assert named(play(FaceTracker(CARD), far + near)) == [None, PEOPLE[0]]


def test_frames_that_name_different_people_name_nobody() -> None:
    mixed = []
    for n in range(12):
        one = face(0, noise=n)
        result = Match(person=PEOPLE[n % 2], score=0.8)
        mixed.append([FaceSeen(box=one.box, template=one.template, quality=one.quality, result=result)])
    assert PEOPLE[0] not in named(play(FaceTracker(CARD, TrackRules(votes=3)), mixed))


def test_most_frames_of_an_attack_make_it_an_attack() -> None:
    attack = Pad(result=PadResult.ATTACK, score=0.1)
    (one,) = play(FaceTracker(CARD), [[face(0, noise=n, pad=attack)] for n in range(3)])
    assert isinstance(one.presented, FacePresented)
    assert one.presented.pad.result is PadResult.ATTACK


def test_a_single_picture_decides_on_its_one_frame() -> None:
    known = FaceTracker(CARD, STILL)
    assert named(known.step(NOON, 0, [face(0), face(10, x=300)])) == [PEOPLE[0], None]
    poor = FaceTracker(CARD, STILL)
    assert named(poor.step(NOON, 0, [face(10, poor=True)]) + poor.finish()) == [None]


def test_a_video_that_ends_early_is_decided_on_what_there_is() -> None:
    tracker = FaceTracker(CARD)
    assert play(tracker, [[face(0), face(10, x=400)]]) == []
    assert sorted(named(tracker.finish()), key=str) == sorted([PEOPLE[0], None], key=str)
    assert tracker.finish() == []


def test_at_the_end_nobody_is_told_twice() -> None:
    tracker = FaceTracker(CARD)
    play(tracker, [[face(0, noise=n)] for n in range(8)])
    assert tracker.finish() == []


def test_open_tracks_want_only_the_frames_of_people_who_are_named() -> None:
    tracker = FaceTracker(CARD, TrackRules(votes=3))
    tracker.step(NOON, 0, [face(0), face(10, x=300)])
    assert tracker.wanted_frames() == {0}


walks = st.lists(st.sets(st.sampled_from([0, 1, 2, 3, *STRANGERS]), max_size=3), max_size=60)


@given(walks)
def test_nobody_is_told_twice_within_the_absence_and_nobody_unseen_is_told(walk: list[set[int]]) -> None:
    frames = [[face(who, x=120 * who, noise=n) for who in sorted(seen)] for n, seen in enumerate(walk)]
    told = named(play(FaceTracker(CARD), frames))
    people = [person for person in told if person is not None]
    assert len(people) == len(set(people))
    assert {PEOPLE[who] for seen in walk for who in seen if who < 4} >= set(people)


@given(walks)
def test_whoever_is_seen_in_enough_frames_together_is_told(walk: list[set[int]]) -> None:
    frames = [[face(who, x=120 * who, noise=n) for who in sorted(seen)] for n, seen in enumerate(walk)]
    told = set(named(play(FaceTracker(CARD), frames)))
    for who in range(4):
        in_a_row = any(who in one and who in other for one, other in itertools.pairwise(walk))
        assert not in_a_row or PEOPLE[who] in told


@given(st.permutations([0, 1, 2, 10, 11]))
def test_the_order_of_faces_in_a_frame_changes_nothing(order: list[int]) -> None:
    def told(sequence: list[int]) -> set[PersonId | None]:
        frames = [[face(who, x=120 * who, noise=n) for who in sequence] for n in range(8)]
        return set(named(play(FaceTracker(CARD), frames)))

    assert told(order) == told(sorted(order))


def test_no_match_has_the_score_of_the_best_try() -> None:
    (one,) = play(FaceTracker(CARD), [[face(10, noise=n)] for n in range(8)])
    assert isinstance(one.presented, FacePresented)
    assert isinstance(one.presented.result, NoMatch)
