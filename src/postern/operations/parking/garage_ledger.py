"""A garage's ledger of some days, opened for somebody who may read it. It tells of nobody's plate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from postern.errors import BadInput
from postern.ids import SiteId
from postern.journal.model import Act
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking import ledger_store, store
from postern.parking.ledger_store import Line, Total
from postern.sites import store as sites

LONGEST = timedelta(days=31)


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerDays:
    """What moved on each account in these days, and every line."""

    currency: str
    totals: tuple[Total, ...]
    lines: tuple[Line, ...]

    @property
    def is_balanced(self) -> bool:
        """Whether all lines add up to nothing, as they must."""
        return sum(one.amount.amount for one in self.lines) == 0


async def ledger_days(
    services: Services, actor: Actor, site: SiteId, *, first: date, last: date
) -> LedgerDays:
    """The ledger of these days. That somebody read it is in the journal first.

    Raises BadInput for days the wrong way round and for more than a month, NotFound for what is no garage.
    """
    require(actor, Duty.READ_LEDGER)
    if not timedelta(0) <= last - first <= LONGEST:
        raise BadInput(f"give a first and a last day, at most {LONGEST.days} days apart")
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        detail = f"site {site}, {first} to {last}"
        await trace(services, tx, actor, Act.LOOKED, purpose="ledger", detail=detail)
    _, rules = await settled(services, actor.tenant, site)
    key = await services.keyring.purpose_key(actor.tenant, store.PURPOSE)
    async with services.database.transaction(actor.tenant) as tx:
        return LedgerDays(
            currency=rules.settings.currency,
            totals=tuple(await ledger_store.totals(tx, site, first=first, last=last)),
            lines=tuple(await ledger_store.lines(tx, actor.tenant, site, key, first=first, last=last)),
        )
