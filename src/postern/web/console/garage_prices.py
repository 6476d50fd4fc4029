"""Prices in words and pictures: what a tariff costs over time, and where its text is wrong; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.errors import BadInput
from postern.money import Money, exponent
from postern.parking.compare import PricePoint, price_series
from postern.parking.quote import ROUNDING, Quote, QuoteLine, quote
from postern.parking.tariff import Basis, Tariff
from postern.web import charts
from postern.web.charts import Chart
from postern.web.i18n import Words

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MOMENTS = tuple(timedelta(minutes=one) for one in (15, 30, 60, 120, 240, 480, 720, 1440, 2880))
"""After which the table of a preview tells the price."""
_AROUND = 3
_NAMES_LINE = re.compile(r"Line (\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class TextLine:
    """A line of a tariff's text; `fault` is what is wrong there."""

    number: int
    text: str
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceRow:
    """What staying so long costs under each of the tariffs compared."""

    stay: str
    prices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteRow:
    """A line of a price in words."""

    label: str
    units: str
    amount: str
    less: bool


def price_at(basis: Basis, entered: datetime, stay: timedelta) -> Money:
    """What the stay costs."""
    return quoted(basis, entered, stay).total


def quoted(basis: Basis, entered: datetime, stay: timedelta) -> Quote:
    """The price with its lines."""
    return quote(
        basis.tariff,
        entered=entered,
        at=entered + stay,
        vehicle_class=basis.vehicle_class,
        calendar=basis.calendar,
    )


def price_chart(tariffs: Sequence[tuple[str, Basis]], entered: datetime, until: timedelta, t: Words) -> Chart:
    """The price over time under each tariff, as steps. All have one currency."""
    currency = tariffs[0][1].tariff.currency
    hours = until / HOUR
    every = next(one for one in (1, 2, 4, 6, 12, 24, 48, 96, 168) if hours / one <= 5)
    unit = 10 ** exponent(currency)
    series = [
        (
            name,
            [
                (one.minutes / 60, one.amount.amount / unit)
                for one in price_series(basis, entered=entered, length=until)
            ],
        )
        for name, basis in tariffs
    ]
    return charts.curves(
        series,
        span=(0.0, hours),
        x=[(float(at), stay_words(at * HOUR, t)) for at in range(0, int(hours) + 1, every)],
        words=lambda value: money_tick(value, currency, t),
    )


def money_tick(value: float, currency: str, t: Words) -> str:
    """A round amount on an axis, without its decimals where it has none."""
    money = Money(round(value * 10 ** exponent(currency)), currency)
    return money.text(t.language).removesuffix(".00")


def step_rows(
    bases: Sequence[Basis], entered: datetime, until: timedelta, t: Words, most: int
) -> tuple[PriceRow, ...]:
    """The price of every stay up to each moment at which one of the prices changes; at most so many rows."""
    found = [price_series(one, entered=entered, length=until) for one in bases]
    changes = sorted({point.minutes for points in found for point in points})
    ends = [*changes[1:], until / MINUTE]
    return tuple(
        PriceRow(
            stay=t("price.up-to", stay=stay_words(timedelta(minutes=end), t)),
            prices=tuple(_in_force(points, start).text(t.language) for points in found),
        )
        for start, end in list(zip(changes, ends, strict=True))[:most]
    )


def _in_force(points: Sequence[PricePoint], minutes: float) -> Money:
    return max((one for one in points if one.minutes <= minutes), key=lambda one: one.minutes).amount


def price_rows(
    bases: Sequence[Basis], entered: datetime, t: Words, moments: Sequence[timedelta] = MOMENTS
) -> tuple[PriceRow, ...]:
    """What some usual stays cost."""
    return tuple(
        PriceRow(
            stay=stay_words(stay, t),
            prices=tuple(price_at(one, entered, stay).text(t.language) for one in bases),
        )
        for stay in moments
    )


def quote_rows(found: Quote, t: Words) -> tuple[QuoteRow, ...]:
    """The lines of a price; labels are the operator's own."""
    return line_rows(found.lines, t)


def line_rows(lines: Sequence[QuoteLine], t: Words) -> tuple[QuoteRow, ...]:
    """Lines of a price or a receipt in words."""
    return tuple(
        QuoteRow(
            label=t("price.rounding") if line.unit == ROUNDING else line.label,
            units=units_words(line.quantity, line.unit, t),
            amount=line.amount.text(t.language),
            less=line.amount.amount < 0,
        )
        for line in lines
    )


def units_words(quantity: int, unit: str, t: Words) -> str:
    """`3 × 60 min`; what is no unit of time is said in words."""
    if unit.endswith(" min"):
        return t("price.units", n=quantity, unit=t("price.minutes", n=unit.removesuffix(" min")))
    return t.code("price", f"unit-{unit}")


def stay_words(stay: timedelta, t: Words) -> str:
    """A length of time as short as it can be said."""
    minutes = stay // MINUTE
    if minutes < 60:
        return t("price.minutes", n=minutes)
    if minutes % 60 == 0 and (minutes < 24 * 60 or minutes % (24 * 60)):
        return t("price.hours", n=minutes // 60)
    if minutes % (24 * 60) == 0:
        return t("price.days", n=minutes // (24 * 60))
    return t("price.hours-minutes", h=minutes // 60, m=minutes % 60)


def faulty_lines(text: str, fault: BadInput) -> tuple[TextLine, ...]:
    """The line that the fault names with those around it; nothing when it names none."""
    found = _NAMES_LINE.match(str(fault))
    lines = text.splitlines()
    if found is None or not 1 <= int(found[1]) <= len(lines):
        return ()
    wrong = int(found[1])
    first, last = max(1, wrong - _AROUND), min(len(lines), wrong + _AROUND)
    said = str(fault).partition(" ")[2].partition(" ")[2]
    return tuple(
        TextLine(number=number, text=lines[number - 1], fault=said if number == wrong else "")
        for number in range(first, last + 1)
    )


def periods_of(tariff: Tariff, t: Words) -> tuple[str, ...]:
    """From when to when each period is in force."""
    return tuple(
        t("price.from", first=t.day(one.first))
        if one.last is None
        else t("price.from-to", first=t.day(one.first), last=t.day(one.last))
        for one in tariff.periods
    )
