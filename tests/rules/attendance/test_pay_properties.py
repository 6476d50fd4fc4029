"""What holds for all hours under every law, in all zones whose clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from postern.attendance.law_at import LawAt
from postern.attendance.model import Direction, Punch, PunchSource, Stretch, WorkDay
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.pay import HoursSystem, LineKind, PayLine, PayProfile, Premiums
from postern.attendance.paying import calendar_of, law_of, pay_lines
from postern.attendance.payrules import JURISDICTIONS
from postern.attendance.roster import NO_ROSTER
from postern.attendance.timesheet import Terms, Timesheet, grounds, timesheet
from tests.rules.attendance.drawn_hours import DST_ZONES, PERSON, SITE, drawn_roster, identity

STARTS = (date(2026, 2, 9), date(2026, 3, 5), date(2026, 3, 26), date(2026, 9, 28), date(2026, 10, 22))
"""Weeks with moved days, public holidays and changes of clocks."""
DAYS = 16


@st.composite
def profiles(draw: st.DrawFn) -> PayProfile:
    return PayProfile(
        jurisdiction=draw(st.sampled_from(JURISDICTIONS)),
        system=draw(st.sampled_from([HoursSystem.STANDARD, HoursSystem.EXEMPT])),
        premiums=draw(st.sampled_from(Premiums)),
        week_starts=draw(st.integers(0, 6)),
        day_starts=time(draw(st.integers(0, 23))),
        contract_minutes=draw(st.sampled_from([None, 1200, 2400])),
        rests_punched=draw(st.booleans()),
    )


@st.composite
def worked(draw: st.DrawFn) -> tuple[list[Punch], date, ZoneInfo]:
    """Comings and goings of some days, none longer than twelve hours."""
    first = draw(st.sampled_from(STARTS))
    at = datetime.combine(first, time(0), tzinfo=UTC)
    punches: list[Punch] = []
    for _ in range(draw(st.integers(0, 24))):
        for direction, most in ((Direction.IN, 30 * 60), (Direction.OUT, 12 * 60)):
            at += timedelta(minutes=draw(st.integers(3, most)))
            punches.append(
                Punch(
                    id=identity(len(punches)),
                    at=at,
                    direction=direction,
                    source=PunchSource.CARD,
                    site=SITE,
                )
            )
    return punches, first, draw(st.sampled_from(DST_ZONES))


ROSTERS = st.sampled_from((NO_ROSTER, drawn_roster({"mon-fri": ["09:00-18:00"], "break": "12:00-13:00"})))


def sheet(given_work, profile: PayProfile, roster, first: date, last: date, **rules) -> Timesheet:
    punches, _, zone = given_work
    return timesheet(
        PERSON,
        first,
        last,
        punches,
        (),
        terms=Terms(roster=roster, zone=zone, pairing=PairingRules(**rules), profile=profile),
        at=datetime.combine(last + timedelta(days=90), time(0), tzinfo=UTC),
    )


def lines_of(one: Timesheet) -> list[PayLine]:
    return [line for day in one.days for line in day.lines]


def span_of(given_work) -> tuple[date, date]:
    """Days that hold all of the work, with the law's own days around them."""
    punches, first, _ = given_work
    last = max((one.at.date() for one in punches), default=first)
    return first - timedelta(days=2), last + timedelta(days=2)


@settings(max_examples=80, deadline=None)
@given(work=worked(), profile=profiles(), roster=ROSTERS)
def test_every_minute_is_paid_once(work, profile, roster) -> None:
    found = sheet(work, profile, roster, *span_of(work))
    paid = sum(one.minutes for one in lines_of(found) if one.kind is LineKind.WORKED)
    assert paid == found.totals.worked
    assert found.totals.worked >= sum(
        (one.end - one.start) // timedelta(minutes=1) for day in found.days for one in day.work.stretches
    )


@settings(max_examples=60, deadline=None)
@given(work=worked(), profile=profiles(), roster=ROSTERS, cut=st.integers(1, DAYS))
def test_parts_of_a_period_are_paid_like_the_whole(work, profile, roster, cut) -> None:
    """Whatever day a month is closed on: a line is in one part and the same in it."""
    first, last = span_of(work)
    middle = min(first + timedelta(days=cut), last - timedelta(days=1))
    parts = [
        *lines_of(sheet(work, profile, roster, first, middle)),
        *lines_of(sheet(work, profile, roster, middle + timedelta(days=1), last)),
    ]
    assert parts == lines_of(sheet(work, profile, roster, first, last))


def cut_everywhere_is_paid_like_the_whole(moments: Sequence[datetime]) -> None:
    """Comings and goings in turn, in Cairo by American law, the week from Wednesday, cut after each day."""
    punches = [
        Punch(
            id=identity(number),
            at=at,
            direction=Direction.OUT if number % 2 else Direction.IN,
            source=PunchSource.CARD,
            site=SITE,
        )
        for number, at in enumerate(moments)
    ]
    work = punches, moments[0].date(), ZoneInfo("Africa/Cairo")
    profile = PayProfile(jurisdiction=JURISDICTIONS[2], week_starts=2)
    first, last = span_of(work)
    whole = lines_of(sheet(work, profile, NO_ROSTER, first, last))
    assert sum(one.minutes for one in whole) > 0
    for number in range((last - first).days):
        middle = first + timedelta(days=number)
        parts = [
            *lines_of(sheet(work, profile, NO_ROSTER, first, middle)),
            *lines_of(sheet(work, profile, NO_ROSTER, middle + timedelta(days=1), last)),
        ]
        assert parts == whole


