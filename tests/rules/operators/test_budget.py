"""Budgets and unusual looking: pure rules, each with its empty case first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.operators.budget import KEPT, LIMITS, Spent, spent, used
from postern.operators.concerns import Concern
from postern.operators.unusual import THRESHOLDS, Looking, Opened, is_night, unusual

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
AN_HOUR, A_DAY = LIMITS


def subjects(count: int, first: int = 0) -> frozenset[bytes]:
    return frozenset(n.to_bytes(2) for n in range(first, first + count))


def at(then: datetime, wanted: frozenset[bytes]) -> dict[bytes, datetime]:
    return dict.fromkeys(wanted, then)


def test_nothing_asked_for_spends_nothing_even_of_an_empty_budget() -> None:
    assert spent(at(NOON, subjects(60)), frozenset(), NOON) is None


def test_the_first_twenty_are_free_and_one_more_is_not() -> None:
    assert spent({}, subjects(20), NOON) is None
    assert spent({}, subjects(21), NOON) == Spent(limit=AN_HOUR, free_at=NOON + timedelta(hours=1))
    assert spent(at(NOON, subjects(20)), subjects(20), NOON) is None  # the same ones again


def test_an_hour_later_there_are_twenty_more_until_the_day_has_sixty() -> None:
    opened: dict[bytes, datetime] = {}
    for hours in range(3):
        now = NOON + timedelta(hours=hours)
        wanted = subjects(20, first=20 * hours)
        assert spent(opened, wanted, now) is None
        opened |= at(now, wanted)
    last = NOON + timedelta(hours=4)
    assert spent(opened, subjects(1, first=60), last) == Spent(limit=A_DAY, free_at=NOON + KEPT)
    assert spent(opened, subjects(1, first=60), NOON + KEPT) is None


def test_a_clock_that_was_set_back_frees_nothing() -> None:
    later = NOON + timedelta(hours=5)
    assert spent(at(later, subjects(20)), subjects(1, first=20), NOON) is not None


steps = st.lists(
    st.tuples(st.integers(0, 90), st.frozensets(st.integers(0, 99), max_size=25)), min_size=1, max_size=40
)


@given(steps)
def test_no_window_ever_holds_more_than_its_limit(steps: list[tuple[int, frozenset[int]]]) -> None:
    opened: dict[bytes, datetime] = {}
    history: list[tuple[datetime, frozenset[bytes]]] = []
    now = NOON
    for minutes, numbers in steps:
        now += timedelta(minutes=minutes)
        wanted = frozenset(n.to_bytes(2) for n in numbers)
        if spent(opened, wanted, now) is None:
            opened |= at(now, wanted)
            history.append((now, wanted))
        for limit in LIMITS:
            within = [found for then, found in history if then > now - limit.within]
            assert len(frozenset[bytes]().union(*within)) <= limit.subjects
            assert used(opened, limit, now) <= limit.subjects


def looking(
    *opened: Opened, name: str = "gil", then: datetime = NOON, names: tuple[str, ...] = ()
) -> Looking:
    return Looking(login_name=name, at=then, opened=opened, names=names)


def test_who_opened_nothing_is_never_unusual() -> None:
    midnight = NOON.replace(hour=0)
    assert unusual(looking(then=midnight, name="ada.nowak", names=("Ada Nowak",))) == frozenset()


def test_an_ordinary_hour_is_not_unusual() -> None:
    assert unusual(looking(*[Opened(at=NOON, looks=2)] * 15)) == frozenset()


def test_almost_at_a_limit_is_told() -> None:
    assert unusual(looking(*[Opened(at=NOON, looks=0)] * THRESHOLDS.near_an_hour)) == {Concern.NEAR_LIMIT}
    earlier = Opened(at=NOON - timedelta(hours=9), looks=0)
    assert unusual(looking(*[earlier] * THRESHOLDS.near_a_day)) == {Concern.NEAR_LIMIT}
    assert unusual(looking(*[earlier] * THRESHOLDS.near_an_hour)) == frozenset()


@pytest.mark.parametrize(("hour", "night"), [(21, False), (22, True), (0, True), (4, True), (5, False)])
def test_the_night_goes_over_midnight(hour: int, night: bool) -> None:
    then = NOON.replace(hour=hour)
    assert is_night(then) == night
    three = [Opened(at=then, looks=1)] * 3
    assert unusual(looking(*three, then=then)) == ({Concern.AT_NIGHT} if night else frozenset())
    assert unusual(looking(*three[:2], then=then)) == frozenset()


def test_the_same_subject_over_and_over_without_a_case_is_told() -> None:
    assert unusual(looking(Opened(at=NOON, looks=4))) == frozenset()
    assert unusual(looking(Opened(at=NOON, looks=5))) == {Concern.AGAIN_AND_AGAIN}


@pytest.mark.parametrize(
    ("login_name", "name", "told"),
    [
        ("ada.nowak", "Bruno NOWAK", True),
        ("nowak@example.org", "Nowak, Ada", True),
        ("ada.nowak", "Bruno Keller", False),
        ("a.li", "Li Wei", False),  # two letters are everybody's
        ("周明远", "周明远", True),
    ],
)
def test_somebody_of_ones_own_name_is_told(login_name: str, name: str, told: bool) -> None:
    found = unusual(looking(Opened(at=NOON, looks=1), name=login_name, names=(name,)))
    assert found == ({Concern.OWN_NAME} if told else frozenset())


def test_every_concern_has_words_in_both_languages() -> None:
    for concern in Concern:
        assert concern.words("en") != concern.words("zh-CN")
