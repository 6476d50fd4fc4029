"""Planted values go through a garage: sessions, cases, permits, payments, kiosks; and the sign-in history."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from postern.access.reasons import Reason
from postern.clock import SetClock
from postern.devices.payments.by_hand import Desk
from postern.errors import NotSignedIn
from postern.ids import SiteId, new_id
from postern.operations.operators import sign_in
from postern.operations.parking import cases as parking_cases
from postern.operations.parking import checkout, payment_attempts
from postern.operations.parking.checkout import Till
from postern.operations.parking.public_garage import garage_of
from postern.operations.parking.resolve_case import Wanted, resolve_case
from postern.operations.parking.views import ledger_csv
from postern.operations.public.counter_books import CounterBooks
from postern.operations.sites import kiosks
from postern.operators.sign_in_store import CameFrom
from postern.parking import store
from postern.parking.cases import CaseKind, Resolution
from postern.parking.permits import Permit
from postern.parking.rules import MerchantKept, PermitKept
from postern.prove.planting import Planted
from postern.prove.world import Plan, World
from postern.vehicles import store as vehicles
from tests.flows.parking.driven import Driven, driven

REGISTERED = 20
HOLDER, CORRECTED = "Xylothek Quappenbruch KG", "QZX7731YVK"
KIOSK, HOME = "Beside the Quappenbruch barrier", "https://pay.example.org"
TRIED, GUESS = "philippa.quistgaard", "hunter-7731-quistgaard"


async def by_a_garage(postern: World, plan: Plan, planted: Planted) -> None:
    """Registered vehicles and strangers park; half of them pay and leave, one is read by a person."""
    services, actor = postern.services, postern.actor(plan)
    now = services.clock.now()
    garage = await driven(services, actor, SetClock(now))
    planted.more += [HOLDER, CORRECTED]
    await _permit(postern, plan, garage.site, planted)
    plates = [*planted.plates[:REGISTERED], *planted.strangers]
    async with services.database.transaction(plan.tenant) as tx:
        known = await vehicles.find_all_by_plate(tx, services.keyring, plan.tenant, plates)
    assert len(known) >= REGISTERED
    came = now - timedelta(hours=2)
    for plate in plates:
        await garage.drives(garage.way_in, plate, came, vehicle=known.get(plate))
    await garage.send()
    inside = {one.who.plate: one for one in (await garage.settle()).sessions.values()}
    assert set(inside) >= set(plates)
    for plate in plates[::2]:
        await garage.pays(inside[plate].id, 600, f"paid-{inside[plate].id}")
        await garage.drives(garage.way_out, plate, services.clock.now(), vehicle=known.get(plate), score=0.95)
    await garage.decided(
        garage.way_out, plates[1], services.clock.now(), reason=Reason.AWAITING_ANSWER, score=0.2
    )
    await garage.send()
    await _answer(postern, plan, garage.site)
    await _pay(postern, plan, garage, planted, inside[plates[1]].id)
    await _kiosk(postern, plan, garage, planted)
    day = services.clock.now().date()
    lines = await ledger_csv(
        services, actor, garage.site, first=day - timedelta(days=2), last=day + timedelta(days=1)
    )
    assert lines.count(b"\n") > len(plates)


async def _pay(postern: World, plan: Plan, garage: Driven, planted: Planted, session: UUID) -> None:
    """A slip for the desk, and a link to pay afterwards, whose secret nobody may read."""
    services = postern.services
    desk = Desk(postern.folder / "slips", services.clock)
    till = Till(provider=desk, books=CounterBooks(services=services), public_url=HOME, desk=desk)
    here = await garage_of(services, plan.tenant, garage.site)
    asked = await checkout.start(services, till, here, session)
    assert asked.reference
    await desk.close()
    async with services.database.transaction(plan.tenant) as tx:
        link = await payment_attempts.new_link(
            tx, services.keyring, plan.tenant, garage.site, session=session, at=services.clock.now()
        )
        secret = link.partition("-")[2]
        assert await payment_attempts.linked(
            tx, services.keyring, plan.tenant, garage.site, secret, services.clock.now()
        )
    planted.more.append(secret)


async def _kiosk(postern: World, plan: Plan, garage: Driven, planted: Planted) -> None:
    """A tablet beside the way out, which calls for help."""
    services, actor = postern.services, postern.actor(plan)
    made = await kiosks.add_kiosk(services, actor, site=garage.site, name=KIOSK, door=garage.doors[1])
    code = await kiosks.new_kiosk_code(services, actor, site=garage.site, id=made.id)
    cookie = await kiosks.open_kiosk(services, code)
    await kiosks.ask_for_help(services, await kiosks.known_kiosk(services, cookie))
    planted.more += [KIOSK, code.partition("-")[2], cookie.partition(".")[2]]


async def by_signing_in(postern: World, planted: Planted) -> None:
    """Somebody tries names and passwords from places that the sign-in history keeps."""
    tried = CameFrom(address="2001:db8:7731:quistgaard", browser="Quappenbruch Browser on Xylothek")
    with pytest.raises(NotSignedIn):
        await sign_in.sign_in(
            postern.services, login_name=TRIED, password=GUESS, code="000000", came_from=tried
        )
    planted.more += [TRIED, GUESS, tried.address, tried.browser]


async def _permit(postern: World, plan: Plan, site: SiteId, planted: Planted) -> None:
    services, now = postern.services, postern.services.clock.now()
    permit = Permit(id=new_id(), holder=HOLDER, plates=frozenset(planted.plates[:3]), bays=2, valid_from=now)
    async with services.database.transaction(plan.tenant) as tx:
        kept = PermitKept(id=permit.id, permit=permit, since=now, version=0)
        await store.put_permit(tx, services.keyring, plan.tenant, site, kept)
        merchant = MerchantKept(id=new_id(), name=HOLDER, version=0)
        await store.put_merchant(tx, services.keyring, plan.tenant, site, merchant)


async def _answer(postern: World, plan: Plan, site: SiteId) -> None:
    services, actor = postern.services, postern.actor(plan)
    rows = await parking_cases.cases_open(services, actor, site=site)
    waiting = next(one for one in rows if one.kind is CaseKind.WAITING)
    await parking_cases.case_page(services, actor, site, waiting.id)
    wanted = Wanted(resolution=Resolution.CORRECT_PLATE, reason="seen on the picture", plate=CORRECTED)
    await resolve_case(services, actor, site, waiting.id, wanted)
