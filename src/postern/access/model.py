"""Credential, Grant, AccessLevel, Schedule: who may pass where, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from uuid import UUID

from postern.errors import BadInput
from postern.ids import AccessLevelId, AccessPointId, CredentialId, ScheduleId, TenantId
from postern.spans import ALWAYS, Span


class SubjectKind(StrEnum):
    """What a holder is."""

    PERSON = "person"
    VEHICLE = "vehicle"
    VISIT = "visit"


class CredentialKind(StrEnum):
    """What is presented at a reader."""

    FACE = "face"
    PLATE = "plate"
    CARD = "card"
    PIN = "pin"
    QR = "qr"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What its holder may present.

    `value` is the normalised plate, the card number, the QR code's text, or for a PIN the keypad number that
    is typed before it; `secret` is the PIN's argon2id hash. A face has neither: its references are in the
    gallery.
    """

    id: CredentialId
    kind: CredentialKind
    value: str = ""
    secret: str | None = None
    valid: Span = ALWAYS
    revoked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A holder has an access level, for a span of time."""

    level: AccessLevelId
    valid: Span = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What a person, vehicle or visit may present, and where that lets it. Sealed under its identity key."""

    subject: UUID
    kind: SubjectKind
    credentials: tuple[Credential, ...] = ()
    grants: tuple[Grant, ...] = ()
    revoked: bool = False
    """Everything is refused at once, whatever the credentials and grants say."""
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DaySpan:
    """From `start` until just before `end` by the clock on the site's wall.

    An end at or before the start lies on the next day: 22:00–06:00 runs over midnight, 00:00–00:00 is a
    whole day. It belongs to the day it starts on.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise BadInput("a schedule's hours are the site's own and carry no time zone")


@dataclass(frozen=True, kw_only=True, slots=True)
class WeeklySpan:
    """The same span on some days of every week; Monday is 0."""

    weekdays: frozenset[int]
    span: DaySpan

    def __post_init__(self) -> None:
        if not self.weekdays <= frozenset(range(7)):
            raise BadInput("weekdays are 0 (Monday) to 6 (Sunday)")


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecialDay:
    """A date whose spans replace the week's; without spans it is closed all day."""

    day: date
    name: str
    spans: tuple[DaySpan, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Weekly spans and the special days that replace them. Without spans it is never open."""

    id: ScheduleId
    tenant: TenantId
    name: str
    weekly: tuple[WeeklySpan, ...] = ()
    special_days: tuple[SpecialDay, ...] = ()
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessLevel:
    """Access points and the schedule in which they open; without a schedule they open at any time."""

    id: AccessLevelId
    tenant: TenantId
    name: str
    access_points: frozenset[AccessPointId] = frozenset()
    schedule: ScheduleId | None = None
    version: int = 1
