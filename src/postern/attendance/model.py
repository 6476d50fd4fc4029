"""Punch, Shift, Roster, Correction, Anomaly, WorkDay: what hours are made of.

A **work day** is the day a shift starts on: what is worked after midnight of a night shift belongs to the
day before. Pay rules look at the minutes themselves, so that a Sunday is a Sunday whatever day the shift
belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from postern.clock import aware
from postern.ids import AccessPointId, PersonId, SiteId

_MINUTE = timedelta(minutes=1)


class Direction(StrEnum):
    """Which way a punch goes; `EITHER` where one reader serves both, and the order decides."""

    IN = "in"
    OUT = "out"
    EITHER = "either"


class PunchSource(StrEnum):
    """What a punch was made with."""

    FACE = "face"
    CARD = "card"
    PIN = "pin"
    QR = "qr"
    PLATE = "plate"
    PHONE = "phone"
    MANAGER = "manager"


@dataclass(frozen=True, kw_only=True, slots=True)
class Punch:
    """Somebody came or went at `at`, as it counts.

    `device_at` and `received_at` are kept where a device with a clock of its own sent it, so that a wrong
    clock can be seen (`clocks.judge`).
    """

    id: UUID
    at: datetime
    direction: Direction
    source: PunchSource
    site: SiteId
    point: AccessPointId | None = None
    device_at: datetime | None = None
    received_at: datetime | None = None

    def __post_init__(self) -> None:
        for at in (self.at, self.device_at, self.received_at):
            if at is not None:
                aware(at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """From `start` until just before `end`, both aware: time worked, or a break taken."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if aware(self.end) < aware(self.start):
            raise ValueError("a stretch cannot end before it starts")

    @property
    def length(self) -> timedelta:
        """How long it lasts, whatever the wall clock did in between."""
        return aware(self.end) - aware(self.start)

    @property
    def minutes(self) -> int:
        """Its whole minutes."""
        return _minutes(self.start, self.end)


def _minutes(start: datetime, end: datetime) -> int:
    return (aware(end) - aware(start)) // _MINUTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """A break that a shift has; unpaid unless it says otherwise."""

    start: datetime
    end: datetime
    paid: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """When somebody is expected, as moments. `day`: the day it starts on by the site's wall clock."""

    day: date
    start: datetime
    end: datetime
    breaks: tuple[Break, ...] = ()
    name: str = ""

    @property
    def minutes(self) -> int:
        """The minutes that it asks for: its length without unpaid breaks."""
        unpaid = [_minutes(one.start, one.end) for one in self.breaks if not one.paid]
        return _minutes(self.start, self.end) - sum(unpaid)


class CorrectionDeed(StrEnum):
    """What a correction asks for. `EXCUSE`: the day's absence, lateness or early leaving is excused."""

    ADD = "add"
    MOVE = "move"
    REMOVE = "remove"
    EXCUSE = "excuse"


class CorrectionState(StrEnum):
    """Only what is approved changes hours."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """A new entry beside the punches, never a change of one.

    ADD has `at` and `direction`; MOVE has `punch` and `at`, and `direction` where it changes too; REMOVE has
    `punch`; EXCUSE has only its day. `by` and `decided_by` are a person's or an operator's id.
    """

    id: UUID
    person: PersonId
    day: date
    deed: CorrectionDeed
    reason: str
    by: UUID
    asked_at: datetime
    punch: UUID | None = None
    at: datetime | None = None
    direction: Direction | None = None
    state: CorrectionState = CorrectionState.ASKED
    decided_by: UUID | None = None
    decided_at: datetime | None = None


class AnomalyKind(StrEnum):
    """Why punches do not pair, or a shift has none."""

    MISSING_IN = "missing-in"
    MISSING_OUT = "missing-out"
    WRONG_CLOCK = "wrong-clock"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """The correction that would mend an anomaly, for a person to confirm or change."""

    deed: CorrectionDeed
    punch: UUID | None = None
    at: datetime | None = None
    direction: Direction | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Anomaly:
    """Something on `day` that a person has to look at; minutes that it leaves out are counted nowhere."""

    kind: AnomalyKind
    day: date
    at: datetime
    punch: UUID | None = None
    suggestion: Suggestion | None = None

    @property
    def text_key(self) -> str:
        """Its words in the catalogues."""
        return f"anomaly_{self.kind.value.replace('-', '_')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkDay:
    """One day of one person.

    `stretches`: worked, as punched. `counted`: the same after rounding and grace, in whole minutes; hours and
    pay are made of these. `breaks`: what lies between stretches of one shift. `open_since`: whoever is still
    at work came then; nothing is counted of it yet.
    """

    day: date
    shifts: tuple[Shift, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    counted: tuple[Stretch, ...] = ()
    breaks: tuple[Stretch, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    open_since: datetime | None = None
    excused: bool = False

    @property
    def shift(self) -> Shift | None:
        """The day's first shift; a split shift has more."""
        return self.shifts[0] if self.shifts else None

    @property
    def minutes(self) -> int:
        """The minutes that count as worked."""
        return sum(one.minutes for one in self.counted)
