"""What the public counter asks of a garage's books: who is inside, what a session owes, and that it paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.ids import SiteId, TenantId
from postern.money import Money
from postern.records.model import PictureRef


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicGarage:
    """A garage as its drivers know it."""

    tenant: TenantId
    site: SiteId
    name: str
    time_zone: ZoneInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class LikelySession:
    """A session inside whose plate is, or could be, the one that a driver typed."""

    session: UUID
    entered: datetime
    picture: PictureRef | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OwedLine:
    """A line of the price in the operator's own words; what is taken off is negative."""

    label: str
    quantity: int
    unit: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """What a session costs at `at`, what was paid, and what is left. `leave_by`: until when `owed` holds, or,
    when nothing is owed, until when the driver may leave."""

    session: UUID
    lines: tuple[OwedLine, ...]
    total: Money
    vat: Money
    vat_percent: Decimal
    paid: Money
    owed: Money
    entered: datetime
    at: datetime
    leave_by: datetime | None
    left: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PaidNotice:
    """Money that came in or went back, noted once for each `reference`, however often it is told.

    `quoted_at`: of which moment's price it is.
    """

    session: UUID
    provider: str
    reference: str
    amount: Money
    at: datetime
    quoted_at: datetime | None = None


class Books(Protocol):
    """The garage's books."""

    async def likely(self, garage: PublicGarage, plate: str) -> Sequence[LikelySession]:
        """The sessions inside that the typed plate could mean; none for a plate that is not inside."""
        ...

    async def inside_with_pictures(self, garage: PublicGarage, limit: int) -> Sequence[LikelySession]:
        """Others inside of whose entry there is a picture: what one's own is shown among."""
        ...

    async def ticketed(self, garage: PublicGarage) -> Mapping[UUID, UUID]:
        """The sessions for which one may pay and whose driver was shown a ticket, by the ticket."""
        ...

    async def owed(self, garage: PublicGarage, session: UUID, at: datetime) -> Owed:
        """The price now. Raises NotFound for a session that is not (any more)."""
        ...

    async def note_paid(self, garage: PublicGarage, notice: PaidNotice) -> None:
        """Once durable, the books have it and the lanes ask again."""
        ...

    async def note_refunded(self, garage: PublicGarage, notice: PaidNotice) -> None:
        """`amount` went back; `reference` is the refund's."""
        ...

    async def note_doubtful(self, garage: PublicGarage, notice: PaidNotice, words: str) -> None:
        """Money that does not fit what was asked for: a case for an attendant, one for each reference."""
        ...

    async def validate(self, garage: PublicGarage, session: UUID, merchant: str) -> str:
        """A merchant pays, as their code says; returns the merchant's name. Raises NotFound, Conflict."""
        ...

    async def call_for_help(self, garage: PublicGarage, session: UUID | None, words: str) -> UUID:
        """A driver asks for help; the id of the case."""
        ...
