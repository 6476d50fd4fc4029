"""What documents about people's hours look like."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from postern.attendance.asking import WantedCorrection
from postern.attendance.model import (
    Anomaly,
    AnomalyKind,
    Correction,
    CorrectionDeed,
    CorrectionState,
    Direction,
    Punch,
    PunchSource,
)
from postern.attendance.pay import LineKind
from postern.attendance.periods import PeriodDeed, PeriodEntry
from postern.attendance.timesheet import Timesheet, TimesheetDay
from postern.operations.attendance.closed import ClosedHours
from postern.operations.attendance.timesheets import Hours

TEXT = 200


class PunchOut(BaseModel):
    """Somebody came or went. `received_at` beside `device_at`: where a device's clock is in doubt."""

    id: UUID
    at: datetime
    direction: Direction
    source: PunchSource
    site: int
    device_at: datetime | None
    received_at: datetime | None

    @classmethod
    def of(cls, one: Punch) -> PunchOut:
        """From the books'."""
        return cls(
            id=one.id,
            at=one.at,
            direction=one.direction,
            source=one.source,
            site=one.site,
            device_at=one.device_at,
            received_at=one.received_at,
        )


class SuggestionOut(BaseModel):
    """The correction that would mend an anomaly."""

    deed: CorrectionDeed
    punch: UUID | None
    at: datetime | None
    direction: Direction | None


class AnomalyOut(BaseModel):
    """Something that a person has to look at."""

    kind: AnomalyKind
    day: date
    at: datetime
    punch: UUID | None
    suggestion: SuggestionOut | None

    @classmethod
    def of(cls, one: Anomaly) -> AnomalyOut:
        """From the timesheet's."""
        found = one.suggestion
        return cls(
            kind=one.kind,
            day=one.day,
            at=one.at,
            punch=one.punch,
            suggestion=None
            if found is None
            else SuggestionOut(deed=found.deed, punch=found.punch, at=found.at, direction=found.direction),
        )


class CorrectionOut(BaseModel):
    """A correction, and what became of it."""

    id: UUID
    day: date
    deed: CorrectionDeed
    reason: str
    asked_at: datetime
    punch: UUID | None
    at: datetime | None
    direction: Direction | None
    state: CorrectionState
    decided_at: datetime | None

    @classmethod
    def of(cls, one: Correction) -> CorrectionOut:
        """From the books'."""
        return cls(
            id=one.id,
            day=one.day,
            deed=one.deed,
            reason=one.reason,
            asked_at=one.asked_at,
            punch=one.punch,
            at=one.at,
            direction=one.direction,
            state=one.state,
            decided_at=one.decided_at,
        )


class SpanOut(BaseModel):
    """From `start` until just before `end`."""

    start: datetime
    end: datetime


class LineOut(BaseModel):
    """So many minutes at a percentage, and the article that says so."""

    category: str
    kind: LineKind
    minutes: int
    percent: Decimal | None
    article: str


class BreachOut(BaseModel):
    """A limit of the law that was not kept, by so many minutes."""

    rule: str
    minutes: int
    article: str


class DayOut(BaseModel):
    """One day; minutes throughout."""

    day: date
    worked: int
    planned: int
    late: int
    early: int
    absent: int
    public_holiday: str | None
    spans: list[SpanOut]
    lines: list[LineOut]
    breaches: list[BreachOut]
    anomalies: list[AnomalyOut]

    @classmethod
    def of(cls, one: TimesheetDay) -> DayOut:
        """From the timesheet's."""
        return cls(
            day=one.day,
            worked=one.minutes,
            planned=one.planned,
            late=one.late,
            early=one.early,
            absent=one.absent,
            public_holiday=one.public_holiday,
            spans=[SpanOut(start=span.start, end=span.end) for span in one.work.counted],
            lines=[
                LineOut(
                    category=line.category,
                    kind=line.kind,
                    minutes=line.minutes,
                    percent=line.percent,
                    article=line.article,
                )
                for line in one.lines
            ],
            breaches=[
                BreachOut(rule=breach.rule, minutes=breach.minutes, article=breach.article)
                for breach in one.breaches
            ],
            anomalies=[AnomalyOut.of(anomaly) for anomaly in one.anomalies],
        )


