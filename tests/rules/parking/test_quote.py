"""What a quote refuses, and the odd corners that its docstring promises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from postern.errors import BadInput
from postern.money import Money
from postern.parking.quote import price_of_first, quote
from postern.parking.tariff import Calendar, Rounding, RoundingMode
from postern.parking.tariff_data import load_tariff

BERLIN = Calendar(time_zone=ZoneInfo("Europe/Berlin"))
NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)


def tariff(lines: str, more: str = "", first: str = "2025-01-01"):
    return load_tariff(
        f"{{id: a, name: A, currency: EUR, vat_percent: 19, grace_after_paying: 15 min, {more}"
        f" vehicle_classes: [car], periods: [{{from: {first}, lines: [{lines}]}}]}}"
    )


HOURLY = tariff("{label: Hour, price: 1.00, each: 60 min}")


def asked(of, entered: datetime, length: timedelta, calendar: Calendar = BERLIN):
    return quote(of, entered=entered, at=entered + length, vehicle_class="car", calendar=calendar)


def test_a_clock_that_was_set_back_is_named() -> None:
    with pytest.raises(BadInput, match="before the entry"):
        asked(HOURLY, NOON, -HOUR)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        asked(HOURLY, NOON.replace(tzinfo=None), HOUR)


def test_an_unknown_vehicle_class_is_refused() -> None:
    with pytest.raises(BadInput, match="no vehicle class 'bus'; it has car"):
        quote(HOURLY, entered=NOON, at=NOON, vehicle_class="bus", calendar=BERLIN)


def test_a_day_before_the_first_period_is_refused() -> None:
    with pytest.raises(BadInput, match="no prices for 2024-12-31"):
        asked(HOURLY, datetime(2024, 12, 31, 12, tzinfo=UTC), HOUR)


def test_tax_is_included_and_rounded_once() -> None:
    found = asked(HOURLY, NOON, 3 * HOUR)
    assert (found.total, found.vat) == (Money(300, "EUR"), Money(48, "EUR"))


@pytest.mark.parametrize(("mode", "total"), [("down", 200), ("nearest", 250), ("up", 250)])
def test_totals_are_rounded_as_the_tariff_says_and_a_line_says_so(mode: str, total: int) -> None:
    priced = tariff("{label: Hour, price: 0.75, each: 60 min}", f"rounding: {{to: 0.50, mode: {mode}}},")
    found = asked(priced, NOON, 3 * HOUR)
    assert found.total == Money(total, "EUR")
    assert found.lines[-1].unit == "rounding"
    assert found.lines[-1].amount == Money(total - 225, "EUR")


def test_half_a_coin_is_rounded_up_by_nearest_and_less_is_not() -> None:
    rounding = Rounding(to=10, mode=RoundingMode.NEAREST)
    assert [rounding.of(Money(n, "EUR")).amount for n in (14, 15, 16)] == [10, 20, 20]


def test_a_flat_price_whose_edge_the_wall_shows_twice_is_asked_once() -> None:
    """On 25 October 2026 in Berlin the wall shows 02:00 to 03:00 twice; the night ends at 02:30."""
    night = tariff(
        "{label: Quarter, price: 0.10, each: 15 min},"
        ' {label: Night, price: 5.00, each: span, when: [{days: sun, hours: "01:00-02:30"}]}'
    )
    entered = datetime(2026, 10, 24, 23, tzinfo=UTC)
    found = asked(night, entered, 4 * HOUR)
    assert [(line.label, line.quantity, line.amount.amount) for line in found.lines] == [
        ("Night", 1, 500),
        ("Quarter", 2 + 6, 80),
    ]


def test_a_flat_price_that_ends_in_the_hour_never_shown_ends_when_the_clock_jumps() -> None:
    night = tariff(
        "{label: Hour, price: 1.00, each: 60 min},"
        ' {label: Night, price: 5.00, each: span, when: [{days: sun, hours: "01:00-02:30"}]}'
    )
    entered = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert asked(night, entered, timedelta(minutes=30)).total == Money(500, "EUR")
    assert asked(night, entered, timedelta(minutes=31)).total == Money(600, "EUR")


def test_where_midnight_is_never_shown_the_day_begins_when_the_clock_has_jumped() -> None:
    """In Cairo the clock went from 24:00 to 01:00 on 26 April 2024."""
    cairo = Calendar(time_zone=ZoneInfo("Africa/Cairo"))
    daily = tariff("{label: Day, price: 8.00, each: span}", first="2024-01-01")
    entered = datetime(2024, 4, 25, 20, tzinfo=UTC)
    assert asked(daily, entered, timedelta(hours=2), cairo).total == Money(800, "EUR")
    assert asked(daily, entered, timedelta(hours=2, minutes=1), cairo).total == Money(1600, "EUR")


def test_a_month_by_the_hour_has_as_many_hours_as_passed() -> None:
    found = asked(HOURLY, datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=31))
    assert (found.lines[0].quantity, found.total) == (31 * 24, Money(31 * 2400, "EUR"))


def test_the_price_of_the_first_minutes_is_what_it_cost_then() -> None:
    found = asked(HOURLY, NOON, 5 * HOUR)
    assert price_of_first(found, timedelta(minutes=90)) == Money(200, "EUR")
    assert price_of_first(found, timedelta(days=9)) == found.total


def test_a_lower_cap_from_the_next_day_on_gives_nothing_back() -> None:
    text = """
id: a
name: A
currency: EUR
vat_percent: 0
grace_after_paying: 15 min
vehicle_classes: [car]
periods:
  - {from: 2026-01-01, to: 2026-03-04, lines: [{label: Hour, price: 3.00, each: 60 min}]}
  - from: 2026-03-05
    cap_24h: {label: Most, amount: 5.00}
    lines: [{label: Hour, price: 3.00, each: 60 min}]
"""
    eve = datetime(2026, 3, 4, 18, tzinfo=UTC)
    prices = [asked(load_tariff(text), eve, n * HOUR).total.amount for n in range(26)]
    assert prices == sorted(prices)
    assert (prices[5], prices[24], prices[25]) == (1500, 1500, 1800)
    assert load_tariff(text).vat_percent == Decimal(0)
    assert date(2026, 3, 5) == load_tariff(text).periods[1].first
