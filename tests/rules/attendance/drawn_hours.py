"""Punches, rosters and corrections out of the words of a case."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo, available_timezones

from postern.access.model import DaySpan
from postern.attendance.model import (
    Correction,
    CorrectionDeed,
    CorrectionState,
    Direction,
    Punch,
    PunchSource,
    WorkDay,
)
from postern.attendance.pairing_rules import Grace, PairingRules, Rounding, RoundingMode
from postern.attendance.roster import BreakPattern, Roster, RosterChange, ShiftPattern, WeeklyShift
from postern.ids import PersonId, SiteId
from tests.rules.access.drawn_policy import moment

DST_ZONES = tuple(
    zone
    for zone in (ZoneInfo(name) for name in sorted(available_timezones()) if "/" in name)
    if len({datetime(2026, month, 15, tzinfo=zone).utcoffset() for month in range(1, 13)}) > 1
)
"""Every zone whose clocks change in the year: by an hour or half of one, at midnight, backwards in winter."""
SITE = SiteId(7)
PERSON = PersonId(uuid5(NAMESPACE_OID, "person"))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DIRECTIONS = {"in": Direction.IN, "out": Direction.OUT, "any": Direction.EITHER}


def identity(name: object) -> UUID:
    return uuid5(NAMESPACE_OID, str(name))


def drawn_punch(text: str, number: int, zone: str) -> Punch:
    """`2026-03-02 08:00 in`, or with `received 2026-03-02 08:01` where a device has a clock of its own."""
    words, _, received = text.partition(" received ")
    at, _, direction = words.rpartition(" ")
    return Punch(
        id=identity(number),
        at=moment(at, zone),
        direction=DIRECTIONS[direction],
        source=PunchSource.CARD,
        site=SITE,
        device_at=moment(at, zone) if received else None,
        received_at=moment(received, zone) if received else None,
    )


def drawn_worked(spans: dict[date, list[str]], zone: str) -> list[Punch]:
    """Each span as a coming and a going; what is earlier than what stands before it lies on the next day."""
    found: list[Punch] = []
    for first, texts in spans.items():
        day, before = first, ""
        for text in texts:
            start, end = text.split("-")
            day = first + timedelta(days=1) if start < before else day
            before = start
            later = day + timedelta(days=1) if end <= start else day
            for at, direction in ((f"{day} {start}", "in"), (f"{later} {end}", "out")):
                found.append(drawn_punch(f"{at} {direction}", len(found), zone))
    return found


def drawn_correction(text: str, number: int, zone: str) -> Correction:
    """`approved move 2 2026-03-02 17:00 out`: the state, the deed, the punch's number, the new time."""
    state, deed, *rest = text.split()
    punch = identity(int(rest.pop(0)) - 1) if deed in ("move", "remove") else None
    direction = DIRECTIONS[rest.pop()] if rest and rest[-1] in DIRECTIONS else None
    at = moment(" ".join(rest), zone) if len(rest) == 2 else None
    asked = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)) + timedelta(minutes=number)
    return Correction(
        id=identity(("correction", number)),
        person=PERSON,
        day=date.fromisoformat(rest[0]) if rest else date(2026, 1, 1),
        deed=CorrectionDeed(deed),
        reason="Forgotten",
        by=PERSON,
        asked_at=asked,
        punch=punch,
        at=at,
        direction=direction,
        state=CorrectionState(state),
        decided_by=identity("manager") if state != "asked" else None,
        decided_at=asked + timedelta(days=1) if state != "asked" else None,
    )


def span(text: str) -> DaySpan:
    start, end = (time.fromisoformat(one) for one in text.split("-"))
    return DaySpan(start=start, end=end)


def drawn_roster(words: dict[str, Any], changes: dict[date, list[str]] | None = None) -> Roster:
    """`mon-fri: [08:00-16:30]` and the break that all of its shifts have."""
    breaks = (BreakPattern(hours=span(words["break"])),) if "break" in words else ()

    def patterns(texts: list[str]) -> tuple[ShiftPattern, ...]:
        return tuple(ShiftPattern(name=text, hours=span(text), breaks=breaks) for text in texts)

    weekly = [
        WeeklyShift(weekdays=weekdays(days), pattern=pattern)
        for days, texts in words.items()
        if days.split("-")[0] in DAYS
        for pattern in patterns(texts)
    ]
    return Roster(
        weekly=tuple(weekly),
        changes=tuple(
            RosterChange(day=day, name="Change", patterns=patterns(texts))
            for day, texts in (changes or {}).items()
        ),
        follows_calendar=words.get("follows calendar", True),
    )


def weekdays(text: str) -> frozenset[int]:
    first, _, last = text.partition("-")
    start = DAYS.index(first)
    return frozenset(range(start, DAYS.index(last or first) + 1))


def drawn_rules(words: dict[str, Any]) -> PairingRules:
    def minutes(name: str) -> timedelta:
        return timedelta(minutes=words.get(name, 0))

    mode = RoundingMode.IN_FAVOUR if words.get("favour") else RoundingMode.NEAREST
    return PairingRules(
        rounding=Rounding(to=words.get("round", 1), mode=mode),
        grace=Grace(
            before=minutes("before"), late=minutes("late"), early=minutes("early"), after=minutes("after")
        ),
        paid_rest=minutes("paid rest"),
        deduct_breaks=words.get("deduct breaks", False),
        day_change=time.fromisoformat(words.get("day change", "00:00")),
    )


def clock_spans(day: WorkDay, zone: ZoneInfo) -> list[str]:
    """What counts, as the wall clock shows it."""
    return [f"{one.start.astimezone(zone):%H:%M}-{one.end.astimezone(zone):%H:%M}" for one in day.counted]
