"""The cases of hours and pay that a payroll clerk can read, each with its article."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from postern.attendance.model import AnomalyKind
from postern.attendance.pay import HoursSystem, Jurisdiction, LineKind, PayLine, PayProfile, Premiums
from postern.attendance.payrules import JURISDICTIONS, rule_book
from postern.attendance.timesheet import CategoryTotal, Terms, Timesheet, timesheet
from tests.rules.attendance.drawn_hours import (
    DAYS,
    PERSON,
    drawn_roster,
    drawn_rules,
    drawn_worked,
    weekdays,
)

FOLDER = Path(__file__).parents[2] / "cases" / "attendance"
FILES = [
    yaml.safe_load(path.read_text("utf-8"))
    for name in JURISDICTIONS
    for path in (FOLDER / name).glob("*.yaml")
]
CASES = [
    pytest.param(words, case, id=f"{words['profile']['jurisdiction']}: {case['name']}")
    for words in FILES
    for case in words["cases"]
]


def hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def said(line: PayLine | CategoryTotal) -> str:
    percent = "contract" if line.percent is None else f"{line.percent} %"
    percent = f"+{percent}" if line.kind is LineKind.PREMIUM else percent
    extra = " extra" if line.kind is LineKind.EXTRA else ""
    return f"{hours(line.minutes)} {line.category} {percent}{extra}"


def drawn_profile(words: dict[str, Any]) -> PayProfile:
    return PayProfile(
        jurisdiction=Jurisdiction(words["jurisdiction"]),
        region=words.get("region"),
        system=HoursSystem(words.get("system", "standard")),
        premiums=Premiums(words.get("premiums", "law")),
        week_starts=DAYS.index(words.get("week_starts", "mon")),
        day_starts=time.fromisoformat(words.get("day_starts", "00:00")),
        contract_minutes=words["contract"] * 60 if "contract" in words else None,
        sunday_work=words.get("sunday_work", False),
        meals_waived=words.get("meals_waived", False),
        rests_punched=words.get("rests_punched", False),
        night_worker=words.get("night_worker", True),
    )


def drawn_days(worked: dict[date | str, list[str]]) -> dict[date, list[str]]:
    """`2026-03-02/2026-03-31 mon-fri` is each of those days."""
    found: dict[date, list[str]] = {}
    for key, spans in worked.items():
        if isinstance(key, date):
            found[key] = spans
            continue
        dates, _, names = key.partition(" ")
        first, last = (date.fromisoformat(one) for one in dates.split("/"))
        chosen = weekdays(names) if names else frozenset(range(7))
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        found.update({day: spans for day in days if day.weekday() in chosen})
    return found


def drawn_sheet(words: dict[str, Any], case: dict[str, Any]) -> Timesheet:
    worked = drawn_days(case["worked"])
    days = {*worked, *case.get("pay", {})}
    zone = ZoneInfo(words["time_zone"])
    return timesheet(
        PERSON,
        min(days),
        max(days) + timedelta(days=1),  # a night's second part may lie there
        drawn_worked(worked, words["time_zone"]),
        (),
        terms=Terms(
            roster=drawn_roster(case.get("roster", words["roster"]), case.get("changes")),
            zone=zone,
            pairing=drawn_rules(case.get("rules", {})),
            profile=drawn_profile({**words["profile"], **case.get("profile", {})}),
        ),
        at=datetime.combine(max(days) + timedelta(days=3), time(0), tzinfo=zone),
    )


@pytest.mark.parametrize(("words", "case"), CASES)
def test_hours_are_paid_as_written(words, case) -> None:
    sheet = drawn_sheet(words, case)
    lines = {one.day: [said(line) for line in one.lines] for one in sheet.days}
    assert {day: lines[day] for day in case.get("pay", {})} == case.get("pay", {})
    if "total" in case:
        by_category: dict[tuple[str, Decimal | None, LineKind], int] = {}
        for one in sheet.totals.categories:
            key = one.category, one.percent, one.kind
            by_category[key] = by_category.get(key, 0) + one.minutes
        assert [
            said(CategoryTotal(category=category, percent=percent, kind=kind, minutes=minutes, article=""))
            for (category, percent, kind), minutes in by_category.items()
        ] == case["total"]
    found = [f"{one.day} {one.rule} {hours(one.minutes)}" for one in sheet.breaches]
    assert found == case.get("breaches", [])
    assert {one.kind for one in sheet.anomalies} <= {AnomalyKind.ABSENT}


@pytest.mark.parametrize(("words", "case"), CASES)
def test_a_case_names_an_article_of_its_book(words, case) -> None:
    book = rule_book(Jurisdiction(words["profile"]["jurisdiction"]))
    assert any(case["article"] in rule.article for rule in book.rules)


def cases_of(jurisdiction: Jurisdiction) -> list[dict[str, Any]]:
    files = [words for words in FILES if words["profile"]["jurisdiction"] == jurisdiction]
    return [case for words in files for case in words["cases"]]


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_a_jurisdiction_has_at_least_a_dozen_cases(jurisdiction) -> None:
    assert len(cases_of(jurisdiction)) >= 12


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_every_rule_is_named_by_a_case(jurisdiction) -> None:
    """By its article, so that none is there that nobody has worked out by hand."""
    named = [case["article"] for case in cases_of(jurisdiction)]
    rules = rule_book(jurisdiction).rules
    assert [rule.id for rule in rules if not any(article in rule.article for article in named)] == []
