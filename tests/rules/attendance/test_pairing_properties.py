"""What holds for all punches, in all zones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.attendance.model import Direction, Punch, PunchSource, WorkDay
from postern.attendance.pairing import MARGIN, pair
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.roster import NO_ROSTER, Roster
from tests.rules.attendance.drawn_hours import DST_ZONES, SITE, drawn_punch, drawn_roster, identity

CHANGES = (date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25))
ROSTERS = (
    NO_ROSTER,
    drawn_roster({"mon-sun": ["08:00-16:30"], "break": "12:00-12:30"}),
    drawn_roster({"mon-sun": ["22:00-06:00"], "break": "02:00-02:30"}),
    drawn_roster({"mon-sun": ["08:00-12:00", "16:00-20:00"]}),
)
RULES = PairingRules()


@st.composite
def weeks(draw: st.DrawFn) -> tuple[list[Punch], date, ZoneInfo, Roster]:
    """Up to twelve punches in the week around a change of clocks."""
    zone = draw(st.sampled_from(DST_ZONES))
    monday = draw(st.sampled_from(CHANGES)) - timedelta(days=3)
    begin = datetime.combine(monday, time(0), tzinfo=UTC)
    seconds = draw(st.lists(st.integers(0, 6 * 86_400), max_size=12))
    directions = st.sampled_from(list(Direction))
    punches = [
        Punch(
            id=identity(number),
            at=begin + timedelta(seconds=second),
            direction=draw(directions),
            source=PunchSource.CARD,
            site=SITE,
        )
        for number, second in enumerate(seconds)
    ]
    return punches, monday, zone, draw(st.sampled_from(ROSTERS))


def paired(week, rules: PairingRules = RULES, **others) -> tuple[WorkDay, ...]:
    punches, monday, zone, roster = week
    first, last = monday - timedelta(days=2), monday + timedelta(days=8)
    at = others.get("at", datetime.combine(last + timedelta(days=3), time(0), tzinfo=UTC))
    return pair(
        others.get("punches", punches),
        others.get("corrections", ()),
        roster,
        zone,
        first=others.get("first", first),
        last=others.get("last", last),
        rules=rules,
        at=at,
    )


@settings(max_examples=60, deadline=None)
@given(week=weeks(), data=st.data())
def test_the_order_of_punches_does_not_matter(week, data) -> None:
    shuffled = data.draw(st.permutations(week[0]))
    assert paired(week, punches=shuffled) == paired(week)


@settings(max_examples=60, deadline=None)
@given(week=weeks())
def test_every_punch_is_used_once_or_named(week) -> None:
    """Minutes are conserved: what is counted is what lies between punches that paired, and nothing else."""
    days = paired(week, replace(RULES, duplicate=timedelta(0)))
    ends = [at for day in days for one in day.stretches for at in (one.start, one.end)]
    loose = [one.at for day in days for one in day.anomalies if one.punch is not None]
    distinct = {(one.at, one.direction) for one in week[0]}
    assert len(ends) + len(loose) <= len(week[0])
    assert {at for at, _ in distinct} == set(ends) | set(loose)
    whole = [
        (one.start.replace(second=0), one.end.replace(second=0)) for day in days for one in day.stretches
    ]
    assert sum(day.minutes for day in days) == sum((end - start).seconds // 60 for start, end in whole)


@settings(max_examples=60, deadline=None)
@given(week=weeks())
def test_no_minute_is_counted_twice(week) -> None:
    stretches = sorted((one.start, one.end) for day in paired(week) for one in day.counted)
    assert all(before[1] <= after[0] for before, after in pairwise(stretches))


@settings(max_examples=60, deadline=None)
@given(week=weeks(), hours=st.integers(1, 23))
def test_where_a_day_is_split_never_changes_the_sum(week, hours) -> None:
    unplanned = (*week[:3], NO_ROSTER)
    split = paired(unplanned, replace(RULES, day_change=time(hours)))
    assert sum(day.minutes for day in split) == sum(day.minutes for day in paired(unplanned))


@settings(max_examples=60, deadline=None)
@given(week=weeks(), hour=st.integers(0, 200))
def test_recomputing_at_any_hour_keeps_what_is_over(week, hour) -> None:
    """What was counted then is counted later, unless a reader for both directions was understood anew."""
    directed = [one for one in week[0] if one.direction is not Direction.EITHER]
    at = datetime.combine(week[1], time(0), tzinfo=UTC) + timedelta(hours=hour)
    early = paired(week, punches=directed, at=at, rules=replace(RULES, duplicate=timedelta(0)))
    late = paired(week, punches=directed, rules=replace(RULES, duplicate=timedelta(0)))
    assert early == paired(week, punches=directed, at=at, rules=replace(RULES, duplicate=timedelta(0)))
    for before, after in zip(early, late, strict=True):
        assert set(before.stretches) <= set(after.stretches)


@settings(max_examples=60, deadline=None)
@given(week=weeks(), cut=st.integers(1, 8))
def test_a_part_of_the_days_is_the_same_as_all_of_them(week, cut) -> None:
    """Where readers say the direction, the punches of the margin decide as if all were there."""
    directed = [one for one in week[0] if one.direction is not Direction.EITHER]
    everything = paired(week, punches=directed)
    first = everything[cut].day
    since = datetime.combine(first - MARGIN, time(0), tzinfo=week[2])
    near = [one for one in directed if one.at >= since]
    assert paired(week, punches=near, first=first) == everything[cut:]


@pytest.mark.parametrize("punched", ["in out", "any any"])
def test_every_night_of_every_zone_is_as_long_as_it_really_is(punched) -> None:
    """The nights of the year in which clocks change, in every zone where they do."""
    came, went = punched.split()
    for zone in DST_ZONES:
        for night in changing_nights(zone):
            start, end = (f"{night} 22:00", f"{night + timedelta(days=1)} 10:00")
            punches = [drawn_punch(f"{start} {came}", 0, zone.key), drawn_punch(f"{end} {went}", 1, zone.key)]
            (day,) = pair(
                punches,
                (),
                NO_ROSTER,
                zone,
                first=night,
                last=night,
                rules=RULES,
                at=punches[1].at,
            )
            assert day.minutes == (punches[1].at - punches[0].at) // timedelta(minutes=1) != 12 * 60, zone


def changing_nights(zone: ZoneInfo) -> list[date]:
    """Days whose following night does not last as long as the wall clock says."""
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(365))
    offsets = [(day, datetime.combine(day, time(22), tzinfo=zone).utcoffset()) for day in days]
    return [
        day
        for day, offset in offsets
        if datetime.combine(day + timedelta(days=1), time(10), tzinfo=zone).utcoffset() != offset
    ]
