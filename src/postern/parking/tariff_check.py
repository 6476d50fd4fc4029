"""No day without a period, no minute without a line, and never two of equal rank at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import pairwise

from postern.parking.tariff import EVERY_DAY, Period, TariffLine
from postern.parking.tariff_text import Entry

_DAY = 24 * 60
_WEEK = 7 * _DAY
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenPeriod:
    """A period with the entries that it and its lines were read from."""

    period: Period
    entry: Entry
    lines: tuple[Entry, ...]


def check(written: Sequence[WrittenPeriod], classes: Sequence[str]) -> None:
    """Raises BadInput that names the line of the text."""
    _check_dates(written)
    for one in written:
        for vehicle_class in classes:
            for since, until in _parts(one.period):
                _check_lines(one, vehicle_class, since, until)


def check_caps(written: Sequence[WrittenPeriod], to: int) -> None:
    """A total rounded up may not pass its cap, so caps are multiples of what totals are rounded to."""
    for one in written:
        for cap in (one.period.day_cap, one.period.cap_24h):
            if cap is not None and cap.amount.amount % to:
                raise one.entry.fault(f"{cap.label!r} is not a multiple of what totals are rounded to")
        for line, entry in zip(one.period.lines, one.lines, strict=True):
            if line.cap is not None and line.cap.amount % to:
                raise entry.fault("the cap is not a multiple of what totals are rounded to")


def _check_dates(written: Sequence[WrittenPeriod]) -> None:
    for earlier, later in pairwise(written):
        last = earlier.period.last
        if last is None:
            raise earlier.entry.fault("only the last period may leave out to; give this one its last day")
        if later.period.first <= last:
            raise later.entry.fault(f"overlaps with the period before it; let it begin after {last}")
        if later.period.first > last + timedelta(days=1):
            raise later.entry.fault(f"leaves days without prices; let it begin on {last + timedelta(days=1)}")
    if written[-1].period.last is not None:
        raise written[-1].entry.fault("leave out to in the last period, so that no day is without prices")


def _parts(period: Period) -> Iterator[tuple[timedelta, timedelta | None]]:
    """The parts of a session within which the same lines may be in force."""
    edges = {timedelta(0)} | {line.after for line in period.lines}
    ordered = sorted(edges | {line.until for line in period.lines if line.until is not None})
    yield from zip(ordered, (*ordered[1:], None), strict=True)


def _check_lines(
    written: WrittenPeriod, vehicle_class: str, since: timedelta, until: timedelta | None
) -> None:
    fits = [
        (line, entry)
        for line, entry in zip(written.period.lines, written.lines, strict=True)
        if (not line.vehicle_classes or vehicle_class in line.vehicle_classes)
        and line.after <= since
        and (line.until is None or (until is not None and until <= line.until))
    ]
    for rank, length in ((0, _WEEK), (1, _WEEK), (2, _DAY)):
        _refuse_overlap([one for one in fits if one[0].rank == rank], length, vehicle_class)
    spans = [span for line, _ in fits if line.rank < 2 for span in _spans(line)]
    missing = _first_gap(sorted(spans))
    if missing is not None:
        part = f" from {since // timedelta(minutes=1)} min after entry" if since else ""
        raise written.entry.fault(
            f"no line is in force on {_moment(missing)} for {vehicle_class}{part};"
            " add a line without when, for all other times"
        )


def _refuse_overlap(fits: Sequence[tuple[TariffLine, Entry]], length: int, vehicle_class: str) -> None:
    """Spans in order of their start: as long as no two lines met, one line alone reaches furthest."""
    ordered = sorted((*span, number) for number, (line, _) in enumerate(fits) for span in _spans(line))
    reached, holder = 0, 0
    for start, end, number in ordered:
        if start < reached and number != holder:
            (line, entry), (other, _) = fits[max(number, holder)], fits[min(number, holder)]
            moment = _moment(start) if length == _WEEK else f"special days {_clock(start)}"
            raise entry.fault(
                f"{line.label!r} and {other.label!r} are both in force on {moment} for {vehicle_class};"
                " change the hours, the classes or the part of the session of one of them"
            )
        if end > reached:
            reached, holder = end, number


def _spans(line: TariffLine) -> list[tuple[int, int]]:
    """Its spans in minutes of the week, or of any special day; what runs over the end begins anew."""
    if not line.when:
        return [(0, _WEEK)]
    length = _DAY if line.rank == 2 else _WEEK
    found = []
    for when in line.when:
        start, end = _minute(when.hours.start), _minute(when.hours.end)
        end += _DAY if end <= start else 0
        for day in (0,) if when.special_days else sorted(when.weekdays & EVERY_DAY):
            found.append((start + day * _DAY, min(end + day * _DAY, length)))
            if end + day * _DAY > length:
                found.append((0, end + day * _DAY - length))
    return found


def _first_gap(spans: Sequence[tuple[int, int]]) -> int | None:
    covered = 0
    for start, end in spans:
        if start > covered:
            break
        covered = max(covered, end)
    return covered if covered < _WEEK else None


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _moment(minute: int) -> str:
    return f"{_NAMES[minute // _DAY]} {_clock(minute % _DAY)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
