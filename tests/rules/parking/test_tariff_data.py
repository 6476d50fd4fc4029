"""A tariff as text: read as written, and refused with the line and what to do."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from postern.errors import BadInput
from postern.money import Money
from postern.parking.tariff import RoundingMode
from postern.parking.tariff_data import demo_tariff, dump_tariff, load_tariff

PLAIN = """\
id: plain
name: Plain garage
currency: EUR
vat_percent: 19
grace_after_paying: 15 min
vehicle_classes: [car, motorcycle]
periods:
  - from: 2026-01-01
    to: 2026-06-30
    lines:
      - {label: Hour, price: 2.00, each: 60 min}
  - from: 2026-07-01
    day_cap: {label: Day, amount: 12.00}
    lines:
      - {label: Hour, price: 2.50, each: 60 min}
      - {label: Night, price: 4.00, each: span, when: [{days: all, hours: "20:00-06:00"}]}
"""


def test_a_tariff_is_read_as_written() -> None:
    tariff = load_tariff(PLAIN)
    first, second = tariff.periods
    assert (first.first, first.last) == (date(2026, 1, 1), date(2026, 6, 30))
    assert first.lines[0].price == Money(200, "EUR")
    assert first.lines[0].step == timedelta(hours=1)
    assert second.day_cap is not None
    assert second.day_cap.amount == Money(1200, "EUR")
    assert second.lines[1].step is None


def test_the_demo_s_tariff_can_be_used() -> None:
    tariff = demo_tariff()
    assert (tariff.currency, str(tariff.vat_percent)) == ("EUR", "19")
    assert tariff.rounding.mode is RoundingMode.DOWN


@pytest.mark.parametrize("tariff", [load_tariff(PLAIN), demo_tariff()], ids=lambda one: one.id)
def test_what_is_written_is_read_back_as_the_same(tariff) -> None:
    assert load_tariff(dump_tariff(tariff)) == tariff


def test_json_is_read_too() -> None:
    text = (
        '{"id": "a", "name": "A", "currency": "JPY", "vat_percent": "10", "grace_after_paying": "5 min",'
        ' "vehicle_classes": ["car"], "periods": [{"from": "2026-01-01", "lines":'
        ' [{"label": "半時間", "price": 300, "each": "30 min"}]}]}'
    )
    assert load_tariff(text).periods[0].lines[0].price == Money(300, "JPY")


def test_an_amount_never_becomes_a_float() -> None:
    assert load_tariff(PLAIN.replace("2.00", "1.10")).periods[0].lines[0].price == Money(110, "EUR")


def changed(old: str, new: str) -> str:
    assert old in PLAIN
    return PLAIN.replace(old, new, 1)


BAD = {
    "an empty text": ("", "empty"),
    "no YAML": ("id: [", "Line 2|Line 1"),
    "a list instead of names": ("- 1", "Line 1, tariff: write names"),
    "an unknown name": (changed("currency:", "curency: EUR\ncurrency:"), "Line 3, curency: not known"),
    "an unknown name in a line": (changed("each: 60", "hourly: 1, each: 60"), "Line 11, hourly: not known"),
    "a name given twice": (changed("name:", "id: again\nname:"), "Line 2, id: given twice"),
    "a missing name": (changed("vat_percent: 19\n", ""), "vat_percent is missing"),
    "an unknown currency": (changed("EUR", "EURO"), "Line 3, currency: 'EURO' is no currency"),
    "a negative amount": (changed("2.00", "-2.00"), "Line 11, price: an amount may not be below 0"),
    "half a cent": (changed("2.00", "2.005"), "Line 11, price: .*more decimals"),
    "an amount in words": (changed("2.00", "two"), "Line 11, price: .*no amount"),
    "a step of nothing": (changed("each: 60 min", "each: 0 min"), "Line 11, each: a step must be"),
    "a step without unit": (changed("each: 60 min", "each: 60"), "Line 11, each: write a length of time"),
    "overlapping dates": (changed("2026-06-30", "2026-07-01"), "Line 12, periods 2: overlaps"),
    "days without prices": (changed("2026-06-30", "2026-06-28"), "Line 12, .*begin on 2026-06-29"),
    "an earlier period without end": (changed("    to: 2026-06-30\n", ""), "Line 8, .*only the last"),
    "a last period with an end": (changed("day_cap", "to: 2027-01-01\n    day_cap"), "leave out to"),
    "a period that ends first": (changed("2026-06-30", "2025-06-30"), "Line 9, to: .*before it begins"),
    "no calendar day": (changed("2026-06-30", "2026-02-30"), "Line 9, to: write a day"),
    "an unknown vehicle class": (
        changed("each: 60 min}", "each: 60 min, vehicle_classes: [bus]}"),
        "Line 11, vehicle_classes: choose from .*car, motorcycle",
    ),
    "a class without prices": (
        changed("each: 60 min}", "each: 60 min, vehicle_classes: [car]}"),
        "Line 8, periods 1: no line is in force on Monday 00:00 for motorcycle",
    ),
    "an hour without prices": (
        changed("each: 60 min}", 'each: 60 min, when: [{days: all, hours: "06:00-05:00"}]}'),
        "no line is in force on Monday 05:00",
    ),
    "a part of the session without prices": (
        changed("each: 60 min}", "each: 60 min, until: 120 min}"),
        "for car from 120 min after entry",
    ),
    "two lines at all times": (
        changed("each: 60 min}", "each: 60 min}\n      - {label: Other, price: 1, each: 30 min}"),
        "Line 12, lines 2: 'Other' and 'Hour' are both in force on Monday 00:00",
    ),
    "two nights at once": (
        PLAIN + '      - {label: Late, price: 1, each: span, when: [{days: sun, hours: "23:00-07:00"}]}\n',
        "'Late' and 'Night' are both in force on Monday 00:00",
    ),
    "two special days' lines at once": (
        PLAIN
        + '      - {label: Fair, price: 1, each: span, when: [{days: special, hours: "22:00-07:00"}]}\n'
        + '      - {label: Feast, price: 1, each: span, when: [{days: special, hours: "06:00-08:00"}]}\n',
        "both in force on special days 06:00",
    ),
    "special and other days in one line": (
        changed("hours:", 'hours: "06:00-07:00"}, {days: special, hours:'),
        "write two lines",
    ),
    "hours that no clock shows": (changed("20:00-06:00", "20:00-25:00"), "Line 16, hours: write hours like"),
    "hours in words": (changed("20:00-06:00", "at night"), "Line 16, hours: write hours like"),
    "days in words": (changed("days: all", "days: weekend"), "Line 16, days: write days like"),
    "too much tax": (changed("vat_percent: 19", "vat_percent: 119"), "Line 4, vat_percent: write the tax"),
    "an unknown rounding": (
        changed("currency: EUR", "currency: EUR\nrounding: {to: 0.10, mode: sideways}"),
        "Line 4, mode: write down, nearest or up",
    ),
    "rounding to nothing": (
        changed("currency: EUR", "currency: EUR\nrounding: {to: 0, mode: up}"),
        "Line 4, to: round to at least",
    ),
    "a cap that rounding up would pass": (
        changed("currency: EUR", "currency: EUR\nrounding: {to: 0.50, mode: up}").replace("12.00", "12.20"),
        "Line 13, periods 2: 'Day' is not a multiple",
    ),
    "a part that ends before it begins": (
        changed("each: 60 min}", "each: 60 min, after: 60 min, until: 30 min}"),
        "Line 11, until: the part of a session must end",
    ),
    "a label over two lines": (changed("label: Hour", 'label: "a\\nb"'), "Line 11, label: write one value"),
    "no lines at all": (changed("- {label: Hour, price: 2.00, each: 60 min}", "[]"), "lines: write a list"),
    "too many classes": (
        changed("[car, motorcycle]", str([f"class{n}" for n in range(41)])),
        "Line 6, vehicle_classes: a list may have 40",
    ),
    "a book": ("# " + "a" * 200_001, "Shorten"),
    "a tower of brackets": ("[" * 5000, "Line 1|no YAML"),
}


@pytest.mark.parametrize(("text", "answer"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_its_line_and_what_to_do(text: str, answer: str) -> None:
    with pytest.raises(BadInput, match=answer):
        load_tariff(text)


def test_the_tariff_in_the_documentation_can_be_used() -> None:
    text = (Path(__file__).parents[3] / "docs" / "tariffs.md").read_text("utf-8")
    assert load_tariff(text.partition("```yaml\n")[2].partition("```")[0]).name == "Old Town garage"
