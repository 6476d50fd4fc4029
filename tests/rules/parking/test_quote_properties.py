"""What holds for every tariff, in every zone whose clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.money import Money, total
from postern.parking.quote import Quote, quote
from postern.parking.tariff import Calendar, Tariff
from postern.parking.tariff_data import demo_tariff, dump_tariff, load_tariff
from tests.rules.parking.drawn_tariffs import (
    CLASSES,
    MINUTE,
    MOMENTS,
    calendars,
    plain_price,
    tariffs,
    zones_that_change,
)

LENGTHS = st.integers(0, 4 * 1440).map(lambda n: n * MINUTE)
DAY = timedelta(days=1)


def asked(tariff: Tariff, calendar: Calendar, entered: datetime, length: timedelta) -> Quote:
    return quote(tariff, entered=entered, at=entered + length, vehicle_class="car", calendar=calendar)


@given(tariffs(), calendars(), MOMENTS, LENGTHS, LENGTHS)
@settings(max_examples=300, deadline=None)
def test_a_price_is_never_negative_never_falls_and_its_lines_add_up(
    tariff: Tariff, calendar: Calendar, entered: datetime, sooner: timedelta, more: timedelta
) -> None:
    first, second = (asked(tariff, calendar, entered, one) for one in (sooner, sooner + more))
    assert Money.zero("EUR") <= first.total <= second.total
    for one in (first, second):
        assert total([line.amount for line in one.lines], "EUR") == one.total
        assert Money.zero("EUR") <= one.vat <= one.total
        assert one.total.amount % tariff.rounding.to == 0


@given(tariffs(), calendars(), MOMENTS, LENGTHS)
@settings(max_examples=150, deadline=None)
def test_a_price_is_what_counting_unit_by_unit_gives(
    tariff: Tariff, calendar: Calendar, entered: datetime, length: timedelta
) -> None:
    plain = Money(plain_price(tariff, calendar, entered, entered + length), "EUR")
    assert asked(tariff, calendar, entered, length).total == tariff.rounding.of(plain)


@given(tariffs(), calendars(), MOMENTS, st.integers(1, 1440), st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_caps_hold(tariff: Tariff, calendar: Calendar, entered: datetime, minutes: int, days: int) -> None:
    price = asked(tariff, calendar, entered, minutes * MINUTE).total
    ends = entered + minutes * MINUTE
    shown = [at.astimezone(calendar.time_zone).date() for at in (entered, ends - MINUTE)]
    first = [one for one in tariff.periods if one.first <= shown[0]][-1]
    last = [one for one in tariff.periods if one.first <= shown[1]][-1]
    if shown[0] == shown[1] and first.day_cap is not None:
        assert price <= first.day_cap.amount
    caps = [one.cap_24h for one in (first, last)]
    if first is last and caps[0] is not None:
        assert price <= caps[0].amount
        longest = asked(tariff, calendar, entered, days * DAY).total
        if all(one.cap_24h is not None for one in tariff.periods):
            most = max(one.cap_24h.amount.amount for one in tariff.periods if one.cap_24h is not None)
            assert longest.amount <= days * most


@given(tariffs())
@settings(max_examples=60, deadline=None)
def test_every_tariff_is_read_back_as_it_was_written(tariff: Tariff) -> None:
    assert load_tariff(dump_tariff(tariff)) == tariff


@given(tariffs(), calendars(), MOMENTS, LENGTHS)
@settings(max_examples=50, deadline=None)
def test_a_price_does_not_depend_on_how_the_moments_are_written(
    tariff: Tariff, calendar: Calendar, entered: datetime, length: timedelta
) -> None:
    local = entered.astimezone(calendar.time_zone)
    assert asked(tariff, calendar, local, length).total == asked(tariff, calendar, entered, length).total


def changes_of(zone: ZoneInfo) -> list[datetime]:
    """The hours of 2026 after which the zone's offset is another."""
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + n * timedelta(hours=1) for n in range(8760)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hour for hour, (one, other) in zip(hours, pairwise(offsets), strict=False) if one != other]


@pytest.mark.parametrize("name", zones_that_change())
def test_over_every_change_of_clocks_no_price_falls_and_no_hour_is_asked_twice(name: str) -> None:
    zone, tariff = ZoneInfo(name), demo_tariff()
    calendar, hourly = Calendar(time_zone=zone), load_tariff(HOURLY)
    for change in changes_of(zone)[:2]:
        entered = change - timedelta(hours=3)
        lengths = [n * timedelta(minutes=20) for n in range(28)]
        prices = [asked(tariff, calendar, entered, length).total for length in lengths]
        assert prices == sorted(prices)
        for length in lengths:
            hours = -(-length // timedelta(hours=1))
            assert asked(hourly, calendar, entered, length).total == Money(100 * hours, "EUR")


HOURLY = """\
id: hourly
name: Hourly
currency: EUR
vat_percent: 19
grace_after_paying: 15 min
vehicle_classes: [car]
periods:
  - from: 2020-01-01
    lines: [{label: Hour, price: 1.00, each: 60 min}]
"""


def test_every_zone_that_changes_is_among_them() -> None:
    assert {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"} <= set(
        zones_that_change()
    )
    assert len(zones_that_change()) > 100
    assert CLASSES[0] == "car"
