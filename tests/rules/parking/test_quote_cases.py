"""The cases that a garage manager can read, priced."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from postern.parking.quote import quote
from postern.parking.tariff import Calendar
from postern.parking.tariff_data import load_tariff
from tests.rules.access.drawn_policy import moment

FOLDER = Path(__file__).parents[2] / "cases" / "parking"
FILES = [yaml.safe_load((FOLDER / name).read_text("utf-8")) for name in ("city_garage.yaml", "clocks.yaml")]
CASES = [pytest.param(words, case, id=case["name"]) for words in FILES for case in words["cases"]]


@pytest.mark.parametrize(("words", "case"), CASES)
def test_a_session_costs_what_is_written(words, case) -> None:
    zone = words["time_zone"]
    found = quote(
        load_tariff(yaml.safe_dump(words["tariff"])),
        entered=moment(case["in"], zone),
        at=moment(case["out"], zone),
        vehicle_class=case.get("class", "car"),
        calendar=Calendar(time_zone=ZoneInfo(zone), special_days=frozenset(words.get("special_days", ()))),
    )
    assert found.total.plain() == f"{case['price']:.2f}"
    if "lines" in case:
        assert [[line.label, line.quantity, float(line.amount.plain())] for line in found.lines] == case[
            "lines"
        ]
