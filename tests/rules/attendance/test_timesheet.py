"""The sums of a timesheet, and what of other days it needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from postern.attendance.law_at import LawAt
from postern.attendance.model import Stretch, WorkDay
from postern.attendance.pairing_rules import PairingRules, Rounding, RoundingMode
from postern.attendance.pay import HoursSystem, Jurisdiction, PayProfile
from postern.attendance.paying import calendar_of, check_terms, law_of, pay_lines
from postern.attendance.roster import NO_ROSTER, Roster
from postern.attendance.timesheet import Terms, Timesheet, reach, timesheet, totals
from postern.errors import BadInput
from tests.rules.attendance.drawn_hours import (
    PERSON,
    drawn_correction,
    drawn_punch,
    drawn_roster,
    drawn_worked,
)

BERLIN = "Europe/Berlin"
GERMAN = PayProfile(jurisdiction=Jurisdiction("de"), region="BE")
AMERICAN = PayProfile(jurisdiction=Jurisdiction("us"), week_starts=6)
CALIFORNIAN = PayProfile(jurisdiction=Jurisdiction("us-ca"), week_starts=6)
CHINESE = PayProfile(jurisdiction=Jurisdiction("cn"))
OFFICE = drawn_roster({"mon-fri": ["08:00-16:30"], "break": "12:00-12:30"})
DAY = date(2026, 3, 2)


def month(
    punches,
    corrections=(),
    *,
    profile: PayProfile = GERMAN,
    roster: Roster = OFFICE,
    rules: PairingRules | None = None,
    first: date = DAY,
    last: date = DAY,
    zone: str = BERLIN,
    at: datetime = datetime(2027, 6, 1, tzinfo=UTC),
) -> Timesheet:
    terms = Terms(roster=roster, zone=ZoneInfo(zone), pairing=rules or PairingRules(), profile=profile)
    return timesheet(PERSON, first, last, punches, corrections, terms=terms, at=at)


def worked(*spans: str, day: date = DAY, zone: str = BERLIN):
    return drawn_worked({day: list(spans)}, zone)


def test_an_empty_timesheet_has_its_days_and_nothing_else() -> None:
    sheet = month([], roster=NO_ROSTER, last=DAY + timedelta(days=6))
    assert len(sheet.days) == 7
    assert sheet.totals == totals(())
    assert (sheet.anomalies, sheet.breaches) == ((), ())


def test_who_is_on_time_is_neither_late_nor_early() -> None:
    (day,) = month(worked("07:58-12:00", "12:30-16:31")).days
    assert (day.planned, day.minutes, day.late, day.early, day.absent) == (480, 483, 0, 0, 0)


def test_lateness_and_early_leaving_are_counted_apart() -> None:
    (day,) = month(worked("08:12-12:00", "12:30-16:00")).days
    assert (day.late, day.early, day.absent) == (12, 30, 0)


def test_both_shifts_of_a_split_day_are_looked_at() -> None:
    split = drawn_roster({"mon-fri": ["08:00-12:00", "16:00-20:00"]})
    (day,) = month(worked("08:05-12:00", "16:10-20:00"), roster=split).days
    assert (day.late, day.early) == (15, 0)
    (half,) = month(worked("08:00-12:00"), roster=split).days
    assert (half.absent, [one.kind.value for one in half.anomalies]) == (240, ["absent"])


def test_who_did_not_come_is_absent_for_the_shift_without_its_break() -> None:
    (day,) = month([]).days
    assert (day.absent, day.late, day.early) == (480, 0, 0)


def test_an_excused_day_is_neither_absence_nor_lateness() -> None:
    excuse = drawn_correction("approved excuse 2026-03-02", 0, BERLIN)
    assert month([], [excuse]).totals.absent == 0
    assert month(worked("11:00-16:30"), [excuse]).totals.late == 0


def test_nobody_is_judged_by_punches_that_do_not_pair() -> None:
    sheet = month([drawn_punch("2026-03-02 09:00 in", 0, BERLIN)])
    assert (sheet.totals.late, sheet.totals.absent, sheet.totals.worked) == (0, 0, 0)
    assert len(sheet.anomalies) == 1


def test_who_is_still_at_work_has_not_left_early() -> None:
    punches = [*worked("08:00-12:00"), drawn_punch("2026-03-02 12:30 in", 9, BERLIN)]
    (day,) = month(punches, at=datetime(2026, 3, 2, 13, tzinfo=UTC)).days
    assert (day.early, day.work.open_since) == (0, punches[2].at)


def test_a_public_holiday_is_no_day_of_absence() -> None:
    (day,) = month([], first=date(2026, 4, 3), last=date(2026, 4, 3)).days
    assert (day.absent, day.planned, day.public_holiday) == (0, 0, "Good Friday")


def test_a_shift_that_goes_on_through_public_holidays_is_expected() -> None:
    always = drawn_roster({"mon-fri": ["08:00-16:30"], "follows calendar": False})
    assert month([], roster=always, first=date(2026, 4, 3), last=date(2026, 4, 3)).totals.planned == 510


def test_american_weeks_do_not_give_way_to_public_holidays() -> None:
    thanksgiving = date(2026, 11, 26)
    sheet = month([], profile=AMERICAN, first=thanksgiving, last=thanksgiving, zone="America/Chicago")
    assert (sheet.totals.planned, sheet.days[0].public_holiday) == (480, "Thanksgiving Day")


def test_a_moved_saturday_in_china_is_planned_like_the_weekday_it_is_worked_for() -> None:
    sheet = month([], profile=CHINESE, first=date(2026, 2, 14), last=date(2026, 2, 14), zone="Asia/Shanghai")
    assert sheet.totals.planned == 480
    off = month([], profile=CHINESE, first=date(2026, 2, 20), last=date(2026, 2, 20), zone="Asia/Shanghai")
    assert (off.totals.planned, off.totals.absent) == (0, 0)


def test_a_change_that_the_roster_names_goes_before_the_calendar() -> None:
    named = drawn_roster({"mon-fri": ["08:00-16:30"]}, {date(2026, 4, 3): ["10:00-14:00"]})
    assert month([], roster=named, first=date(2026, 4, 3), last=date(2026, 4, 3)).totals.planned == 240


def test_punches_of_any_time_zone_are_the_same_moments() -> None:
    """Two moments of one zone subtract by the wall clock; a night of changing clocks would lose its hour."""
    night = date(2026, 10, 25)
    punches = worked("00:30-05:30", day=night)
    local = [
        type(one)(
            id=one.id,
            at=one.at.astimezone(ZoneInfo(BERLIN)),
            direction=one.direction,
            source=one.source,
            site=one.site,
        )
        for one in punches
    ]
    sheets = [month(one, roster=NO_ROSTER, first=night, last=night) for one in (punches, local)]
    assert [one.totals.worked for one in sheets] == [360, 360]
    assert sheets[0] == sheets[1]


def test_it_reaches_back_to_the_start_of_the_week_and_of_the_month() -> None:
    assert reach(date(2026, 4, 1), date(2026, 4, 30), GERMAN) == (date(2026, 3, 26), date(2026, 5, 3))
    assert reach(date(2026, 4, 20), date(2026, 4, 26), AMERICAN)[0] == date(2026, 3, 28)


def test_the_night_into_a_month_is_paid_in_both_months_and_once() -> None:
    """The work week begins with the month; the night before it belongs to the law's day that it lies in."""
    profile = PayProfile(jurisdiction=Jurisdiction("us"), week_starts=6)
    punches = worked("20:00-04:00", day=date(2026, 1, 31), zone="America/Chicago")
    spans = ((date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28)))
    sheets = [
        month(punches, profile=profile, roster=NO_ROSTER, first=first, last=last, zone="America/Chicago")
        for first, last in spans
    ]
    assert [[one.minutes for one in sheet.totals.categories] for sheet in sheets] == [[240], [240]]


