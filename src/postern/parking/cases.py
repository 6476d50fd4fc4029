"""Cases: what a rule must not settle by itself, for an attendant to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from postern.ids import AccessPointId, SiteId
from postern.money import Money
from postern.parking.session import NOBODY, Who
from postern.records.model import RecordKey


class CaseKind(StrEnum):
    """Why a person has to look."""

    UNREADABLE = "unreadable"
    MISSING_ENTRY = "missing-entry"
    MISSING_EXIT = "missing-exit"
    AMBIGUOUS = "ambiguous"
    """It could be one of several vehicles inside, or was not read surely enough to say."""
    FOREIGN = "foreign"
    """Left without paying, under a plate of another country."""
    CLONED = "cloned"
    """One plate drove in twice and did not leave in between."""
    TWO_VEHICLES = "two-vehicles"
    REVERSED_OUT = "reversed-out"
    UNPAID_EXIT = "unpaid-exit"
    WAITING = "waiting"
    """Somebody stands at a barrier and waits for an answer."""
    HELP = "help"
    """Somebody asked for help at a lane."""
    UNKNOWN_SESSION = "unknown-session"
    """A payment for a session that there is not."""
    WRONG_AMOUNT = "wrong-amount"
    REFUND_FAILED = "refund-failed"
    TOO_LATE = "too-late"
    """It was recorded so long before it arrived that the books of its day are closed."""


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    """By a person."""
    SETTLED = "settled"
    """By what happened afterwards: it was paid, or a late record explained it."""
    NOTED = "noted"
    """Worth knowing; nobody has to do anything."""


class Resolution(StrEnum):
    """What an attendant can do about a case."""

    CORRECT_PLATE = "correct-plate"
    PAIR = "pair"
    """State which session it is."""
    OPEN = "open"
    """Let the vehicle drive, and settle later."""
    WAIVE = "waive"
    SEND_PAY_LINK = "send-pay-link"
    DISMISS = "dismiss"
    """Nothing is wrong, or nothing can be done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """Who resolved a case, how and why."""

    at: datetime
    operator: str
    resolution: Resolution
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Something to look at. `who` was seen at `lane`; `session` is what it is about, as far as that is known,
    `candidates` the sessions that it may be. `owed`: the money in question."""

    id: UUID
    site: SiteId
    kind: CaseKind
    opened_at: datetime
    state: CaseState = CaseState.OPEN
    lane: AccessPointId | None = None
    way_out: bool = False
    who: Who = NOBODY
    session: UUID | None = None
    candidates: tuple[UUID, ...] = ()
    owed: Money | None = None
    reference: str = ""
    """The provider's reference of a payment in question."""
    record: RecordKey | None = None
    """Of the vehicle at the lane: with it the attendant is shown the picture."""
    resolved: Resolved | None = None
    gone_at: datetime | None = None
    """When the vehicle had driven on: it no longer waits."""

    @property
    def time_to_answer(self) -> timedelta | None:
        """How long it took until a person resolved it."""
        return self.resolved.at - self.opened_at if self.resolved is not None else None

    @property
    def stands_at_barrier(self) -> bool:
        """Whether somebody waits for the answer at a barrier."""
        return self.kind in (CaseKind.WAITING, CaseKind.HELP) and self.gone_at is None
