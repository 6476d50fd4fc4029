"""The garage's books as the public counter asks them; it acts as a principal of its own, "driver"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from postern.errors import Conflict, NotFound
from postern.money import Money
from postern.operations.archive.hub_records import record
from postern.operations.parking.books import LikelySession, Owed, OwedLine, PaidNotice, PublicGarage
from postern.operations.parking.pay_session import (
    PaymentNotice,
    SessionPrice,
    is_payable,
    likely,
    note_payment,
    price_of,
    priced,
)
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.operations.sites.commands import have_lanes_ask
from postern.parking.cases import CaseKind
from postern.parking.rules import Rules
from postern.parking.session import Session
from postern.parking.validations import Validation
from postern.records.model import CorrectionRecord, Deed, RecordKey

DRIVER = "driver"
WAIVED = "waived"
"""Unit of the line of what the garage does not ask for any more."""
_AHEAD_MINUTES = 12 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterBooks:
    """A `Books`, on what `settle` keeps."""

    services: Services

    async def likely(self, garage: PublicGarage, plate: str) -> Sequence[LikelySession]:
        """See Books. A garage that is not set up has nobody inside."""
        try:
            now, _ = await settled(self.services, garage.tenant, garage.site)
        except NotFound:
            return []
        return [_shown(one) for one in likely(now, plate)]

    async def inside_with_pictures(self, garage: PublicGarage, limit: int) -> Sequence[LikelySession]:
        """See Books."""
        now, _ = await settled(self.services, garage.tenant, garage.site)
        pictured = [one for one in now.sessions.values() if one.is_inside and one.who.picture is not None]
        return [_shown(one) for one in sorted(pictured, key=lambda one: one.id)[:limit]]

    async def ticketed(self, garage: PublicGarage) -> Mapping[UUID, UUID]:
        """See Books."""
        now, _ = await settled(self.services, garage.tenant, garage.site)
        return {one.ticket: one.id for one in now.sessions.values() if one.ticket and is_payable(one)}

    async def owed(self, garage: PublicGarage, session: UUID, at: datetime) -> Owed:
        """See Books. While something is owed, `leave_by` is when the price rises, within twelve hours."""
        now = await price_of(self.services, garage.tenant, garage.site, session, at)
        _, rules = await settled(self.services, garage.tenant, garage.site)
        quote = now.price.net if now.price is not None else None
        currency = now.session.charged.currency
        lines = [
            OwedLine(label=one.label, quantity=one.quantity, unit=one.unit, amount=one.amount)
            for one in (quote.lines if quote is not None else ())
        ]
        if now.session.waived:
            lines.append(OwedLine(label=WAIVED, quantity=1, unit=WAIVED, amount=-now.session.waived))
        return Owed(
            session=session,
            lines=tuple(lines),
            total=quote.total if quote is not None else now.session.charged,
            vat=quote.vat if quote is not None else Money.zero(currency),
            vat_percent=quote.basis.tariff.vat_percent if quote is not None else Decimal(0),
            paid=now.session.paid,
            owed=now.owed,
            entered=now.session.entered_at,
            at=at,
            leave_by=now.leave_by if not now.owed else _rises_at(now, rules, at),
            left=now.session.left_at is not None,
        )

    async def note_paid(self, garage: PublicGarage, notice: PaidNotice) -> None:
        """See Books."""
        await self._note(garage, notice, Deed.PAID)

    async def note_refunded(self, garage: PublicGarage, notice: PaidNotice) -> None:
        """See Books."""
        await self._note(garage, notice, Deed.REFUNDED)

    async def note_doubtful(self, garage: PublicGarage, notice: PaidNotice, words: str) -> None:
        """See Books. The money is in the books, and a case is open."""
        del words  # the case's kind says it, in the attendant's language
        await self._note(garage, notice, Deed.PAID_IN_DOUBT)

    async def _note(self, garage: PublicGarage, notice: PaidNotice, deed: Deed) -> None:
        noted = PaymentNotice(
            deed=deed,
            session=notice.session,
            amount=notice.amount,
            provider=notice.provider,
            reference=notice.reference,
            quoted_at=notice.quoted_at,
        )
        await note_payment(self.services, garage.tenant, garage.site, noted)
        await self._have_lanes_ask(garage)

    async def validate(self, garage: PublicGarage, session: UUID, merchant: str) -> str:
        """See Books."""
        now, rules = await settled(self.services, garage.tenant, garage.site)
        found = now.sessions.get(session)
        if found is None:
            raise NotFound("there is no such session (any more)")
        given = _validation(rules, merchant)
        if given.id in found.validations:
            raise Conflict("this code was applied to this session before")
        correction = CorrectionRecord(
            at=self.services.clock.now(),
            deed=Deed.VALIDATED,
            operator=DRIVER,
            reason="a merchant's code",
            session=session,
            validation=given.id,
        )
        await self._correct(garage, correction)
        await self._have_lanes_ask(garage)
        return given.merchant

    async def call_for_help(self, garage: PublicGarage, session: UUID | None, words: str) -> UUID:
        """See Books."""
        correction = CorrectionRecord(
            at=self.services.clock.now(), deed=Deed.HELP, operator=DRIVER, reason=words, session=session
        )
        key = await self._correct(garage, correction)
        _, rules = await settled(self.services, garage.tenant, garage.site)
        return rules.naming.of(key, CaseKind.HELP.value)

    async def _correct(self, garage: PublicGarage, correction: CorrectionRecord) -> RecordKey:
        async with self.services.database.transaction(garage.tenant) as tx:
            (key,) = await record(self.services, tx, garage.tenant, garage.site, [correction])
        await settled(self.services, garage.tenant, garage.site)
        return key

    async def _have_lanes_ask(self, garage: PublicGarage) -> None:
        """Whoever stands at a barrier and has paid is let out at once."""
        async with self.services.database.transaction(garage.tenant) as tx:
            await have_lanes_ask(self.services, tx, garage.site)


def _shown(session: Session) -> LikelySession:
    return LikelySession(session=session.id, entered=session.entered_at, picture=session.who.picture)


def _validation(rules: Rules, code: str) -> Validation:
    """The validation of that code, of a merchant who still takes over prices."""
    for one in rules.merchants:
        for given in one.validations:
            if one.ended is None and given.code == code:
                return given
    raise NotFound("this code belongs to no merchant of this garage")


def _rises_at(now: SessionPrice, rules: Rules, at: datetime) -> datetime | None:
    """The last full minute at which no more is owed than now. A price never falls, so halving finds it."""

    def owed_after(minutes: int) -> Money:
        return priced(now.session, rules, at + timedelta(minutes=minutes)).owed

    if now.session.left_at is not None or owed_after(_AHEAD_MINUTES) <= now.owed:
        return None
    holds, rises = 0, _AHEAD_MINUTES
    while rises - holds > 1:
        middle = (holds + rises) // 2
        if owed_after(middle) <= now.owed:
            holds = middle
        else:
            rises = middle
    return at + timedelta(minutes=holds)
