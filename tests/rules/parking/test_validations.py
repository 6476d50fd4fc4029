"""Validations take off what is left, in a fixed order, and never make a price fall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.errors import BadInput
from postern.money import Money, total
from postern.parking.quote import Quote, quote
from postern.parking.tariff import Calendar
from postern.parking.tariff_data import load_tariff
from postern.parking.validations import Validation, ValidationKind, apply, shares
from tests.rules.parking.drawn_tariffs import MINUTE, MOMENTS, calendars, tariffs

HOURLY = load_tariff(
    "{id: a, name: A, currency: EUR, vat_percent: 19, grace_after_paying: 15 min, vehicle_classes: [car],"
    " periods: [{from: 2025-01-01, lines: [{label: Hour, price: 2.00, each: 60 min}]}]}"
)
NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)


def hours(count: float) -> Quote:
    calendar = Calendar(time_zone=ZoneInfo("Europe/Berlin"))
    at = NOON + timedelta(hours=count)
    return quote(HOURLY, entered=NOON, at=at, vehicle_class="car", calendar=calendar)


def given_by(merchant: str, kind: str, value: int = 0) -> Validation:
    number = sum(map(ord, merchant + kind)) * 1000 + value
    return Validation(
        id=UUID(int=number), merchant=merchant, kind=ValidationKind(kind), value=value, code=f"{merchant}-1"
    )


def test_without_validations_the_quote_stays_as_it_is() -> None:
    assert apply(hours(2), []) == hours(2)


@pytest.mark.parametrize(
    ("kind", "value", "left"),
    [
        ("minutes", 60, 400),
        ("minutes", 600, 0),
        ("amount", 250, 350),
        ("amount", 900, 0),
        ("percent", 50, 300),
        ("percent", 33, 402),
        ("percent", 100, 0),
        ("full", 0, 0),
    ],
)
def test_each_kind_takes_off_what_it_says(kind: str, value: int, left: int) -> None:
    found = apply(hours(3), [given_by("Cinema", kind, value)])
    assert found.total == Money(left, "EUR")
    assert found.lines[-1].label == "Cinema"
    assert found.lines[-1].amount == Money(left - 600, "EUR")
    assert found.vat == HOURLY.vat_in(found.total)


def test_minutes_come_before_amounts_and_those_before_per_cents() -> None:
    one, two, three = given_by("A", "percent", 50), given_by("B", "minutes", 60), given_by("C", "amount", 100)
    owed = {share.validation.merchant: share.amount.amount for share in shares(hours(3), [one, two, three])}
    assert owed == {"B": 200, "C": 100, "A": 150}


def test_the_same_validation_twice_counts_once() -> None:
    one = given_by("Cinema", "amount", 100)
    assert apply(hours(3), [one, one]).total == Money(500, "EUR")


def test_what_finds_nothing_left_adds_no_line() -> None:
    found = apply(hours(3), [given_by("Cinema", "amount", 600), given_by("Shop", "full")])
    assert [line.label for line in found.lines] == ["Hour", "Cinema"]


@pytest.mark.parametrize(
    ("kind", "value"), [("minutes", 0), ("amount", -5), ("percent", 101), ("percent", 0)]
)
def test_a_validation_worth_nothing_or_too_much_is_refused(kind: str, value: int) -> None:
    with pytest.raises(BadInput):
        given_by("Cinema", kind, value)


VALIDATIONS = st.lists(
    st.builds(
        Validation,
        id=st.uuids(),
        merchant=st.just("M"),
        kind=st.sampled_from([ValidationKind.MINUTES, ValidationKind.AMOUNT, ValidationKind.PERCENT]),
        value=st.integers(1, 100),
        code=st.just("c"),
    ),
    max_size=3,
)


@given(tariffs(), calendars(), MOMENTS, st.integers(0, 3000), st.integers(0, 500), VALIDATIONS, st.randoms())
@settings(max_examples=150, deadline=None)
def test_a_validated_price_is_never_negative_never_falls_and_no_order_changes_it(
    tariff, calendar, entered, sooner, more, validations, chance
) -> None:
    def asked(minutes: int) -> Quote:
        at = entered + minutes * MINUTE
        return quote(tariff, entered=entered, at=at, vehicle_class="car", calendar=calendar)

    first, second = (apply(asked(one), validations) for one in (sooner, sooner + more))
    assert Money.zero("EUR") <= first.total <= second.total
    assert total([line.amount for line in second.lines], "EUR") == second.total
    shuffled = chance.sample(validations, len(validations))
    assert apply(asked(sooner), shuffled).total == first.total
