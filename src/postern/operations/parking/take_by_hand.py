"""Money that an operator takes or gives back by hand: in cash, or by an invoice."""

from __future__ import annotations

from uuid import UUID

from postern.errors import BadInput, NotFound
from postern.ids import SiteId, new_id
from postern.journal.model import Act
from postern.money import parse
from postern.operations.archive.hub_records import record
from postern.operations.parking.pay_session import SessionPrice, price_of
from postern.operations.parking.settle import settled
from postern.operations.parking.settle_read import BY_HAND
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.records.model import Deed, PaymentRecord


async def take_by_hand(
    services: Services, actor: Actor, site: SiteId, session: UUID, *, amount: str, reason: str
) -> SessionPrice:
    """Book what was taken (`12.50`) or given back (`-12.50`) for the session; how it stands then.

    Raises BadInput for no amount or no reason, NotFound. The record and the journal entry are one.
    """
    require(actor, Duty.TAKE_MONEY)
    reason = stated(reason)
    garage, rules = await settled(services, actor.tenant, site)
    if session not in garage.sessions:
        raise NotFound("there is no such session (any more)")
    money = parse(amount, rules.settings.currency)
    if not money:
        raise BadInput("give the amount that was taken or given back")
    now = services.clock.now()
    told = PaymentRecord(
        at=now,
        deed=Deed.PAID if money.amount > 0 else Deed.REFUNDED,
        session=session,
        amount=abs(money.amount),
        currency=money.currency,
        provider=BY_HAND,
        reference=f"{BY_HAND}-{new_id().hex}",
    )
    async with services.database.transaction(actor.tenant) as tx:
        await record(services, tx, actor.tenant, site, [told])
        what = "taken" if money.amount > 0 else "given back"
        detail = f"site {site}, session {session}: {abs(money.amount)} {money.currency} {what} by hand"
        await trace(services, tx, actor, Act.CHANGED, purpose=reason, detail=detail)
    await settled(services, actor.tenant, site)
    return await price_of(services, actor.tenant, site, session)
