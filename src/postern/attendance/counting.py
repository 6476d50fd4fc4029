"""What of the worked time counts: short rests, then grace, rounding and the shift's unpaid breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from postern.attendance.model import Shift, Stretch
from postern.attendance.pairing_rules import NO_GRACE, Grace, PairingRules


class _Span(NamedTuple):
    """A stretch on its way to what counts."""

    start: datetime
    end: datetime


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
    if not stretches:
        return ()
    spans = [_Span(one.start, one.end) for one in stretches]
    if goes_on is not None:
        seam = rules.rounding.of(goes_on, zone, is_start=True)
        spans.append(_Span(seam, seam))
    if rules.paid_rest:
        spans = list(_without_short_rests(spans, rules.paid_rest))
    if rules.grace != NO_GRACE:
        _grace(spans, shifts, rules.grace)
    whole: list[_Span] = []
    for one in spans:
        start = rules.rounding.of(one.start, zone, is_start=True)
        end = rules.rounding.of(one.end, zone, is_start=False)
        start = max(start, whole[-1].end) if whole else start
        if start < end:
            whole.append(_Span(start, end))
    if rules.deduct_breaks:
        taken = [one for one in breaks if one.length > rules.paid_rest]
        for shift in shifts:
            if not any(shift.start < one.end and one.start < shift.end for one in taken):
                whole = list(_without_breaks(whole, shift))
    return tuple(Stretch(start=one.start, end=one.end) for one in whole)


def _without_short_rests(spans: Sequence[_Span], longest: timedelta) -> Iterator[_Span]:
    current: _Span | None = None
    for one in spans:
        if current is not None and one.start - current.end <= longest:
            current = _Span(current.start, one.end)
            continue
        if current is not None:
            yield current
        current = one
    if current is not None:
        yield current


def _grace(spans: list[_Span], shifts: Sequence[Shift], grace: Grace) -> None:
    """Only the first coming and the last going of a shift are moved to it."""
    for shift in shifts:
        within = [n for n, one in enumerate(spans) if one.start < shift.end and shift.start < one.end]
        if not within:
            continue
        first, last = within[0], within[-1]
        start = _snapped(spans[first].start, shift.start, grace.before, grace.late)
        spans[first] = spans[first]._replace(start=min(start, spans[first].end))
        end = _snapped(spans[last].end, shift.end, grace.early, grace.after)
        spans[last] = spans[last]._replace(end=max(end, spans[last].start))


def _snapped(at: datetime, planned: datetime, before: timedelta, after: timedelta) -> datetime:
    """Seconds of a minute within the grace are within it too, as they are left out everywhere."""
    minute = at.replace(second=0, microsecond=0)
    return planned if planned - before <= minute <= planned + after else at


def _without_breaks(spans: Sequence[_Span], shift: Shift) -> Iterator[_Span]:
    unpaid = sorted((one for one in shift.breaks if not one.paid), key=lambda one: one.start)
    for one in spans:
        start = one.start
        for pause in unpaid:
            if pause.end <= start or one.end <= pause.start:
                continue
            if start < pause.start:
                yield _Span(start, pause.start)
            start = pause.end
        if start < one.end:
            yield _Span(start, one.end)
