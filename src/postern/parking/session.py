"""Session: one vehicle's time in the garage, and the money that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from postern.ids import AccessPointId, SiteId
from postern.money import Money
from postern.records.model import PictureRef, RecordKey
from postern.vehicles.plates import comparison_form


@dataclass(frozen=True, kw_only=True, slots=True)
class Who:
    """What was seen of a vehicle at a lane: the part that is sealed under its own key when it is registered.

    `plate` is empty when it could not be read; `score` is recognition's, 0 to 1. `sure`: read surely
    enough for its lane. `stated`: by a person who looked.
    """

    plate: str = ""
    score: float = 0.0
    sure: bool = False
    stated: bool = False
    vehicle: UUID | None = None
    picture: PictureRef | None = None

    def reads_like(self, other: Who) -> bool:
        """Whether both show the same text, as far as cameras tell it apart."""
        return bool(self.plate) and _compared(self.plate) == _compared(other.plate)


@lru_cache(maxsize=16384)
def _compared(plate: str) -> str:
    return comparison_form(plate)


NOBODY = Who()


class SessionState(StrEnum):
    """Where a session stands. Only an open one counts as inside."""

    OPEN = "open"
    LEFT = "left"
    STALE = "stale"
    """So long without an exit that the vehicle has left unseen, or stands forgotten. With `left_at`: a
    permit's car whose plate drove in again, or whose bay another one needed, was taken to have left."""
    DISMISSED = "dismissed"
    """A person found that it was none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A vehicle's time inside. `entry` and `exit` are the records of its decisions, None where none was seen.

    Money: `charged` is what was asked for so far, `validated` what merchants take over of it, `waived` what
    is not asked for any more, `paid` what came in less what went back. `settled_at`: the last moment at which
    nothing was owed. `validations` are ids of the garage's. `permit` covered it at entry; `near_a_permit`:
    its plate was so near to a permit's that it may have been that one. `ticket`: the case in which it waited
    at the entry as its plate could not be read surely; the code that the kiosk showed for it.
    """

    id: UUID
    site: SiteId
    entered_at: datetime
    charged: Money
    validated: Money
    waived: Money
    paid: Money
    entry: RecordKey | None = None
    lane: AccessPointId | None = None
    who: Who = NOBODY
    vehicle_class: str = "car"
    permit: UUID | None = None
    near_a_permit: bool = False
    ticket: UUID | None = None
    validations: tuple[UUID, ...] = ()
    settled_at: datetime | None = None
    state: SessionState = SessionState.OPEN
    exit: RecordKey | None = None
    left_at: datetime | None = None

    @property
    def owed(self) -> Money:
        """What was asked for and has neither come in nor been let off; negative when too much came in."""
        return self.charged - self.validated - self.waived - self.paid

    @property
    def is_inside(self) -> bool:
        return self.state is SessionState.OPEN


def new_session(
    *, id: UUID, site: SiteId, entered_at: datetime, currency: str, entry: RecordKey | None = None
) -> Session:
    """A session in which no money has moved yet."""
    nothing = Money.zero(currency)
    return Session(
        id=id,
        site=site,
        entered_at=entered_at,
        charged=nothing,
        validated=nothing,
        waived=nothing,
        paid=nothing,
        entry=entry,
    )
