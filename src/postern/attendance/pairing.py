"""Punches, corrections and a roster -> work days. Pure, and the same at every repetition and in every order.

A stretch belongs to the day of the shift that it was worked in, also after midnight; unplanned work belongs
to the day of what it goes on from, though never more than one day back, or else to the day that it begins on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from postern.attendance.clocks import Quarantined, judge
from postern.attendance.correcting import corrected, excused
from postern.attendance.counting import counted
from postern.attendance.matching import Loose, Matched, Matching, match
from postern.attendance.model import (
    Anomaly,
    AnomalyKind,
    Correction,
    CorrectionDeed,
    Direction,
    Punch,
    Shift,
    Stretch,
    Suggestion,
    WorkDay,
)
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.planned import Plan, plan
from postern.attendance.roster import Roster
from postern.clock import aware

_DAY = timedelta(days=1)

MARGIN = timedelta(days=2)
"""Punches of so many days before the first day and after the last one decide about those days too."""


def pair(
    punches: Iterable[Punch],
    corrections: Iterable[Correction],
    roster: Roster,
    zone: ZoneInfo,
    *,
    first: date,
    last: date,
    rules: PairingRules,
    at: datetime,
) -> tuple[WorkDay, ...]:
    """Every day from `first` to `last`, as things stand at `at`. Give the punches of `MARGIN` around them.

    What lies after `at` has not happened yet and is left out.
    """
    whole = plan_about(roster, zone, first=first, last=last, rules=rules)
    return paired(punches, corrections, whole, first=first, last=last, rules=rules, at=at)


def plan_about(roster: Roster, zone: ZoneInfo, *, first: date, last: date, rules: PairingRules) -> Plan:
    """The shifts that pairing these days needs. Everybody who works by one roster shares them."""
    return plan(roster, first - MARGIN, last + MARGIN, zone, reach=rules.reach, day_change=rules.day_change)


def paired(
    punches: Iterable[Punch],
    corrections: Iterable[Correction],
    whole: Plan,
    *,
    first: date,
    last: date,
    rules: PairingRules,
    at: datetime,
) -> tuple[WorkDay, ...]:
    """The same by a plan that `plan_about` made for these days."""
    at = aware(at)
    corrections = tuple(corrections)
    punches = [one for one in corrected(punches, corrections) if one.at <= at or one.received_at is not None]
    wrong = list(_wrong_clocks(punches, whole, rules))
    aside = {one.punch for one in wrong}
    counts = [one for one in punches if one.at <= at and not (aside and one.id in aside)]
    found = match(counts, whole, rules, at)
    stretches, goes_on = _by_day(found.matched, whole, rules)
    anomalies = _grouped([*wrong, *(_anomaly(one, whole) for one in found.loose)])
    still_in = _still_in(found, stretches, whole, rules)
    free = excused(corrections)
    return tuple(
        _work_day(
            day,
            whole.on(day),
            stretches.get(day, []),
            anomalies.get(day, []),
            still_in.at if still_in is not None and still_in.day == day else None,
            goes_on=goes_on.get(day),
            excused=day in free,
            plan=whole,
            rules=rules,
            at=at,
        )
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
    )


def _work_day(
    day: date,
    shifts: tuple[Shift, ...],
    stretches: list[Stretch],
    anomalies: list[Anomaly],
    open_since: datetime | None,
    *,
    goes_on: datetime | None,
    excused: bool,
    plan: Plan,
    rules: PairingRules,
    at: datetime,
) -> WorkDay:
    breaks = tuple(
        Stretch(start=one.end, end=other.start)
        for one, other in pairwise(stretches)
        if one.end < other.start
        and other.start - one.end <= rules.longest_break
        and not plan.between_shifts(one.end, other.start)
    )
    if not excused and not anomalies and open_since is None:
        anomalies = [*_absent(shifts, stretches, at)]
    return WorkDay(
        day=day,
        shifts=shifts,
        stretches=tuple(stretches),
        counted=counted(stretches, breaks, shifts, rules, plan.zone, goes_on=goes_on),
        breaks=breaks,
        anomalies=tuple(sorted(anomalies, key=lambda one: (one.at, one.kind.value))),
        open_since=open_since,
        excused=excused,
    )


class _OnDay(NamedTuple):
    """A moment, and the work day that it belongs to whatever the calendar shows."""

    day: date
    at: datetime


def _by_day(
    matched: Sequence[Matched], plan: Plan, rules: PairingRules
) -> tuple[dict[date, list[Stretch]], dict[date, datetime]]:
    """Each day's stretches, and when unplanned work goes on in the next day's after a rest that is paid."""
    found: dict[date, list[Stretch]] = {}
    goes_on: dict[date, datetime] = {}
    before: _OnDay | None = None
    for one in matched:
        stretch = Stretch(start=one.came.at, end=one.went.at)
        day = _day_of(stretch, one.shift, before, plan, rules)
        rested = before is not None and stretch.start - before.at <= rules.paid_rest
        if before is not None and before.day < day and rested and not _within(stretch, one.shift):
            goes_on[before.day] = stretch.start
        found.setdefault(day, []).append(stretch)
        before = _OnDay(day=day, at=stretch.end)
    return found, goes_on


def _within(stretch: Stretch, shift: Shift | None) -> bool:
    return shift is not None and stretch.start < shift.end and shift.start < stretch.end


def _day_of(
    stretch: Stretch, shift: Shift | None, before: _OnDay | None, plan: Plan, rules: PairingRules
) -> date:
    if shift is not None and _within(stretch, shift):
        return shift.day
    own = _day(stretch.start, shift, plan)
    if before is not None and stretch.start - before.at <= rules.longest_break:
        return max(before.day, own - _DAY)
    return own


def _still_in(
    found: Matching, stretches: dict[date, list[Stretch]], plan: Plan, rules: PairingRules
) -> _OnDay | None:
    """The day that whoever is still in works on, and since when."""
    if found.still_in is None:
        return None
    came = found.still_in.at
    ended = [_OnDay(day=day, at=one.end) for day, all_of in stretches.items() for one in all_of]
    shift = plan.shift_at(came)
    planned = Stretch(start=came, end=max(came, shift.end) if shift is not None else came)
    before = max(ended, key=lambda one: one.at, default=None)
    return _OnDay(day=_day_of(planned, shift, before, plan, rules), at=came)


def _wrong_clocks(punches: Sequence[Punch], plan: Plan, rules: PairingRules) -> Iterator[Anomaly]:
    for one in punches:
        if one.device_at is None or one.received_at is None:
            continue
        judgement = judge(one.device_at, one.received_at, rules.clocks)
        if isinstance(judgement, Quarantined):
            likely = aware(judgement.likely)
            yield Anomaly(
                kind=AnomalyKind.WRONG_CLOCK,
                day=_day(likely, plan.shift_at(likely), plan),
                at=likely,
                punch=one.id,
                suggestion=Suggestion(
                    deed=CorrectionDeed.MOVE, punch=one.id, at=likely, direction=one.direction
                ),
            )


def _absent(shifts: Sequence[Shift], stretches: Sequence[Stretch], at: datetime) -> Iterator[Anomaly]:
    for shift in shifts:
        worked = any(one.start < shift.end and shift.start < one.end for one in stretches)
        if not worked and shift.end <= at:
            yield Anomaly(
                kind=AnomalyKind.ABSENT,
                day=shift.day,
                at=shift.start,
                suggestion=Suggestion(deed=CorrectionDeed.EXCUSE),
            )


def _anomaly(loose: Loose, plan: Plan) -> Anomaly:
    is_out = loose.kind is AnomalyKind.MISSING_OUT
    suggested = _likely_out(loose) if is_out else _likely_in(loose)
    return Anomaly(
        kind=loose.kind,
        day=_day(loose.punch.at, loose.shift, plan),
        at=loose.punch.at,
        punch=loose.punch.id,
        suggestion=Suggestion(
            deed=CorrectionDeed.ADD,
            at=suggested,
            direction=Direction.OUT if is_out else Direction.IN,
        ),
    )


def _likely_out(loose: Loose) -> datetime | None:
    """The start of a break, where somebody came back in the same shift; else the shift's end."""
    if loose.shift is None:
        return None
    if loose.next_at is None:
        return loose.shift.end if loose.shift.end > loose.punch.at else None
    starts = [one.start for one in loose.shift.breaks]
    return next((one for one in starts if loose.punch.at < one < loose.next_at), None)


def _likely_in(loose: Loose) -> datetime | None:
    """The end of a break, where somebody went before in the same shift; else the shift's start."""
    if loose.shift is None:
        return None
    if loose.last_went is None:
        return loose.shift.start if loose.shift.start < loose.punch.at else None
    ends = [one.end for one in loose.shift.breaks]
    return next((one for one in ends if loose.last_went < one < loose.punch.at), None)


def _day(at: datetime, shift: Shift | None, plan: Plan) -> date:
    return shift.day if shift is not None else plan.day_of(at)


def _grouped(anomalies: Sequence[Anomaly]) -> dict[date, list[Anomaly]]:
    found: dict[date, list[Anomaly]] = {}
    for one in anomalies:
        found.setdefault(one.day, []).append(one)
    return found
