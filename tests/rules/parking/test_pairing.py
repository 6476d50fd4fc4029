"""A read at the exit pairs with the one car inside that it can have come from, or with none."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.parking.pairing import (
    APART,
    Ambiguous,
    Inside,
    Paired,
    Pairing,
    PlateRead,
    Unpaired,
    Why,
    distance,
    pair,
)
from tests.rules.parking.drawn_plates import ANY, confused, misread, plate

Rule = Callable[[PlateRead, Sequence[Inside]], Pairing]
PLATES = st.text(ANY + "京沪", min_size=1, max_size=9)


def read(text: str, score: float = 0.88) -> PlateRead:
    return PlateRead(text=text, score=score)


def inside(*texts: str, score: float = 0.88) -> list[Inside]:
    return [Inside(session=UUID(int=n), read=read(text, score)) for n, text in enumerate(texts)]


def test_an_empty_garage_pairs_with_nothing() -> None:
    assert pair(read("BAB123"), []) == Unpaired(nearest=())


def test_a_read_of_nothing_pairs_with_nothing() -> None:
    assert pair(read(""), inside("BAB123", "")) == Unpaired(nearest=())


def test_an_exact_read_pairs() -> None:
    assert pair(read("B-AB 123"), inside("BCD456", "bab123")) == Paired(session=UUID(int=1), distance=0)


@pytest.mark.parametrize("text", ["BA8123", "BABI23", "BAB12", "BAB1233", "8AB123"])
def test_one_usual_error_pairs_when_no_other_car_is_near(text: str) -> None:
    assert isinstance(pair(read(text), inside("BAB123", "MXY987")), Paired)


@pytest.mark.parametrize("text", ["BAW123", "BAB193", "BA812Z", "BA123", "B123", "BAB23I"])
def test_an_unusual_error_is_left_to_a_person(text: str) -> None:
    answer = pair(read(text), inside("KLM555", "BXB123"))
    assert isinstance(answer, Unpaired)


def test_a_person_is_shown_the_nearest_first() -> None:
    answer = pair(read("BA8IZ3"), inside("KLM555", "BAB123", "BAB1Z3"))
    assert isinstance(answer, Unpaired)
    assert [one.session for one in answer.nearest] == [UUID(int=2), UUID(int=1)]


@pytest.mark.parametrize(
    ("one", "other"), [("O", "0"), ("I", "1"), ("8", "B"), ("5", "S"), ("2", "7"), ("M", "N")]
)
def test_two_cars_a_confusable_character_apart_are_never_told_apart(one: str, other: str) -> None:
    cars = inside(f"BA{one}123", f"BA{other}123")
    for text in (f"BA{one}123", f"BA{other}123"):
        answer = pair(read(text, 1.0), cars)
        assert isinstance(answer, Ambiguous)
        assert (len(answer.candidates), answer.why) == (2, Why.TOO_ALIKE)


def test_a_plate_that_is_inside_twice_is_never_told_apart() -> None:
    answer = pair(read("BAB123", 1.0), inside("BAB123", "KLM555", "BAB123"))
    assert isinstance(answer, Ambiguous)
    assert answer.why is Why.TWICE_INSIDE


def test_two_cars_of_a_fleet_with_numbers_in_a_row_are_told_apart() -> None:
    cars = inside(*(f"MAB100{n}" for n in (3, 4, 9)))
    assert pair(read("MAB1003"), cars) == Paired(session=UUID(int=0), distance=0)
    assert isinstance(pair(read("MABI004"), cars), Paired)


def test_a_read_with_a_low_score_never_pairs_by_itself() -> None:
    answer = pair(read("BAB123", 0.49), inside("BAB123"))
    assert isinstance(answer, Ambiguous)
    assert answer.why is Why.LOW_SCORE


def test_a_low_score_at_entry_is_made_good_by_an_exact_read_only() -> None:
    cars = inside("BAB123", score=0.3)
    assert isinstance(pair(read("BAB123"), cars), Paired)
    assert isinstance(pair(read("BA8123"), cars), Ambiguous)


def test_two_sure_reads_that_differ_are_two_cars_until_a_person_says_otherwise() -> None:
    cars = inside("BAB123", score=0.93)
    answer = pair(read("BA8123", 0.92), cars)
    assert isinstance(answer, Ambiguous)
    assert answer.why is Why.BOTH_SURE
    assert isinstance(pair(read("BA8123", 0.89), cars), Paired)
    assert isinstance(pair(read("BAB123", 0.99), cars), Paired)


def test_cyrillic_letters_are_their_latin_twins() -> None:
    assert isinstance(pair(read("А123ВС77"), inside("A123BC77")), Paired)


@given(PLATES, PLATES, PLATES)
def test_distance_is_a_metric(a: str, b: str, c: str) -> None:
    assert distance(a, b) == pytest.approx(distance(b, a))
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9


@given(PLATES, PLATES, PLATES, st.lists(PLATES, max_size=5))
def test_of_two_cars_nearer_to_each_other_than_apart_none_is_ever_paired(
    one: str, other: str, seen: str, others: list[str]
) -> None:
    answer = pair(read(seen, 1.0), inside(one, other, *others))
    if distance(one, other) < APART and isinstance(answer, Paired):
        assert answer.session not in {UUID(int=0), UUID(int=1)}


def wrong_pairings(rule: Rule, seed: int, pairs: int = 5000) -> int:
    """Of so many garages that hold two cars one confusable character apart, how often the other's session
    is taken."""
    chance, wrong = random.Random(seed), 0
    for _ in range(pairs):
        true = plate(chance)
        other = confused(true, chance)
        cars = inside(true, other)
        seen = chance.choice((true, confused(true, chance), misread(true, chance)))
        answer = rule(read(seen, chance.uniform(0.5, 1.0)), cars)
        wrong += other != true and isinstance(answer, Paired) and answer.session != UUID(int=0)
    return wrong


def flat_tolerance(seen: PlateRead, cars: Sequence[Inside]) -> Pairing:
    """The mutant: whoever is nearest, with up to one character of difference."""

    def changes(a: str, b: str) -> int:
        return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))

    nearest = min(cars, key=lambda one: changes(one.read.text, seen.text))
    if changes(nearest.read.text, seen.text) <= 1:
        return Paired(session=nearest.session, distance=0)
    return Unpaired(nearest=())


def test_no_car_of_5000_near_pairs_is_taken_for_the_other() -> None:
    assert wrong_pairings(pair, seed=4) == 0


def test_a_flat_tolerance_of_one_character_would_be_noticed() -> None:
    assert wrong_pairings(flat_tolerance, seed=4) > 100


def test_97_of_100_leave_a_full_garage_without_a_person_and_none_as_another() -> None:
    chance = random.Random(200)
    parked = [plate(chance) for _ in range(200)]
    settled = wrong = 0
    exits = 2000
    for _ in range(exits):
        cars = inside(*(misread(one, chance) if chance.random() < 0.03 else one for one in parked))
        leaving = chance.randrange(len(parked))
        true = parked[leaving]
        seen = misread(true, chance) if chance.random() < 0.03 else true
        answer = pair(read(seen), cars)
        settled += isinstance(answer, Paired)
        wrong += isinstance(answer, Paired) and answer.session != UUID(int=leaving)
        parked[leaving] = plate(chance)
    assert wrong == 0
    assert settled / exits >= 0.97
