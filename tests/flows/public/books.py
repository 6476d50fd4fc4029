"""Books in memory, which keep what they are told as the garage's own books do: each reference once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from postern.errors import Conflict, NotFound
from postern.money import Money
from postern.operations.parking.books import LikelySession, Owed, OwedLine, PaidNotice, PublicGarage
from postern.records.model import PictureRef

HOUR = Money(250, "EUR")


@dataclass
class DrawnCar:
    """A car inside: 2.50 EUR a started hour."""

    plate: str
    entered: datetime
    picture: PictureRef | None = None
    session: UUID = field(default_factory=uuid4)
    ticket: UUID | None = None


@dataclass
class DrawnBooks:
    cars: list[DrawnCar] = field(default_factory=list)
    paid: dict[str, PaidNotice] = field(default_factory=dict)
    refunded: dict[str, PaidNotice] = field(default_factory=dict)
    doubtful: dict[str, PaidNotice] = field(default_factory=dict)
    helped: list[tuple[UUID | None, str]] = field(default_factory=list)
    merchants: dict[str, str] = field(default_factory=lambda: {"bakery": "Drawn Bakery"})
    validated: set[UUID] = field(default_factory=set)
    told: int = 0

    async def likely(self, garage: PublicGarage, plate: str) -> Sequence[LikelySession]:
        return [
            LikelySession(session=car.session, entered=car.entered, picture=car.picture)
            for car in self.cars
            if car.plate == plate
        ]

    async def inside_with_pictures(self, garage: PublicGarage, limit: int) -> Sequence[LikelySession]:
        pictured = [car for car in self.cars if car.picture is not None]
        return [
            LikelySession(session=car.session, entered=car.entered, picture=car.picture)
            for car in pictured[:limit]
        ]

    async def ticketed(self, garage: PublicGarage) -> Mapping[UUID, UUID]:
        return {car.ticket: car.session for car in self.cars if car.ticket is not None}

    async def owed(self, garage: PublicGarage, session: UUID, at: datetime) -> Owed:
        car = next((one for one in self.cars if one.session == session), None)
        if car is None:
            raise NotFound("there is no such session")
        hours = max(1, -((car.entered - at) // timedelta(hours=1)))
        lines = [OwedLine(label="Each started hour", quantity=hours, unit="60 min", amount=HOUR * hours)]
        if session in self.validated:
            lines.append(OwedLine(label="Drawn Bakery", quantity=1, unit="validation", amount=-HOUR))
        total = sum((line.amount for line in lines), Money.zero("EUR"))
        paid = sum((one.amount for one in self.paid.values() if one.session == session), Money.zero("EUR"))
        owed = max(total - paid, Money.zero("EUR"))
        return Owed(
            session=session,
            lines=tuple(lines),
            total=total,
            vat=Money(total.amount * 19 // 119, "EUR"),
            vat_percent=Decimal(19),
            paid=paid,
            owed=owed,
            entered=car.entered,
            at=at,
            leave_by=at + timedelta(minutes=15),
        )

    async def note_paid(self, garage: PublicGarage, notice: PaidNotice) -> None:
        self.told += 1
        self.paid.setdefault(notice.reference, notice)

    async def note_refunded(self, garage: PublicGarage, notice: PaidNotice) -> None:
        self.refunded.setdefault(notice.reference, notice)

    async def note_doubtful(self, garage: PublicGarage, notice: PaidNotice, words: str) -> None:
        self.doubtful.setdefault(notice.reference, notice)

    async def validate(self, garage: PublicGarage, session: UUID, merchant: str) -> str:
        if merchant not in self.merchants:
            raise NotFound("this code belongs to no merchant")
        if session in self.validated:
            raise Conflict("this code was applied before")
        self.validated.add(session)
        return self.merchants[merchant]

    async def call_for_help(self, garage: PublicGarage, session: UUID | None, words: str) -> UUID:
        self.helped.append((session, words))
        return uuid4()
