"""What happened to a garage, as the books take it in: made from passages, payments and corrections.

`key` is the record it was made from; (at, agent, seq) is the order in which the books take happenings,
however late they arrive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from postern.ids import AccessPointId
from postern.money import Money
from postern.parking.cases import Resolution
from postern.parking.session import NOBODY, Who
from postern.records.model import RecordKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What every happening has."""

    key: RecordKey
    at: datetime

    @property
    def order(self) -> tuple[datetime, int, int]:
        """Where it belongs among the others."""
        return self.at, self.key.agent, self.key.seq


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered(Seen):
    """A vehicle drove in. `opening`: when its passage was over; equal for two that shared one.

    `erased`: whose it was is not known any more, and is not asked; what it had of permits stays as it was.
    """

    lane: AccessPointId
    who: Who = NOBODY
    opening: datetime
    erased: bool = False
    permit: UUID | None = None
    near_a_permit: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Left(Seen):
    """A vehicle drove out. `session`: known from before, where the record does not tell any more."""

    lane: AccessPointId
    who: Who = NOBODY
    opening: datetime
    session: UUID | None = None
    erased: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnedBack(Seen):
    """The barrier opened for a vehicle, and it did not drive through."""

    lane: AccessPointId
    way_out: bool
    who: Who = NOBODY


@dataclass(frozen=True, kw_only=True, slots=True)
class Stood(Seen):
    """A vehicle stands at the barrier and was not let through yet. `waiting`: for a person's answer."""

    lane: AccessPointId
    way_out: bool
    who: Who = NOBODY
    waiting: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LetThrough(Seen):
    """Somebody opened the barrier from afar, and a vehicle drove through one of these lanes."""

    lanes: tuple[AccessPointId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedForHelp(Seen):
    """Somebody asked for help at a lane."""

    lane: AccessPointId | None
    session: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Paid(Seen):
    """Money came in, for a session as far as the payer stated one."""

    session: UUID | None
    amount: Money
    reference: str
    quoted_at: datetime | None = None
    by_hand: bool = False
    """In cash or by invoice, as an operator recorded it."""
    doubtful: bool = False
    """It does not fit what was asked for, as whoever took it says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refunded(Seen):
    """Money went back; `done` False when the provider refused."""

    session: UUID | None
    amount: Money
    reference: str
    by_hand: bool = False
    done: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Validated(Seen):
    """A merchant takes over a part of the price."""

    session: UUID
    validation: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected(Seen):
    """A person resolved a case, or corrected a session without one, and said why."""

    resolution: Resolution
    operator: str
    reason: str = field(repr=False)
    case: UUID | None = None
    session: UUID | None = None
    who: Who = NOBODY
    """With the plate as the person read it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CameLate(Seen):
    """A record of a day whose books are closed: a person has to look at it."""

    lane: AccessPointId
    way_out: bool
    who: Who = NOBODY


GarageHappening: TypeAlias = (
    Entered
    | Left
    | TurnedBack
    | Stood
    | LetThrough
    | AskedForHelp
    | Paid
    | Refunded
    | Validated
    | Corrected
    | CameLate
)
