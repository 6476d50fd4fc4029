"""What drivers, merchants and the payment provider do at the hub of a simulated garage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from postern.errors import Conflict, NotFound
from postern.ids import SiteId, TenantId
from postern.money import Money
from postern.operations.archive.hub_records import record
from postern.operations.parking.pay_session import PaymentNotice, likely, note_payment, price_of, priced
from postern.operations.parking.payment_attempts import linked
from postern.operations.parking.provider_away import note_away
from postern.operations.parking.resolve_case import Wanted, resolve_case
from postern.operations.parking.settle import settle_site, settled
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.parking.cases import Case, CaseKind, CaseState, Resolution
from postern.parking.garage import Garage
from postern.parking.session import Session
from postern.records.model import CorrectionRecord, Deed
from postern.simulation.garage_rules import Driver, Linked, Picture, Told, validations

PROVIDER = "simulated"
_OF_DEBTS = (CaseKind.UNPAID_EXIT, CaseKind.FOREIGN)
_FOLLOWED_UP = timedelta(hours=2)
_OF_EXITS = (CaseKind.UNREADABLE, CaseKind.AMBIGUOUS, CaseKind.MISSING_ENTRY)


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

    async def cannot_pay(self) -> None:
        """A driver's phone asks the payment provider, in vain."""
        ...

    async def attend(self, pictures: Sequence[Picture]) -> list[Linked]:
        """An attendant looks at the pictures of what waits, and answers each case that they answer; the links
        to pay that were sent."""
        ...

    async def price_by_link(self, link: str, driver: Driver) -> Told | None:
        """What the link says is owed; None when the driver sees that it is not about the own car."""
        ...


class LocalHub:
    """The hub's operations in this process."""

    def __init__(self, services: Services, tenant: TenantId, site: SiteId) -> None:
        self._services = services
        self._tenant = tenant
        self._site = site
        self._attendant = Actor(tenant=tenant, name="attendant", role=Role.ATTENDANT)

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

    async def cannot_pay(self) -> None:
        """See `GarageHub`."""
        await note_away(self._services, self._tenant, self._site)

    async def price_by_link(self, link: str, driver: Driver) -> Told | None:
        """See `GarageHub`."""
        services, now = self._services, self._services.clock.now()
        secret = link.partition("-")[2]
        async with services.database.transaction(self._tenant) as tx:
            session = await linked(tx, services.keyring, self._tenant, self._site, secret, now)
        found = await price_of(services, self._tenant, self._site, session, now)
        entry = found.session.entry
        if entry is None or entry.seq != driver.entry:
            return None
        return Told(session=session, amount=found.owed.amount, at=now)

    async def attend(self, pictures: Sequence[Picture]) -> list[Linked]:
        """See `GarageHub`."""
        sent: list[Linked] = []
        now = self._services.clock.now()
        garage, rules = await settled(self._services, self._tenant, self._site)
        permitted = {plate for one in rules.permits for plate in one.permit.plates}
        shown = {one.seq: one for one in pictures}
        waiting = sorted(
            (one for one in garage.cases.values() if one.state is CaseState.OPEN and one.record is not None),
            key=lambda one: (one.opened_at, one.kind, one.lane or one.id),
        )
        for case in waiting:
            picture = shown.get(case.record.seq) if case.record is not None else None
            if picture is None:
                continue
            if case.kind in _OF_DEBTS:
                wanted = _follow_up(case, picture, now)
            else:
                wanted = _answer(garage, case, picture, has_permit=picture.plate in permitted)
            if wanted is not None:
                with suppress(Conflict, NotFound):
                    done = await resolve_case(self._services, self._attendant, self._site, case.id, wanted)
                    sent += [Linked(seq=picture.seq, link=done.link)] if done.link is not None else []
        return sent


def _answer(garage: Garage, case: Case, picture: Picture, *, has_permit: bool) -> Wanted | None:
    """What the pictures tell. Who left unseen is not found out by looking."""
    if case.kind is CaseKind.UNREADABLE and not case.way_out:
        return Wanted(resolution=Resolution.CORRECT_PLATE, reason="read on the picture", plate=picture.plate)
    if case.kind is CaseKind.CLONED:
        return Wanted(resolution=Resolution.DISMISS, reason="two vehicles with one plate")
    if not case.way_out or case.kind not in _OF_EXITS or case.session is not None:
        return None
    own = [
        one.id for one in garage.sessions.values() if one.entry is not None and one.entry.seq == picture.entry
    ]
    if not own:
        return None  # it came in unseen: what it owes is for the garage to decide, and the case stays open
    if has_permit and not case.who.stated:
        # Its plate first: that tells more than whose car it is. What stays unclear comes up again.
        return Wanted(resolution=Resolution.CORRECT_PLATE, reason="a permit's plate", plate=picture.plate)
    return Wanted(resolution=Resolution.PAIR, reason="the same car on both pictures", session=own[0])


def _follow_up(case: Case, picture: Picture, at: datetime) -> Wanted | None:
    """Who left owing is sent a link, once; not before a payment that is heard of late would have come."""
    if picture.linked or case.session is None or at - case.opened_at < _FOLLOWED_UP:
        return None
    return Wanted(resolution=Resolution.SEND_PAY_LINK, reason="left without paying")


def _own(garage: Garage, driver: Driver) -> Session | None:
    """Of those that the plate may mean, the one in whose picture the driver sees the own car."""
    mine = [
        one for one in likely(garage, driver.plate) if one.entry is not None and one.entry.seq == driver.entry
    ]
    return mine[0] if mine else None
