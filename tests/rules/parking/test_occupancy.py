"""Counts per area, put right when the true number is known."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

from postern.errors import BadInput
from postern.ids import AreaId
from postern.parking.occupancy import MISSED_SHARE, Count, Drift, estimate, missed_share, passed, put_right

STREET, LOWER, UPPER = (AreaId(UUID(int=n)) for n in range(3))
AT = datetime(2026, 3, 4, tzinfo=UTC)


def cars(counts: dict[AreaId, Count]) -> list[int]:
    return [counts[area].cars for area in (LOWER, UPPER)]


def test_an_empty_garage_has_all_bays_free() -> None:
    found = estimate(Count(bays=30))
    assert (found.cars, found.free, found.fewest, found.most) == (0, 30, 0, 0)


def test_a_car_is_counted_where_it_is() -> None:
    counts = {LOWER: Count(bays=20), UPPER: Count(bays=10)}
    counts = passed(counts, out_of=STREET, into=LOWER)
    assert cars(counts) == [1, 0]
    counts = passed(counts, out_of=LOWER, into=UPPER)
    assert cars(counts) == [0, 1]
    counts = passed(counts, out_of=UPPER, into=STREET)
    assert cars(counts) == [0, 0]


def test_a_passage_within_an_area_changes_nothing() -> None:
    counts = {LOWER: Count(bays=20, cars=3)}
    assert passed(counts, out_of=LOWER, into=LOWER) == counts


def test_a_count_never_leaves_the_bays_and_says_that_something_was_missed() -> None:
    empty = passed({LOWER: Count(bays=2)}, out_of=LOWER, into=STREET)[LOWER]
    full = passed({LOWER: Count(bays=2, cars=2)}, out_of=STREET, into=LOWER)[LOWER]
    assert (empty.cars, empty.impossible) == (0, 1)
    assert (full.cars, full.impossible) == (2, 1)
    assert estimate(full).fewest < 2


def test_what_is_known_beats_what_was_counted() -> None:
    done = put_right(Count(bays=30, cars=12, passages=400, impossible=2), 9, AT)
    assert done.count == Count(bays=30, cars=9, known_at=AT)
    assert done.drift == Drift(at=AT, cars=3, passages=400)


@pytest.mark.parametrize("number", [-1, 31])
def test_a_number_that_cannot_be_is_refused(number: int) -> None:
    with pytest.raises(BadInput, match="30 bays cannot hold"):
        put_right(Count(bays=30), number, AT)


def test_without_drifts_one_passage_in_a_hundred_counts_as_missed() -> None:
    assert missed_share([]) == MISSED_SHARE


def test_an_area_s_own_drifts_are_believed_more_the_more_there_are() -> None:
    bad = [Drift(at=AT, cars=10, passages=1000)] * 5
    assert MISSED_SHARE < missed_share(bad[:1]) < missed_share(bad) < 0.1
    assert missed_share([Drift(at=AT, cars=900, passages=1)]) == 0.5


def test_the_true_number_lies_within_the_estimate_nearly_always() -> None:
    """Days of 600 passages of which one in a hundred is missed, in or out alike."""
    chance, within = random.Random(1), 0
    for _ in range(300):
        counts, true = {LOWER: Count(bays=500, cars=250)}, 250
        for _ in range(600):
            inward = chance.random() < 0.5
            true += 1 if inward else -1
            if chance.random() >= 0.01:
                ways = (STREET, LOWER) if inward else (LOWER, STREET)
                counts = passed(counts, out_of=ways[0], into=ways[1])
        found = estimate(counts[LOWER])
        within += found.fewest <= true <= found.most
    assert within / 300 >= 0.94
