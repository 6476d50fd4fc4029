"""What drivers, merchants and the payment provider do at the hub of a simulated garage."""

from __future__ import annotations

from typing import Protocol

from postern.ids import SiteId, TenantId
from postern.money import Money
from postern.operations.hub_records import record
from postern.operations.pay_session import PaymentNotice, likely, note_payment, priced
from postern.operations.services import Services
from postern.operations.settle import settle_site, settled
from postern.parking.garage import Garage
from postern.parking.session import Session
from postern.records.model import CorrectionRecord, Deed
from postern.simulation.garage_rules import Driver, Told, validations

PROVIDER = "simulated"


class GarageHub(Protocol):
    """The hub of the simulated garage: in this process, or in one that may be killed."""

    async def settle(self) -> None:
        """Take what has arrived into the books."""
        ...

    async def price(self, driver: Driver) -> Told | None:
        """What the driver is told to pay; None when the hub does not find the session by the plate typed."""
        ...

    async def validate(self, driver: Driver, merchant: int) -> bool:
        """A merchant takes over a part; whether the session was found."""
        ...

    async def note(self, told: Told, reference: str) -> None:
        """The provider says that it was paid. Saying so again changes nothing."""
        ...


class LocalHub:
    """The hub's operations in this process."""

    def __init__(self, services: Services, tenant: TenantId, site: SiteId) -> None:
        self._services = services
        self._tenant = tenant
        self._site = site

    async def settle(self) -> None:
        """See `GarageHub`."""
        await settle_site(self._services, self._tenant, self._site)

    async def price(self, driver: Driver) -> Told | None:
        """See `GarageHub`."""
        garage, rules = await settled(self._services, self._tenant, self._site)
        session = _own(garage, driver)
        if session is None:
            return None
        now = self._services.clock.now()
        return Told(session=session.id, amount=priced(session, rules, now).owed.amount, at=now)

    async def validate(self, driver: Driver, merchant: int) -> bool:
        """See `GarageHub`."""
        session = _own(await settle_site(self._services, self._tenant, self._site), driver)
        if session is None:
            return False
        given = CorrectionRecord(
            at=self._services.clock.now(),
            deed=Deed.VALIDATED,
            operator="merchant",
            reason="shopped there",
            session=session.id,
            validation=validations()[merchant].id,
        )
        async with self._services.database.transaction(self._tenant) as tx:
            await record(self._services, tx, self._tenant, self._site, [given])
        return True

    async def note(self, told: Told, reference: str) -> None:
        """See `GarageHub`."""
        notice = PaymentNotice(
            deed=Deed.PAID,
            session=told.session,
            amount=Money(told.amount, "EUR"),
            provider=PROVIDER,
            reference=reference,
            quoted_at=told.at,
        )
        await note_payment(self._services, self._tenant, self._site, notice)


def _own(garage: Garage, driver: Driver) -> Session | None:
    """Of those that the plate may mean, the one in whose picture the driver sees the own car."""
    mine = [
        one for one in likely(garage, driver.plate) if one.entry is not None and one.entry.seq == driver.entry
    ]
    return mine[0] if mine else None
