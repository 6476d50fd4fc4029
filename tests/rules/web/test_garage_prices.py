"""Prices over time as pages show them: every step, to the minute, and faults beside their line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.errors import BadInput
from postern.parking.tariff import Basis, Calendar
from postern.parking.tariff_data import demo_tariff, dump_tariff, load_tariff
from postern.web.console import garage_prices as prices
from postern.web.i18n import Words

BASIS = Basis(
    tariff=demo_tariff(), calendar=Calendar(time_zone=ZoneInfo("Europe/Berlin")), vehicle_class="car"
)
ENTERED = datetime(2026, 3, 4, 8, tzinfo=UTC)
EN = Words(language="en")


class _Minutes(Words):
    """Says every length of time in whole minutes."""

    def __call__(self, key: str, /, **values: object) -> str:
        said = {"price.minutes": "{n}", "price.up-to": "{stay}"}
        if key == "price.hours":
            return str(60 * int(str(values["n"])))
        if key == "price.days":
            return str(1440 * int(str(values["n"])))
        if key == "price.hours-minutes":
            return str(60 * int(str(values["h"])) + int(str(values["m"])))
        return said[key].format(**values)


MINUTES = _Minutes(language="en")


@settings(max_examples=30, deadline=None)
@given(later=st.integers(0, 400 * 24 * 60), minutes=st.integers(1, 2880))
def test_the_rows_tell_the_price_of_every_minute(later: int, minutes: int) -> None:
    entered = ENTERED + timedelta(minutes=later)
    rows = prices.step_rows([BASIS], entered, timedelta(hours=48), MINUTES, 1000)
    found = next(one for one in rows if minutes <= int(one.stay))
    assert found.prices[0] == prices.price_at(BASIS, entered, timedelta(minutes=minutes)).text("en")


def test_the_first_row_is_the_free_minutes() -> None:
    first = prices.step_rows([BASIS], ENTERED, timedelta(hours=2), EN, 10)[0]
    assert (first.stay, first.prices) == ("up to 15 min", ("€0.00",))


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(15, "15 min"), (60, "1 h"), (150, "2 h 30 min"), (1440, "1 d"), (1500, "25 h"), (2880, "2 d")],
)
def test_a_stay_is_said_as_short_as_it_can_be(minutes: int, words: str) -> None:
    assert prices.stay_words(timedelta(minutes=minutes), EN) == words


def test_a_fault_stands_beside_the_line_that_it_names() -> None:
    text = dump_tariff(demo_tariff()).replace("vat_percent: 19", "vat_percent: lots")
    text = text.replace("vat_percent: '19'", "vat_percent: lots")
    with pytest.raises(BadInput) as caught:
        load_tariff(text)
    lines = prices.faulty_lines(text, caught.value)
    [wrong] = [one for one in lines if one.fault]
    assert "vat_percent: lots" in wrong.text
    assert wrong.number in range(lines[0].number, lines[-1].number + 1)
    assert not wrong.fault.startswith("Line")


def test_a_fault_of_the_whole_text_names_no_line() -> None:
    assert prices.faulty_lines("", BadInput("This is no YAML text.")) == ()
    assert prices.faulty_lines("a: b", BadInput("Line 7, a: too far down.")) == ()


def test_two_tariffs_are_drawn_in_one_chart_with_a_name_each() -> None:
    chart = prices.price_chart([("A", BASIS), ("B", BASIS)], ENTERED, timedelta(hours=24), EN)
    assert [one.name for one in chart.curves] == ["A", "B"]
    assert chart.curves[0].path == chart.curves[1].path
    assert [mark.label for mark in chart.y][:2] == ["€0", "€5"]


def test_the_lines_of_a_price_are_in_the_operators_words() -> None:
    rows = prices.quote_rows(prices.quoted(BASIS, ENTERED, timedelta(hours=12)), EN)
    assert rows[0].label == "Car, each started hour"
    assert rows[0].units.endswith("× 60 min")
    assert any(row.less for row in rows)
