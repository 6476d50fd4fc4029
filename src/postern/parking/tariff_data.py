"""Tariffs as text that a garage manager can read and change: YAML, of which JSON is a part.

    id: old-town-2026
    name: Old town garage
    currency: EUR
    vat_percent: 19
    rounding: {to: 0.10, mode: down}          # left out: to the cent
    grace_after_paying: 15 min
    vehicle_classes: [car, motorcycle]
    periods:
      - from: 2026-01-01                      # to: is left out in the last period
        day_cap: {label: Most for one day, amount: 18.00}
        cap_24h: {label: Most for 24 hours, amount: 20.00}
        lines:
          - label: Each started hour
            price: 2.00
            each: 60 min
            free: 15 min                      # who leaves within them pays nothing
          - label: Night, flat
            when: [{days: mon-fri, hours: "20:00-06:00"}]
            price: 5.00
            each: span                        # one price for the whole span
          - label: Fair days
            when: [{days: special, hours: "08:00-22:00"}]
            vehicle_classes: [car]
            after: 60 min                     # only of the session's second hour and later
            until: 24 h
            price: 3.00
            each: 30 min
            cap: 9.00                         # the most that this line costs in one span

Every scalar is read as text, so that an amount is never a float. What cannot be used is a BadInput that
names the line of the text and says what to do.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from importlib.resources import files

from postern.access.model import DaySpan
from postern.money import Money, exponent, parse
from postern.parking.tariff import EVERY_DAY, Cap, Period, Rounding, RoundingMode, Tariff, TariffLine, When
from postern.parking.tariff_check import WrittenPeriod, check, check_caps
from postern.parking.tariff_text import Entry, read_text, written

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LENGTH = re.compile(r"([0-9]{1,6}) ?(min|h|d)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?[-–] ?([0-9]{1,2}):([0-9]{2})")
_TARIFF = ("id", "name", "currency", "vat_percent", "grace_after_paying", "vehicle_classes", "periods")
_LINE = ("label", "price", "each")
_LINE_MAY = ("when", "vehicle_classes", "free", "after", "until", "cap")
_LONGEST_STEP = timedelta(days=31)


def load_tariff(text: str) -> Tariff:
    """The tariff that the text describes. Raises BadInput that names the line and what to do."""
    top = read_text(text).mapping(needs=_TARIFF, may=("rounding",))
    currency = top["currency"].text()
    with top["currency"].naming():
        exponent(currency)
    classes = tuple(one.text() for one in top["vehicle_classes"].items())
    if len(set(classes)) < len(classes):
        raise top["vehicle_classes"].fault("a vehicle class is given twice; leave one of them out")
    periods = [_period(one, currency, classes) for one in top["periods"].items()]
    check(periods, classes)
    rounding = _rounding(top["rounding"], currency) if "rounding" in top else Rounding()
    check_caps(periods, rounding.to)
    return Tariff(
        id=top["id"].text(),
        name=top["name"].text(),
        currency=currency,
        vat_percent=_percent(top["vat_percent"]),
        rounding=rounding,
        grace_after_paying=_length(top["grace_after_paying"]),
        vehicle_classes=classes,
        periods=tuple(one.period for one in periods),
    )


def dump_tariff(tariff: Tariff) -> str:
    """The tariff as text that `load_tariff` reads back as the same."""
    rounding = {"to": Money(tariff.rounding.to, tariff.currency).plain(), "mode": str(tariff.rounding.mode)}
    return written(
        {
            "id": tariff.id,
            "name": tariff.name,
            "currency": tariff.currency,
            "vat_percent": f"{tariff.vat_percent:f}",
            **({"rounding": rounding} if tariff.rounding != Rounding() else {}),
            "grace_after_paying": _length_text(tariff.grace_after_paying),
            "vehicle_classes": list(tariff.vehicle_classes),
            "periods": [_period_values(one) for one in tariff.periods],
        }
    )


def demo_tariff() -> Tariff:
    """The prices of the demo garage."""
    return load_tariff(files("postern.parking").joinpath("demo_tariff.yaml").read_text("utf-8"))


def _period(entry: Entry, currency: str, classes: tuple[str, ...]) -> WrittenPeriod:
    given = entry.mapping(needs=("from", "lines"), may=("to", "day_cap", "cap_24h"))
    first = _date(given["from"])
    last = _date(given["to"]) if "to" in given else None
    if last is not None and last < first:
        raise given["to"].fault("a period may not end before it begins; change from or to")
    lines = given["lines"].items()
    period = Period(
        first=first,
        last=last,
        lines=tuple(_line(one, currency, classes) for one in lines),
        day_cap=_cap(given["day_cap"], currency) if "day_cap" in given else None,
        cap_24h=_cap(given["cap_24h"], currency) if "cap_24h" in given else None,
    )
    return WrittenPeriod(period=period, entry=entry, lines=tuple(lines))


def _line(entry: Entry, currency: str, classes: tuple[str, ...]) -> TariffLine:
    given = entry.mapping(needs=_LINE, may=_LINE_MAY)
    line = TariffLine(
        label=given["label"].text(),
        price=_amount(given["price"], currency),
        step=None if given["each"].text() == "span" else _step(given["each"]),
        when=tuple(_when(one) for one in given["when"].items()) if "when" in given else (),
        vehicle_classes=_chosen(given["vehicle_classes"], classes)
        if "vehicle_classes" in given
        else frozenset(),
        free=_length(given["free"]) if "free" in given else timedelta(0),
        after=_length(given["after"]) if "after" in given else timedelta(0),
        until=_length(given["until"]) if "until" in given else None,
        cap=_amount(given["cap"], currency) if "cap" in given else None,
    )
    if line.until is not None and line.until <= line.after:
        raise given["until"].fault("the part of a session must end after it begins; change after or until")
    if len({one.special_days for one in line.when}) > 1:
        raise given["when"].fault("write two lines, one for special days and one for days of the week")
    return line


def _chosen(entry: Entry | None, classes: tuple[str, ...]) -> frozenset[str]:
    if entry is None:
        return frozenset()
    chosen = frozenset(one.text() for one in entry.items())
    if not chosen <= set(classes):
        raise entry.fault(f"choose from the tariff's own vehicle classes: {', '.join(classes)}")
    return chosen


def _when(entry: Entry) -> When:
    given = entry.mapping(needs=("days", "hours"), may=())
    found = _HOURS.fullmatch(given["hours"].text())
    try:
        start, end = (time(0) if one == (24, 0) else time(*one) for one in _clocks(found))
    except ValueError:
        raise given["hours"].fault("write hours like 08:00-20:00, and a whole day as 00:00-24:00") from None
    hours = DaySpan(start=start, end=end)
    if given["days"].text() == "special":
        return When(hours=hours, special_days=True)
    return When(hours=hours, weekdays=_weekdays(given["days"]))


def _clocks(found: re.Match[str] | None) -> tuple[tuple[int, int], tuple[int, int]]:
    if found is None:
        raise ValueError
    return (int(found[1]), int(found[2])), (int(found[3]), int(found[4]))


def _weekdays(entry: Entry) -> frozenset[int]:
    """`mon-fri`, `sat`, `mon, wed` or `fri-mon`, and `all`."""
    days: set[int] = set()
    for part in entry.text().lower().split(","):
        first, dash, last = (one.strip() for one in part.partition("-"))
        if part.strip() == "all":
            days |= EVERY_DAY
        elif first in _DAYS and (last in _DAYS if dash else not last):
            start = _DAYS.index(first)
            days |= {(start + n) % 7 for n in range((_DAYS.index(last or first) - start) % 7 + 1)}
        else:
            raise entry.fault("write days like mon-fri, sat or mon, wed; all; or special")
    return frozenset(days)


def _amount(entry: Entry, currency: str) -> Money:
    with entry.naming():
        amount = parse(entry.text(), currency)
    if amount.amount < 0:
        raise entry.fault("an amount may not be below 0; write 0 or more")
    return amount


def _cap(entry: Entry, currency: str) -> Cap:
    given = entry.mapping(needs=("label", "amount"), may=())
    return Cap(label=given["label"].text(), amount=_amount(given["amount"], currency))


def _rounding(entry: Entry, currency: str) -> Rounding:
    given = entry.mapping(needs=("to", "mode"), may=())
    to, mode = _amount(given["to"], currency), given["mode"].text()
    if not to:
        raise given["to"].fault("round to at least the smallest coin; write for example 0.10")
    if mode not in tuple(RoundingMode):
        raise given["mode"].fault("write down, nearest or up")
    return Rounding(to=to.amount, mode=RoundingMode(mode))


def _percent(entry: Entry) -> Decimal:
    text = entry.text()
    if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text) is None:
        raise entry.fault("write the tax in per cent, from 0 to 99, like 19 or 7.7")
    return Decimal(text)


def _date(entry: Entry) -> date:
    try:
        return date.fromisoformat(entry.text())
    except ValueError:
        raise entry.fault("write a day of the calendar like 2026-01-31") from None


def _length(entry: Entry) -> timedelta:
    found = _LENGTH.fullmatch(entry.text())
    if found is None:
        raise entry.fault("write a length of time like 15 min, 2 h or 1 d")
    return int(found[1]) * _UNITS[found[2]]


def _step(entry: Entry) -> timedelta:
    step = _length(entry)
    if not timedelta(0) < step <= _LONGEST_STEP:
        raise entry.fault("a step must be from 1 min to 31 d, or span for one price a span")
    return step


def _length_text(length: timedelta) -> str:
    return f"{length // _UNITS['min']} min"


def _period_values(period: Period) -> dict[str, object]:
    values: dict[str, object] = {"from": period.first.isoformat()}
    if period.last is not None:
        values["to"] = period.last.isoformat()
    for name, cap in (("day_cap", period.day_cap), ("cap_24h", period.cap_24h)):
        if cap is not None:
            values[name] = {"label": cap.label, "amount": cap.amount.plain()}
    return values | {"lines": [_line_values(one) for one in period.lines]}


def _line_values(line: TariffLine) -> dict[str, object]:
    values: dict[str, object] = {
        "label": line.label,
        "price": line.price.plain(),
        "each": "span" if line.step is None else _length_text(line.step),
    }
    if line.when:
        values["when"] = [_when_values(one) for one in line.when]
    if line.vehicle_classes:
        values["vehicle_classes"] = sorted(line.vehicle_classes)
    for name, length in (("free", line.free), ("after", line.after), ("until", line.until)):
        if length:
            values[name] = _length_text(length)
    if line.cap is not None:
        values["cap"] = line.cap.plain()
    return values


def _when_values(when: When) -> dict[str, str]:
    days = "special" if when.special_days else ", ".join(_DAYS[day] for day in sorted(when.weekdays))
    end = when.hours.end
    return {
        "days": days,
        "hours": f"{when.hours.start:%H:%M}-{'24:00' if end == time(0) else f'{end:%H:%M}'}",
    }