class TimesheetOut(BaseModel):
    """The days from `first` to `last`, and the totals in minutes."""

    first: date
    last: date
    worked: int
    planned: int
    late: int
    early: int
    absent: int
    categories: list[LineOut]
    days: list[DayOut]

    @classmethod
    def of(cls, one: Timesheet) -> TimesheetOut:
        """From the rules'."""
        return cls(
            first=one.first,
            last=one.last,
            worked=one.totals.worked,
            planned=one.totals.planned,
            late=one.totals.late,
            early=one.totals.early,
            absent=one.totals.absent,
            categories=[
                LineOut(
                    category=line.category,
                    kind=line.kind,
                    minutes=line.minutes,
                    percent=line.percent,
                    article=line.article,
                )
                for line in one.totals.categories
            ],
            days=[DayOut.of(day) for day in one.days],
        )


class HoursOut(BaseModel):
    """Somebody's hours. `closed`: the period they come from; `differs`: what is recorded now says otherwise.

    `approved`: a manager approved just these; `outdated`: approved were others.
    """

    person: UUID
    name: str
    employee_number: str | None
    site: int
    timesheet: TimesheetOut
    punches: list[PunchOut]
    corrections: list[CorrectionOut]
    approved: bool
    outdated: bool
    closed: int | None
    differs: bool

    @classmethod
    def of(cls, one: Hours) -> HoursOut:
        """From the operation's."""
        return cls(
            person=one.person,
            name=one.name,
            employee_number=one.employee_number,
            site=one.site,
            timesheet=TimesheetOut.of(one.timesheet),
            punches=[PunchOut.of(each) for each in one.punches],
            corrections=[CorrectionOut.of(each) for each in one.corrections],
            approved=one.approval is not None,
            outdated=one.outdated,
            closed=one.closed,
            differs=one.differs,
        )


class TeamHoursOut(BaseModel):
    """A page of people, by name; `total` is how many there are."""

    total: int
    people: list[HoursOut]


class PunchIn(BaseModel):
    """A punch that was forgotten, and why it is entered."""

    at: AwareDatetime
    direction: Direction
    reason: str = Field(max_length=TEXT)


class CorrectionIn(BaseModel):
    """ADD has `at` and `direction`; MOVE has `punch` and `at`; REMOVE has `punch`; EXCUSE has its day."""

    day: date
    deed: CorrectionDeed
    reason: str = Field(max_length=TEXT)
    punch: UUID | None = None
    at: AwareDatetime | None = None
    direction: Direction | None = None

    def wanted(self) -> WantedCorrection:
        """As the operation takes it."""
        return WantedCorrection(
            day=self.day,
            deed=self.deed,
            reason=self.reason,
            punch=self.punch,
            at=self.at,
            direction=self.direction,
        )


class DecisionIn(BaseModel):
    """Whether the correction counts; a refusal says why."""

    approve: bool
    reason: str = Field(default="", max_length=TEXT)


class MadeOut(BaseModel):
    """The id of what was made."""

    id: UUID


class PeriodIn(BaseModel):
    """Days to close; with a reason, although something does not pair."""

    first: date
    last: date
    reason: str = Field(default="", max_length=TEXT)


class WhyIn(BaseModel):
    """Why, for the journal."""

    reason: str = Field(max_length=TEXT)


class PeriodOut(BaseModel):
    """An entry about a period. `of`: which entry it reopens."""

    number: int
    deed: PeriodDeed
    first: date
    last: date
    at: datetime
    by: str
    reason: str
    people: int
    of: int | None

    @classmethod
    def from_entry(cls, one: PeriodEntry) -> PeriodOut:
        """From the store's."""
        return cls(
            number=one.number,
            deed=one.deed,
            first=one.first,
            last=one.last,
            at=one.at,
            by=one.by,
            reason=one.reason,
            people=len(one.people),
            of=one.of,
        )


class ClosedHoursOut(BaseModel):
    """Somebody's hours of a closed period."""

    person: UUID
    name: str
    employee_number: str | None
    approved: bool
    timesheet: TimesheetOut

    @classmethod
    def of(cls, one: ClosedHours) -> ClosedHoursOut:
        """From the operation's."""
        return cls(
            person=one.person,
            name=one.name,
            employee_number=one.employee_number,
            approved=one.approved,
            timesheet=TimesheetOut.of(one.timesheet),
        )
