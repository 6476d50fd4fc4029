"""The garage's books as the public counter asks them (`operations/books.py`)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from postern.errors import Conflict, NotFound
from postern.operations.books import LikelySession, Owed, OwedLine, PaidNotice, PublicGarage
from postern.operations.commands import ASK_AGAIN, send
from postern.operations.hub_records import record
from postern.operations.pay_session import PaymentNotice, likely, note_payment, price_of
from postern.operations.services import Services
from postern.operations.settle import settled
from postern.parking.cases import CaseKind
from postern.parking.session import Session
from postern.records.model import CorrectionRecord, Deed, RecordKey

DRIVER = "driver"
"""Who it is in the records, when a driver says something by phone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageBooks:
    """One hub's."""

    services: Services

    async def likely(self, garage: PublicGarage, plate: str) -> Sequence[LikelySession]:
        """The sessions to pay for that the typed plate could mean, nearest first."""
        state, _ = await settled(self.services, garage.tenant, garage.site)
        return [_likely(one) for one in likely(state, plate)]

    async def inside_with_pictures(self, garage: PublicGarage, limit: int) -> Sequence[LikelySession]:
        """Others inside, drawn anew each time."""
        state, _ = await settled(self.services, garage.tenant, garage.site)
        found = [one for one in state.sessions.values() if one.is_inside and one.who.picture is not None]
        secrets.SystemRandom().shuffle(found)
        return [_likely(one) for one in found[:limit]]

    async def owed(self, garage: PublicGarage, session: UUID, at: datetime) -> Owed:
        """The price now, line by line."""
        found = await price_of(self.services, garage.tenant, garage.site, session, at)
        known = found.session
        net = found.price.net if found.price is not None else None
        nothing = known.charged - known.charged
        return Owed(
            session=session,
            lines=tuple(
                OwedLine(label=one.label, quantity=one.quantity, unit=one.unit, amount=one.amount)
                for one in (net.lines if net is not None else ())
            ),
            total=net.total if net is not None else nothing,
            vat=net.vat if net is not None else nothing,
            vat_percent=net.basis.tariff.vat_percent if net is not None else Decimal(0),
            paid=known.paid + known.waived,
            owed=found.owed,
            entered=known.entered_at,
            at=at,
            leave_by=found.leave_by,
            left=known.left_at is not None,
        )

    async def note_paid(self, garage: PublicGarage, notice: PaidNotice) -> None:
        """Once durable, the books have it and the lanes ask again."""
        await self._note(garage, notice, Deed.PAID)
        async with self.services.database.transaction(garage.tenant) as tx:
            await send(
                self.services, tx, tenant=garage.tenant, site=garage.site, command=ASK_AGAIN, fields={}
            )

    async def note_refunded(self, garage: PublicGarage, notice: PaidNotice) -> None:
        """`amount` went back."""
        await self._note(garage, notice, Deed.REFUNDED)

    async def note_doubtful(self, garage: PublicGarage, notice: PaidNotice, words: str) -> None:
        """Money that does not fit what was asked for: a case says so, and its kind says the `words`."""
        del words
        await self._note(garage, notice, Deed.PAID_IN_DOUBT)

    async def _note(self, garage: PublicGarage, notice: PaidNotice, deed: Deed) -> None:
        told = PaymentNotice(
            deed=deed,
            session=notice.session,
            amount=notice.amount,
            provider=notice.provider,
            reference=notice.reference,
            quoted_at=notice.quoted_at,
        )
        await note_payment(self.services, garage.tenant, garage.site, told)

    async def validate(self, garage: PublicGarage, session: UUID, merchant: str) -> str:
        """A merchant pays, as their code says; returns the merchant's name. Raises NotFound, Conflict."""
        state, rules = await settled(self.services, garage.tenant, garage.site)
        known = state.sessions.get(session)
        if known is None:
            raise NotFound("there is no such session (any more)")
        found = next(
            (
                (one, given)
                for one in rules.merchants
                for given in one.validations
                if one.ended is None and secrets.compare_digest(given.code.encode(), merchant.encode())
            ),
            None,
        )
        if found is None:
            raise NotFound("this code belongs to no merchant of this garage")
        if found[1].id in known.validations:
            raise Conflict("this code was applied before")
        await self._correct(
            garage, Deed.VALIDATED, session=session, validation=found[1].id, reason="merchant's code"
        )
        return found[0].name

    async def call_for_help(self, garage: PublicGarage, session: UUID | None, words: str) -> UUID:
        """A driver asks for help; the id of the case."""
        key = await self._correct(garage, Deed.HELP, session=session, reason=words)
        _, rules = await settled(self.services, garage.tenant, garage.site)
        return rules.naming.of(key, CaseKind.HELP.value)

    async def _correct(
        self,
        garage: PublicGarage,
        deed: Deed,
        *,
        session: UUID | None,
        reason: str,
        validation: UUID | None = None,
    ) -> RecordKey:
        told = CorrectionRecord(
            at=self.services.clock.now(),
            deed=deed,
            operator=DRIVER,
            reason=reason,
            session=session,
            validation=validation,
        )
        async with self.services.database.transaction(garage.tenant) as tx:
            (key,) = await record(self.services, tx, garage.tenant, garage.site, [told])
        await settled(self.services, garage.tenant, garage.site)
        return key


def _likely(session: Session) -> LikelySession:
    return LikelySession(session=session.id, entered=session.entered_at, picture=session.who.picture)
