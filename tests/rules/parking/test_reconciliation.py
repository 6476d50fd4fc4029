"""A day's three views agree, or each difference says what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.money import Money
from postern.parking.reconciliation import (
    DayFacts,
    DifferenceKind,
    Passages,
    Sum,
    Unpaid,
    Vehicles,
    reconcile,
)
from postern.parking.reconciliation_words import EN, ZH


def euro(cents: int) -> Money:
    return Money(cents, "EUR")


def sums(*pairs: tuple[str, int]) -> tuple[Sum, ...]:
    return tuple(Sum(reference=reference, amount=euro(cents)) for reference, cents in pairs)


QUIET = DayFacts(
    day=date(2026, 3, 4),
    currency="EUR",
    listed=(),
    booked=(),
    unpaid=(),
    inward=Passages(through=0),
    outward=Passages(through=0),
    vehicles=Vehicles(inside_before=0, began=0, ended=0, inside_after=0),
)
BUSY = replace(
    QUIET,
    listed=sums(("a", 500), ("b", 300), ("b", -300)),
    booked=sums(("a", 500), ("b", 0)),
    inward=Passages(through=10),
    outward=Passages(through=8),
    vehicles=Vehicles(inside_before=3, began=10, ended=8, inside_after=5, counted=5),
)


def kinds(facts: DayFacts) -> list[str]:
    return [one.kind.value for one in reconcile(facts).differences]


def test_a_day_without_anything_is_in_order() -> None:
    found = reconcile(QUIET)
    assert found.in_order
    assert (found.differences, found.listed) == ((), euro(0))


def test_a_day_on_which_all_agree_is_in_order() -> None:
    assert reconcile(BUSY).differences == ()


@pytest.mark.parametrize(
    ("listed", "kind", "amount"),
    [
        (sums(("a", 500), ("b", 0), ("c", 700)), "not-booked", 700),
        (sums(("b", 0)), "not-listed", 500),
        (sums(("a", 400), ("b", 0)), "other-amount", -100),
        (sums(("a", 500), ("a", 500), ("b", 0)), "listed-twice", 500),
    ],
)
def test_money_that_does_not_agree_is_named_by_its_reference(listed, kind: str, amount: int) -> None:
    (found,) = reconcile(replace(BUSY, listed=listed)).differences
    assert (found.kind.value, found.amount) == (kind, euro(amount))
    assert found.reference in found.words()
    assert not found.is_explained


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inward": Passages(through=12)}, ["entry-without-session"]),
        ({"inward": Passages(through=9)}, ["session-without-entry"]),
        ({"outward": Passages(through=9)}, ["exit-without-session"]),
        ({"outward": Passages(through=7)}, ["session-without-exit"]),
        ({"inward": Passages(through=12, read_twice=2)}, ["read-twice"]),
        ({"outward": Passages(through=9, in_doubt=1)}, ["in-doubt"]),
        ({"vehicles": replace(BUSY.vehicles, counted=4)}, ["fewer-counted"]),
        ({"vehicles": replace(BUSY.vehicles, counted=7)}, ["more-counted"]),
        ({"vehicles": replace(BUSY.vehicles, counted=None)}, []),
        ({"vehicles": replace(BUSY.vehicles, inside_before=4)}, ["inside-does-not-add-up"]),
        ({"vehicles": replace(BUSY.vehicles, inside_before=4, given_up=1)}, ["given-up"]),
    ],
)
def test_vehicles_that_do_not_agree_are_told_by_kind(change, expected: list[str]) -> None:
    assert kinds(replace(BUSY, **change)) == expected


def test_who_left_unpaid_is_explained_and_still_told() -> None:
    found = reconcile(replace(BUSY, unpaid=(Unpaid(session=UUID(int=1), amount=euro(250)),)))
    assert found.in_order
    assert found.unpaid == euro(250)
    assert found.differences[0].words() == (
        "€2.50 are owed by a vehicle that left. Its case says what was tried."
    )


def test_what_must_be_looked_into_comes_first() -> None:
    facts = replace(BUSY, inward=Passages(through=13, read_twice=2))
    assert kinds(facts) == ["entry-without-session", "read-twice"]
    assert not reconcile(facts).in_order


@pytest.mark.parametrize("kind", DifferenceKind)
def test_every_difference_has_words_in_both_languages(kind: DifferenceKind) -> None:
    assert EN[kind.value]
    assert ZH[kind.value]
    assert EN.keys() == ZH.keys() == {one.value for one in DifferenceKind}


COUNTS = st.integers(0, 20)
MONEY = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 5)), max_size=5)


@given(MONEY, MONEY, st.tuples(*[COUNTS] * 6))
def test_in_order_means_that_money_and_vehicles_agree(theirs, ours, counts) -> None:
    came, went, began, ended, before, after = counts
    facts = replace(
        QUIET,
        listed=sums(*theirs),
        booked=sums(*ours),
        inward=Passages(through=came),
        outward=Passages(through=went),
        vehicles=Vehicles(inside_before=before, began=began, ended=ended, inside_after=after),
    )
    found = reconcile(facts)
    agrees = (came, went, before + began - ended) == (began, ended, after)
    if found.in_order:
        assert agrees
        assert found.listed == found.booked
    if agrees and sorted(theirs) == sorted(ours):
        assert found.in_order