def test_a_month_closed_in_parts_counts_a_longer_period_from_its_first_day() -> None:
    profile = PayProfile(jurisdiction=Jurisdiction("cn"), system=HoursSystem.COMPREHENSIVE)
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(31)]
    punches = drawn_worked({day: ["09:00-12:00", "13:00-18:00"] for day in days}, "Asia/Shanghai")
    late = month(
        punches,
        profile=profile,
        roster=NO_ROSTER,
        first=date(2026, 3, 21),
        last=date(2026, 3, 31),
        zone="Asia/Shanghai",
    )
    assert {one.category: one.minutes for one in late.totals.categories} == {
        "regular": 9921 - 20 * 480,
        "overtime": 31 * 480 - 9921,
    }


@pytest.mark.parametrize(
    ("profile", "to", "mode", "article"),
    [
        (AMERICAN, 10, RoundingMode.NEAREST, r"29 CFR 785.48\(b\)"),
        (CALIFORNIAN, 15, RoundingMode.NEAREST, "Labor Code 204"),
    ],
    ids=["ten minutes in the United States", "a quarter in California"],
)
def test_a_rounding_against_the_law_is_refused_with_its_article(profile, to, mode, article) -> None:
    with pytest.raises(BadInput, match=article):
        month([], profile=profile, rules=PairingRules(rounding=Rounding(to=to, mode=mode)))


