"""Hours as the console and one's own phone show them: words and wall times, ready for a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.attendance.model import (
    Anomaly,
    Correction,
    CorrectionDeed,
    CorrectionState,
    Direction,
    Punch,
    Stretch,
)
from postern.attendance.payrules import JURISDICTIONS, rule_book
from postern.attendance.timesheet import Timesheet, TimesheetDay
from postern.web.i18n import MONTHS, Words

_TONES = {CorrectionState.ASKED: "warn", CorrectionState.APPROVED: "good", CorrectionState.REFUSED: "bad"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mend:
    """What a form carries to ask for a correction; times by the clock on the site's wall."""

    day: str
    deed: str
    punch: str = ""
    at: str = ""
    direction: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnomalyRow:
    """What does not pair, in words; and what would mend it, where that can be guessed."""

    words: str
    suggestion: str = ""
    mend: Mend | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PunchRow:
    """A punch as a list and a choice show it."""

    id: UUID
    when: str
    way: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DayRow:
    """One day. Minutes that are nought are left empty."""

    day: date
    name: str
    shift: str
    times: str
    worked: str
    late: str
    early: str
    absent: str
    note: str
    anomalies: tuple[AnomalyRow, ...]
    breaches: tuple[str, ...]
    is_open: bool
    quiet: bool
    """Nothing was planned and nothing happened."""
    told: tuple[str, ...]
    """All that is said of it beside its times, for a narrow page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PayRow:
    """What a category comes to, and the article that says so."""

    name: str
    percent: str
    hours: str
    article: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionRow:
    """A correction and what became of it. `own`: whoever looks asked for it."""

    id: UUID
    day: str
    words: str
    reason: str
    state: str
    tone: str
    waits: bool
    own: bool


def duration(minutes: int) -> str:
    """Hours and minutes, as 7:30."""
    return f"{minutes // 60}:{minutes % 60:02}"


def some(minutes: int) -> str:
    """The same; empty for none."""
    return duration(minutes) if minutes else ""


def day_rows(sheet: Timesheet, zone: ZoneInfo, t: Words) -> tuple[DayRow, ...]:
    """Every day of the timesheet."""
    return tuple(_day(one, zone, t) for one in sheet.days)


def _day(one: TimesheetDay, zone: ZoneInfo, t: Words) -> DayRow:
    work = one.work
    notes = [one.public_holiday] if one.public_holiday else []
    if work.excused:
        notes.append(t("hours.excused"))
    shift = ", ".join(f"{_clock(s.start, zone)}–{_clock(s.end, zone)}" for s in work.shifts)
    is_open = work.open_since is not None
    late, early, absent = some(one.late), some(one.early), some(one.absent)
    counted = (("hours.shift", shift), ("hours.late", late), ("hours.early", early), ("hours.absent", absent))
    told = [f"{t(key)} {value}" for key, value in counted if value]
    return DayRow(
        day=one.day,
        name=f"{t(f'weekday.short-{one.day.weekday()}')} {one.day.day}",
        shift=shift,
        times=", ".join(_stretch(s, zone) for s in work.stretches),
        worked=some(one.minutes),
        late=late,
        early=early,
        absent=absent,
        note=t.listed(notes),
        anomalies=tuple(_anomaly(each, zone, t) for each in one.anomalies),
        breaches=tuple(
            f"{_label(each.rule, each.article, t.language)} ({each.article}): {duration(each.minutes)}"
            for each in one.breaches
        ),
        is_open=is_open,
        quiet=not (work.shifts or work.stretches or work.anomalies or work.open_since or notes),
        told=(*told, *([t("hours.at-work")] if is_open else []), *notes),
    )


def _stretch(one: Stretch, zone: ZoneInfo) -> str:
    return f"{_clock(one.start, zone)}–{_clock(one.end, zone)}"


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def _anomaly(one: Anomaly, zone: ZoneInfo, t: Words) -> AnomalyRow:
    words = t(f"hours.anomaly-{one.kind.value}", at=_clock(one.at, zone))
    wanted = one.suggestion
    if wanted is None:
        return AnomalyRow(words=words)
    at = "" if wanted.at is None else f"{wanted.at.astimezone(zone):%Y-%m-%dT%H:%M}"
    mend = Mend(
        day=one.day.isoformat(),
        deed=wanted.deed.value,
        punch=str(wanted.punch or ""),
        at=at,
        direction=wanted.direction.value if wanted.direction is not None else "",
    )
    return AnomalyRow(
        words=words, suggestion=_wanted(wanted.deed, wanted.at, wanted.direction, zone, t), mend=mend
    )


def _wanted(
    deed: CorrectionDeed, at: datetime | None, direction: Direction | None, zone: ZoneInfo, t: Words
) -> str:
    """What a correction would do, in words."""
    way = t(f"hours.way-{(direction or Direction.EITHER).value}")
    when = t.moment(at, zone) if at is not None else ""
    return t(f"hours.deed-{deed.value}", way=way, at=when)


def punch_rows(punches: Iterable[Punch], zone: ZoneInfo, t: Words) -> tuple[PunchRow, ...]:
    """Punches in their order."""
    return tuple(
        PunchRow(
            id=one.id,
            when=t.moment(one.at, zone),
            way=t(f"hours.way-{one.direction.value}"),
            source=t(f"hours.source-{one.source.value}"),
        )
        for one in sorted(punches, key=lambda one: one.at)
    )


def correction_rows(
    corrections: Sequence[Correction], zone: ZoneInfo, t: Words, asker: UUID | None
) -> tuple[CorrectionRow, ...]:
    """Corrections, what waits first, the latest before the others."""
    found = sorted(corrections, key=lambda one: one.asked_at, reverse=True)
    found.sort(key=lambda one: one.state is not CorrectionState.ASKED)
    return tuple(
        CorrectionRow(
            id=one.id,
            day=t.day(one.day),
            words=_wanted(one.deed, one.at, one.direction, zone, t),
            reason=one.reason,
            state=t(f"hours.state-{one.state.value}"),
            tone=_TONES[one.state],
            waits=one.state is CorrectionState.ASKED,
            own=one.by == asker,
        )
        for one in found
    )


def pay_rows(sheet: Timesheet, t: Words) -> tuple[PayRow, ...]:
    """What payroll pays, by category."""
    return tuple(
        PayRow(
            name=category(one.category, t),
            percent="" if one.percent is None else f"{one.percent.normalize():f} %",
            hours=duration(one.minutes),
            article=one.article,
        )
        for one in sheet.totals.categories
    )


def category(code: str, t: Words) -> str:
    """A category of pay in words."""
    return t.code("pay-category", code)


@cache
def _labels() -> dict[tuple[str, str, str], str]:
    return {
        (rule.id, rule.article, language): words
        for name in JURISDICTIONS
        for rule in rule_book(name).rules
        for language, words in rule.label.items()
    }


def _label(rule: str, article: str, language: str) -> str:
    """What the book of rules calls a rule."""
    return _labels().get((rule, article, language), rule.replace("-", " "))


def month_named(text: str, today: date) -> date:
    """The first day of the month that an address names as 2026-03; this month where it names none."""
    try:
        return min(date.fromisoformat(f"{text}-01"), today.replace(day=1))
    except ValueError:
        return today.replace(day=1)


def last_of(month: date) -> date:
    """The last day of the month."""
    return (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def month_before(month: date) -> date:
    """The first day of the month before."""
    return (month - timedelta(days=1)).replace(day=1)


def month_words(month: date, t: Words) -> str:
    """A month as this language writes it."""
    return (
        f"{month.year}年{month.month}月" if t.language == "zh" else f"{MONTHS[month.month - 1]} {month.year}"
    )


def wall_moment(text: str, zone: ZoneInfo) -> datetime:
    """A moment that was typed by the clock on the site's wall. Raises ValueError."""
    typed = datetime.fromisoformat(text)
    if typed.tzinfo is not None:
        raise ValueError("by the site's clock")
    return typed.replace(tzinfo=zone)
