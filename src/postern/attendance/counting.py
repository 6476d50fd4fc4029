"""What of the worked time counts: short rests, then grace, rounding and the shift's unpaid breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from postern.attendance.model import Shift, Stretch
from postern.attendance.pairing_rules import Grace, PairingRules


def counted(
    stretches: Sequence[Stretch],
    breaks: Sequence[Stretch],
    shifts: Sequence[Shift],
    rules: PairingRules,
    zone: ZoneInfo,
    *,
    goes_on: datetime | None = None,
) -> tuple[Stretch, ...]:
    """Whole minutes, in order, never overlapping. Rounding never turns time into less than nothing.

    `goes_on`: when the next day's work begins, where the rest before it is short enough to be paid.
    """
    if goes_on is not None:
        seam = rules.rounding.of(goes_on, zone, is_start=True)
        stretches = [*stretches, Stretch(start=seam, end=seam)]
    joined = list(_without_short_rests(stretches, rules.paid_rest))
    graced = _graced(joined, shifts, rules.grace)
    whole: list[Stretch] = []
    for one in graced:
        start = rules.rounding.of(one.start, zone, is_start=True)
        end = rules.rounding.of(one.end, zone, is_start=False)
        start = max(start, whole[-1].end) if whole else start
        if start < end:
            whole.append(Stretch(start=start, end=end))
    if rules.deduct_breaks:
        taken = [one for one in breaks if one.length > rules.paid_rest]
        for shift in shifts:
            if not any(shift.start < one.end and one.start < shift.end for one in taken):
                whole = list(_without_breaks(whole, shift))
    return tuple(whole)


def _without_short_rests(stretches: Sequence[Stretch], longest: timedelta) -> Iterator[Stretch]:
    current: Stretch | None = None
    for one in stretches:
        if current is not None and longest and one.start - current.end <= longest:
            current = Stretch(start=current.start, end=one.end)
            continue
        if current is not None:
            yield current
        current = one
    if current is not None:
        yield current


def _graced(stretches: list[Stretch], shifts: Sequence[Shift], grace: Grace) -> list[Stretch]:
    """Only the first coming and the last going of a shift are moved to it."""
    found = list(stretches)
    for shift in shifts:
        within = [n for n, one in enumerate(found) if one.start < shift.end and shift.start < one.end]
        if not within:
            continue
        first, last = within[0], within[-1]
        start = _snapped(found[first].start, shift.start, grace.before, grace.late)
        found[first] = replace(found[first], start=min(start, found[first].end))
        end = _snapped(found[last].end, shift.end, grace.early, grace.after)
        found[last] = replace(found[last], end=max(end, found[last].start))
    return found


def _snapped(at: datetime, planned: datetime, before: timedelta, after: timedelta) -> datetime:
    """Seconds of a minute within the grace are within it too, as they are left out everywhere."""
    minute = at.replace(second=0, microsecond=0)
    return planned if planned - before <= minute <= planned + after else at


def _without_breaks(stretches: Sequence[Stretch], shift: Shift) -> Iterator[Stretch]:
    unpaid = sorted((one for one in shift.breaks if not one.paid), key=lambda one: one.start)
    for one in stretches:
        start = one.start
        for pause in unpaid:
            if pause.end <= start or one.end <= pause.start:
                continue
            if start < pause.start:
                yield Stretch(start=start, end=pause.start)
            start = pause.end
        if start < one.end:
            yield Stretch(start=start, end=one.end)
