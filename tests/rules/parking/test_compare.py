"""A tariff's price over time, and two tariffs on the same past sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.money import Money
from postern.parking.compare import PastSession, PricePoint, compare, price_series
from postern.parking.quote import quote
from postern.parking.tariff import Basis, Calendar
from postern.parking.tariff_data import load_tariff
from tests.rules.parking.drawn_tariffs import MINUTE, MOMENTS, calendars, tariffs

BERLIN = Calendar(time_zone=ZoneInfo("Europe/Berlin"))
NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)


def hourly(price: str, free: int = 0):
    return load_tariff(
        "{id: a, name: A, currency: EUR, vat_percent: 19, grace_after_paying: 15 min, vehicle_classes: [car],"
        " periods: [{from: 2025-01-01, day_cap: {label: Most, amount: 5.00},"
        f" lines: [{{label: Hour, price: {price}, each: 60 min, free: {free} min}}]}}]}}"
    )


def test_a_series_has_a_point_at_each_change() -> None:
    basis = Basis(tariff=hourly("2.00", free=15), calendar=BERLIN, vehicle_class="car")
    found = price_series(basis, entered=NOON, length=timedelta(hours=8))
    amounts = [(point.minutes, point.amount.amount) for point in found]
    assert amounts == [(0, 0), (15, 200), (60, 400), (120, 500)]


def test_without_free_minutes_the_first_point_is_the_first_unit() -> None:
    basis = Basis(tariff=hourly("2.00"), calendar=BERLIN, vehicle_class="car")
    found = price_series(basis, entered=NOON, length=timedelta(minutes=30))
    assert found == (PricePoint(minutes=0, amount=Money(200, "EUR")),)


@given(tariffs(), calendars(), MOMENTS, st.integers(1, 3000))
@settings(max_examples=100, deadline=None)
def test_a_series_says_what_a_quote_says(tariff, calendar, entered, minutes) -> None:
    basis = Basis(tariff=tariff, calendar=calendar, vehicle_class="car")
    found = price_series(basis, entered=entered, length=timedelta(minutes=3000))
    now = [point.amount for point in found if point.minutes < minutes][-1]
    at = entered + minutes * MINUTE
    assert now == quote(tariff, entered=entered, at=at, vehicle_class="car", calendar=calendar).total


def test_nothing_compared_is_nothing_changed() -> None:
    found = compare(hourly("2.00"), hourly("1.00"), [], BERLIN)
    assert (found.before, found.after) == (Money.zero("EUR"), Money.zero("EUR"))
    assert found.winners == found.losers == found.same == 0


def test_winners_and_losers_are_told_apart() -> None:
    def past(hours: float) -> PastSession:
        return PastSession(entered=NOON, left=NOON + timedelta(hours=hours), vehicle_class="car")

    sessions = [past(0.2), past(1), past(2), past(3)]
    found = compare(hourly("2.00", free=15), hourly("2.50"), sessions, BERLIN)
    assert (found.before.amount, found.after.amount) == (0 + 200 + 400 + 500, 250 + 250 + 500 + 500)
    assert (found.winners, found.losers, found.same) == (0, 3, 1)
    assert [one.difference.amount for one in found.greatest_rises] == [250, 100, 50]
    back = compare(hourly("2.50"), hourly("2.00", free=15), sessions, BERLIN)
    assert (back.winners, back.losers) == (3, 0)
    assert [one.difference.amount for one in back.greatest_savings] == [-250, -100, -50]


def test_two_currencies_are_not_compared() -> None:
    other = load_tariff(
        "{id: a, name: A, currency: CHF, vat_percent: 8.1, grace_after_paying: 15 min,"
        " vehicle_classes: [car],"
        " periods: [{from: 2025-01-01, lines: [{label: Hour, price: 1.00, each: 60 min}]}]}"
    )
    past = PastSession(entered=NOON, left=NOON + timedelta(hours=1), vehicle_class="car")
    with pytest.raises(ValueError, match="CHF and EUR"):
        compare(hourly("2.00"), other, [past], BERLIN)