def test_work_without_a_rest_for_days_is_on_the_sheets_of_those_days() -> None:
    """Somebody is in and out every three minutes from Monday to Thursday: Wednesday's row is not Monday's."""
    monday = datetime(2026, 9, 28, 6, tzinfo=UTC)
    cut_everywhere_is_paid_like_the_whole([monday + number * timedelta(minutes=3) for number in range(1440)])


def test_a_night_that_goes_on_from_the_day_before_counts_in_the_week_that_it_reaches_into() -> None:
    """Monday's work goes on through Tuesday into a minute of Wednesday, when the week of much work begins."""
    midnight = datetime(2026, 9, 29, 21, tzinfo=UTC)
    hours = (-30, -20, -19, -13.5, -13, -12, -11, 1 / 60, 1, 13, 13.1, 24, 25, 37, 37.1, 48)
    cut_everywhere_is_paid_like_the_whole([midnight + timedelta(hours=one) for one in hours])


@settings(max_examples=60, deadline=None)
@given(work=worked(), profile=profiles(), hour=st.integers(1, 23))
def test_the_day_that_work_is_shown_on_never_changes_the_pay_of_a_fixed_week(work, profile, hour) -> None:
    american = replace(profile, jurisdiction=JURISDICTIONS[2])
    shown = sheet(work, american, NO_ROSTER, *span_of(work), day_change=time(hour))
    assert lines_of(shown) == lines_of(sheet(work, american, NO_ROSTER, *span_of(work)))


@settings(max_examples=60, deadline=None)
@given(works=st.lists(worked(), min_size=2, max_size=3), profile=profiles(), roster=ROSTERS)
def test_what_people_share_changes_nobodys_hours(works, profile, roster) -> None:
    (_, first, zone), last = works[0], works[0][1] + timedelta(days=DAYS)
    terms = Terms(roster=roster, zone=zone, pairing=PairingRules(), profile=profile)
    at = datetime.combine(last, time(0), tzinfo=UTC)
    shared = grounds(terms, first, last)
    for punches, _, _ in works:
        alone = timesheet(PERSON, first, last, punches, (), terms=terms, at=at)
        assert shared.timesheet(PERSON, punches, (), at=at) == alone


@settings(max_examples=60, deadline=None)
@given(work=worked(), profile=profiles(), roster=ROSTERS, data=st.data())
def test_cutting_a_stretch_in_two_changes_nothing(work, profile, roster, data) -> None:
    found = [one.work for one in sheet(work, profile, roster, *span_of(work)).days]
    chosen = [one for one in found if one.counted]
    if not chosen:
        return
    cut = data.draw(st.sampled_from(chosen))
    at = data.draw(st.integers(0, cut.counted[0].minutes))
    parts = [replace(one, counted=halves(one, at)) if one is cut else one for one in found]
    calendar = calendar_of(profile, found[0].day, found[-1].day)
    law_at = LawAt(law_of(profile), calendar, work[2])
    assert pay_lines(parts, law_at) == pay_lines(found, law_at)


def halves(day: WorkDay, minutes: int) -> tuple[Stretch, ...]:
    first, *others = day.counted
    middle = first.start + timedelta(minutes=minutes)
    both = (Stretch(start=first.start, end=middle), Stretch(start=middle, end=first.end))
    return tuple(one for one in (*both, *others) if one.minutes)


@settings(max_examples=40, deadline=None)
@given(work=worked(), profile=profiles(), roster=ROSTERS, data=st.data())
def test_recomputing_in_any_order_is_the_same(work, profile, roster, data) -> None:
    shuffled = (data.draw(st.permutations(work[0])), *work[1:])
    span = span_of(work)
    assert sheet(shuffled, profile, roster, *span) == sheet(work, profile, roster, *span)


@settings(max_examples=40, deadline=None)
@given(work=worked(), profile=profiles(), extra=st.integers(1, 200))
def test_working_on_never_lowers_what_was_paid(work, profile, extra) -> None:
    """Of hours that get longer, the sum of minutes times percentages grows by at least as much."""
    if not work[0]:
        return
    last = work[0][-1]
    longer = (*work[0][:-1], replace(last, at=last.at + timedelta(minutes=extra)))
    span = span_of((longer, *work[1:]))

    def wage(punches) -> int:
        found = sheet((punches, *work[1:]), profile, NO_ROSTER, *span)
        return sum(
            one.minutes * int(one.percent if one.percent is not None else 100)
            for one in lines_of(found)
            if one.kind is not LineKind.EXTRA
        )

    assert wage(longer) >= wage(work[0]) + (100 * extra if last.at <= longer[-1].at else 0)
