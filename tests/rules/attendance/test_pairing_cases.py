"""The cases of punches and hours that a payroll clerk can read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from postern.attendance.model import Anomaly
from postern.attendance.pairing import pair
from tests.rules.access.drawn_policy import moment
from tests.rules.attendance.drawn_hours import (
    clock_spans,
    drawn_correction,
    drawn_punch,
    drawn_roster,
    drawn_rules,
)

FOLDER = Path(__file__).parents[2] / "cases" / "attendance" / "pairing"
FILES = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
CASES = [pytest.param(words, case, id=case["name"]) for words in FILES for case in words["cases"]]


def said(anomaly: Anomaly, zone: ZoneInfo) -> str:
    suggested = anomaly.suggestion
    words = [str(anomaly.day), anomaly.kind.value]
    if suggested is not None and suggested.deed.value != "excuse":
        words.append(suggested.deed.value)
        if suggested.at is not None and suggested.direction is not None:
            words += [f"{suggested.at.astimezone(zone):%Y-%m-%d %H:%M}", suggested.direction.value]
    return " ".join(words)


@pytest.mark.parametrize(("words", "case"), CASES)
def test_punches_become_the_hours_that_are_written(words, case) -> None:
    zone = ZoneInfo(words["time_zone"])
    name = words["time_zone"]
    first, last = min(case["days"]), max(case["days"])
    at = case.get("at")
    found = pair(
        [drawn_punch(text, number, name) for number, text in enumerate(case["punches"])],
        [drawn_correction(text, number, name) for number, text in enumerate(case.get("corrections", ()))],
        drawn_roster(words["rosters"][case["roster"]], case.get("changes")),
        zone,
        first=first,
        last=last,
        rules=drawn_rules(case.get("rules", {})),
        at=moment(at if at else f"{last + timedelta(days=2)} 00:00", name),
    )
    by_day = {one.day: one for one in found}
    assert {day: clock_spans(by_day[day], zone) for day in case["days"]} == case["days"]
    assert [said(one, zone) for day in found for one in day.anomalies] == case.get("anomalies", [])
    for day, minutes in case.get("minutes", {}).items():
        assert by_day[day].minutes == minutes
    for day, breaks in case.get("breaks", {}).items():
        assert list(by_day[day].breaks) == breaks
    open_days = {one.day: f"{one.open_since.astimezone(zone):%H:%M}" for one in found if one.open_since}
    assert open_days == case.get("open", {})
