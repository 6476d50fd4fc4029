"""Prices in words and pictures: what a tariff costs over time, and where its text is wrong; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.errors import BadInput
from postern.money import Money, exponent
from postern.parking.quote import ROUNDING, Quote, quote
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
class Step:
    """From `after` on a stay costs `price`, up to the next step."""

    after: timedelta
    price: Money


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


def steps(basis: Basis, entered: datetime, until: timedelta) -> tuple[Step, ...]:
    """Every change of the price up to `until`, to the minute.

    A price never falls as time passes: where it is the same at both ends, it does not change in between.
    """
    first = Step(after=timedelta(0), price=price_at(basis, entered, timedelta(0)))
    last = Step(after=until, price=price_at(basis, entered, until))
    return (first, *_between(basis, entered, first, last))


def _between(basis: Basis, entered: datetime, first: Step, last: Step) -> list[Step]:
    if first.price == last.price:
        return []
    if last.after - first.after <= MINUTE:
        return [last]
    half = (first.after + last.after) // 2 // MINUTE * MINUTE
    middle = Step(after=half, price=price_at(basis, entered, half))
    return _between(basis, entered, first, middle) + _between(basis, entered, middle, last)


def price_chart(tariffs: Sequence[tuple[str, Basis]], entered: datetime, until: timedelta, t: Words) -> Chart:
    """The price over time under each tariff, as steps. All have one currency."""
    currency = tariffs[0][1].tariff.currency
    hours = until / HOUR
    every = next(one for one in (1, 2, 4, 6, 12, 24, 48, 96, 168) if hours / one <= 8)
    unit = 10 ** exponent(currency)
    series = [
        (name, [(one.after / HOUR, one.price.amount / unit) for one in steps(basis, entered, until)])
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
    return tuple(
        QuoteRow(
            label=t("price.rounding") if line.unit == ROUNDING else line.label,
            units=units_words(line.quantity, line.unit, t),
            amount=line.amount.text(t.language),
            less=line.amount.amount < 0,
        )
        for line in found.lines
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
