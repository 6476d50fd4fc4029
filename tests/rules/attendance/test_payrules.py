"""The rules as data: dated, with an article, in both languages; and the calendar that they lean on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from postern.attendance.clocks import ClockFault, ClockRules, Quarantined, Trusted, judge
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.payrules import JURISDICTIONS, read_book, rule_book
from postern.attendance.public_holidays import NO_PUBLIC_HOLIDAYS, DayKind, public_holidays
from postern.attendance.rules_model import Law, Tier

BOOK = """\
country: DE
label: {en: Somewhere, zh: 某地}
days_off: true
fixed_days: false
rules:
  - id: old
    label: {en: Old, zh: 旧}
    article: § 1
    source: Gazette
    in_force: 2020-01-01
    until: 2024-12-31
    tier: {of: day, on: [work], after: 7 h 30 min, category: overtime, percent: 12.5}
  - id: new
    label: {en: New, zh: 新}
    article: § 1
    source: Gazette
    in_force: 2025-01-01
    tier: {of: day, on: [work], after: contract, category: overtime, percent: contract}
"""
SOMEWHERE = Jurisdiction("somewhere")


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_every_rule_has_its_words_its_article_and_its_source(jurisdiction) -> None:
    book = rule_book(jurisdiction)
    assert book.rules
    for rule in book.rules:
        assert rule.label.keys() == {"en", "zh"}
        assert all((*rule.label.values(), rule.article, rule.source))
        assert rule.last is None or rule.first <= rule.last
    assert len({rule.id for rule in book.rules}) == len(book.rules)


def test_a_superseded_rule_stays_until_its_last_day() -> None:
    book = read_book(SOMEWHERE, BOOK)
    law = Law(book, PayProfile(jurisdiction=SOMEWHERE))
    last, next_day, before = date(2024, 12, 31), date(2025, 1, 1), date(2019, 12, 31)
    assert [[rule.id for rule, _ in law.on(day).of(Tier)] for day in (before, last, next_day)] == [
        [],
        ["old"],
        ["new"],
    ]


def test_lengths_and_percentages_are_read_exactly() -> None:
    old, new = (rule.demand for rule in read_book(SOMEWHERE, BOOK).rules)
    assert isinstance(old, Tier)
    assert isinstance(new, Tier)
    assert (old.after, str(old.percent)) == (450, "12.5")
    assert (new.after, new.percent) == (None, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tier:", "tear:"),
        ("source: Gazette", "source: [Gazette]"),
        ("on: [work]", "on: work"),
        ("on: [work]", "on: [holiday]"),
        ("7 h 30 min", "7 h 30"),
        ("until: 2024-12-31", "until: 2024-13-31"),
        ("article: § 1", "articles: § 1\n    article: § 1"),
    ],
)
def test_a_mistake_in_a_rule_is_a_fault(old, new) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_book(SOMEWHERE, BOOK.replace(old, new, 1))


@pytest.mark.parametrize(
    ("year", "statutory", "moved"), [(2023, 11, 7), (2024, 11, 8), (2025, 13, 5), (2026, 13, 6)]
)
def test_the_library_knows_china_s_public_holidays_and_moved_days(year, statutory, moved) -> None:
    """Eleven days until 2024 and thirteen since; moved days are off on weekdays and worked on weekends."""
    days = public_holidays("CN", None, year, year)
    assert len([day for day in days.names if day.year == year]) == statutory
    worked = [day for day in days.worked if day.year == year]
    assert len(worked) == moved
    assert all(day.weekday() >= 5 for day in worked)
    assert all(day.weekday() < 5 for day in days.off)
    assert not days.off & days.names.keys()


def test_public_holidays_have_names_in_the_reader_s_language() -> None:
    books = [public_holidays("CN", None, 2026, 2026, language) for language in ("en", "zh")]
    assert [book.names[date(2026, 10, 1)] for book in books] == ["National Day", "国庆节"]


def test_a_region_has_its_own_public_holidays() -> None:
    corpus_christi = date(2026, 6, 4)
    assert corpus_christi in public_holidays("DE", "BY", 2026, 2026).names
    assert corpus_christi not in public_holidays("DE", "BE", 2026, 2026).names


def test_without_roster_and_calendar_weekends_are_days_of_rest() -> None:
    days = [date(2026, 3, 2) + timedelta(days=number) for number in range(7)]
    kinds = [NO_PUBLIC_HOLIDAYS.kind(day, (), has_roster=False) for day in days]
    assert kinds == [DayKind.WORK] * 5 + [DayKind.REST] * 2


RECEIVED = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("off", "fault"),
    [
        (timedelta(0), None),
        (timedelta(minutes=2), None),
        (timedelta(minutes=2, seconds=1), ClockFault.AHEAD),
        (timedelta(hours=7), ClockFault.AHEAD),
        (timedelta(minutes=-15), None),
        (timedelta(minutes=-15, seconds=-1), ClockFault.BEHIND),
        (timedelta(days=-365), ClockFault.BEHIND),
    ],
)
def test_a_clock_is_judged_by_the_time_of_arrival(off, fault) -> None:
    found = judge(RECEIVED + off, RECEIVED, ClockRules())
    if fault is None:
        assert found == Trusted(at=RECEIVED + off)
    else:
        assert found == Quarantined(reason=fault, off=abs(off), likely=RECEIVED)


def test_a_device_that_keeps_punches_may_be_late() -> None:
    night = timedelta(hours=-10)
    assert isinstance(judge(RECEIVED + night, RECEIVED, ClockRules(behind=timedelta(hours=12))), Trusted)