@pytest.mark.parametrize(
    ("profile", "to", "mode"),
    [
        (AMERICAN, 15, RoundingMode.NEAREST),
        (CALIFORNIAN, 15, RoundingMode.IN_FAVOUR),
        (GERMAN, 5, RoundingMode.IN_FAVOUR),
    ],
    ids=["a quarter in the United States", "in favour in California", "in favour in Germany"],
)
def test_one_that_it_allows_is_not(profile, to, mode) -> None:
    assert month([], profile=profile, rules=PairingRules(rounding=Rounding(to=to, mode=mode))).days


@pytest.mark.parametrize("to", [0, 7, 45])
def test_a_rounding_that_does_not_divide_the_hour_is_refused(to) -> None:
    with pytest.raises(BadInput, match="an hour is a multiple of"):
        Rounding(to=to)


def test_a_jurisdiction_without_rules_is_refused_by_name_of_those_there_are() -> None:
    with pytest.raises(BadInput, match="cn, de, us, us-ca"):
        month([], profile=PayProfile(jurisdiction=Jurisdiction("mars")))


def test_a_way_of_reckoning_hours_that_a_law_does_not_know_is_refused() -> None:
    profile = PayProfile(jurisdiction=Jurisdiction("us"), system=HoursSystem.COMPREHENSIVE)
    with pytest.raises(BadInput, match="no pay rule for this way"):
        month(worked("08:00-12:00"), profile=profile)


@pytest.mark.parametrize(
    ("profile", "rules"),
    [
        (replace(GERMAN, region="XX"), PairingRules()),
        (replace(AMERICAN, system=HoursSystem.COMPREHENSIVE), PairingRules()),
        (replace(GERMAN, jurisdiction=Jurisdiction("mars")), PairingRules()),
        (CALIFORNIAN, PairingRules(rounding=Rounding(to=5))),
    ],
    ids=["a region", "a system of hours", "a jurisdiction", "a rounding"],
)
def test_terms_that_no_timesheet_could_be_reckoned_by_are_refused_beforehand(profile, rules) -> None:
    with pytest.raises(BadInput):
        check_terms(rules, profile, DAY)
    with pytest.raises(BadInput):
        month(worked("08:00-12:00"), profile=profile, rules=rules)


@pytest.mark.parametrize(
    "profile", [GERMAN, AMERICAN, CALIFORNIAN, CHINESE], ids=lambda one: one.jurisdiction
)
@pytest.mark.parametrize("system", [HoursSystem.STANDARD, HoursSystem.EXEMPT])
def test_the_usual_terms_are_taken(profile, system) -> None:
    check_terms(PairingRules(), replace(profile, system=system), DAY)


def test_an_average_of_more_than_48_hours_over_24_weeks_is_against_german_law() -> None:
    monday = date(2026, 1, 5)

    def days(minutes: int) -> list[WorkDay]:
        found = []
        for number in range(24 * 7):
            day = monday + timedelta(days=number)
            start = datetime.combine(day, time(6), tzinfo=UTC)
            parts = (
                Stretch(start=start, end=start + timedelta(hours=4)),
                Stretch(start=start + timedelta(hours=5), end=start + timedelta(hours=1, minutes=minutes)),
            )
            found.append(WorkDay(day=day, counted=parts if day.weekday() < 6 else ()))
        return found

    def averages(minutes: int, weeks: int) -> list[tuple[date, int]]:
        given = days(minutes)[: weeks * 7]
        profile = PayProfile(jurisdiction=Jurisdiction("de"), region="BE", sunday_work=True)
        calendar = calendar_of(profile, given[0].day, given[-1].day)
        pay = pay_lines(given, LawAt(law_of(profile), calendar, ZoneInfo(BERLIN)))
        return [(one.day, one.minutes) for one in pay.breaches if one.rule == "eight-hours-on-average"]

    assert averages(480, 24) == []
    assert averages(490, 24) == [(monday + timedelta(days=24 * 7 - 1), 24 * 60)]
    assert averages(490, 23) == []


def test_overtime_is_what_is_worked_beyond_the_regular_hours() -> None:
    """Neither a night's premium nor the hour paid for a missed meal is worked twice."""
    punches = worked("08:00-18:00", zone="America/Los_Angeles")
    (day,) = (found := month(punches, profile=CALIFORNIAN, zone="America/Los_Angeles")).days
    assert (day.overtime, found.totals.overtime, day.minutes) == (120, 120, 600)
    night = month(worked("22:00-02:00", "02:30-06:00"), roster=NO_ROSTER)
    assert (night.totals.overtime, night.totals.worked) == (0, 450)


def test_totals_of_many_are_the_sums_of_their_days() -> None:
    sheets = [month(worked("08:00-12:00", "12:30-17:00")), month(worked("08:00-12:00"))]
    together = totals([day for sheet in sheets for day in sheet.days])
    assert together.worked == sum(one.totals.worked for one in sheets) == 750
    assert [(one.category, one.percent, one.minutes) for one in together.categories] == [
        ("regular", Decimal(100), 750)
    ]
