"""An attendant takes the money for a driver's slip, which the driver reads out."""

from __future__ import annotations

from postern.errors import NotFound
from postern.ids import SiteId
from postern.journal.model import Act
from postern.operations.parking import checkout
from postern.operations.parking.checkout import Till
from postern.operations.parking.payment_attempts import Attempt
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require


async def take_for_slip(
    services: Services, till: Till, actor: Actor, site: SiteId, code: str, *, reason: str
) -> Attempt:
    """The money is in hand: book it, and let the driver leave; the payment as it is then.

    The journal entry is durable first. Raises NotFound for a code of nobody here, Refused for a slip that is
    over, BadInput without a reason. Said twice, it is booked once.
    """
    require(actor, Duty.TAKE_MONEY)
    reason = stated(reason)
    if till.desk is None:
        raise NotFound("drivers pay by card here; there are no slips")
    slip = await till.desk.find(code.strip().upper())
    attempt = await checkout.find(services, slip.reference)
    if (attempt.tenant, attempt.site) != (actor.tenant, site):
        raise NotFound("there is no slip with this code")
    async with services.database.transaction(actor.tenant) as tx:
        detail = f"site {site}: {attempt.amount.amount} {attempt.amount.currency} taken for a slip"
        await trace(services, tx, actor, Act.CHANGED, purpose=reason, detail=detail)
    paid = await till.desk.take_money(slip.id)
    return await checkout.settle(services, till, attempt, paid)
