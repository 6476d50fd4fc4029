"""Make the demo site a garage with a week behind it, once.

The garage's settings and everything that happened are written in one transaction: the garage is there with
its week, or not at all, and then the next start writes it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import datetime, time, timedelta

import structlog

from postern.demo_garage.pictures import car
from postern.demo_garage.places import Lanes, lanes
from postern.demo_garage.records import OPERATOR, Pictures, Place, Prices, written
from postern.demo_garage.week import BAYS, Part, Week, week
from postern.ids import SiteId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.admit import picture_context, picture_key
from postern.operations.archive.hub_records import record, sealed_row
from postern.operations.demo import SITE
from postern.operations.parking import payment_attempts
from postern.operations.parking.garage_setup import CODE_BYTES
from postern.operations.parking.rules import NAMES
from postern.operations.parking.settle import settle_site
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.trace import trace_as
from postern.operators.model import Actor, Role
from postern.parking import store
from postern.parking.naming import Naming
from postern.parking.permits import Permit
from postern.parking.quote import Calendar
from postern.parking.rules import GarageSettings, MerchantKept, PermitKept, TariffInForce
from postern.parking.tariff_data import demo_tariff
from postern.parking.validations import Validation, ValidationKind
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.records.model import PictureRef
from postern.sealing.envelope import seal
from postern.sites import agents
from postern.sites import store as sites
from postern.sites.model import Site, zone_of

_MERCHANTS = (
    ("Old Town cinema (invented)", ValidationKind.PERCENT, 50),
    ("Corner bakery (invented)", ValidationKind.MINUTES, 60),
)
_RUNNING_SINCE = timedelta(days=90)

_log = structlog.get_logger(__name__)


async def fill(services: Services) -> int:
    """Write the week; how many stays. 0 where the site is a garage already, or none of the demo's."""
    found = await _demo_site(services)
    if found is None:
        return 0
    tenant, site = found
    actor = Actor(tenant=tenant, name=OPERATOR, role=Role.ADMINISTRATOR)
    began = asyncio.get_running_loop().time()
    approaches = await lanes(services, actor, site.id)
    await publish_stale(services)
    drawn = await asyncio.to_thread(week, services.clock.now(), zone_of(site.time_zone))
    pictures = await _pictures(services, tenant, drawn)
    await _write(services, tenant, site, approaches, drawn, pictures)
    await settle_site(services, tenant, site.id)
    seconds = round(asyncio.get_running_loop().time() - began, 1)
    _log.info("the demo's garage has a week behind it", stays=len(drawn.stays), seconds=seconds)
    return len(drawn.stays)


async def _demo_site(services: Services) -> tuple[TenantId, Site] | None:
    """The demo site, while it is no garage."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            garages = await store.garages(tx)
            for site in await sites.sites(tx, services.keyring, tenant):
                if site.name == SITE and site.id not in garages:
                    return tenant, site
    return None


async def _pictures(services: Services, tenant: TenantId, drawn: Week) -> Pictures:
    """Of whoever is inside, and of those whom a case is about: both pictures."""
    wanted = [
        (number, out)
        for number, one in enumerate(drawn.stays)
        if one.part is not None or one.is_inside(drawn.now)
        for out in (False, True)
        if not out or one.left is not None
    ]
    found = {}
    for number, out in wanted:
        stay = drawn.stays[number]
        dirty = not out and stay.part in (Part.UNREADABLE, Part.CORRECTED)
        jpeg = await asyncio.to_thread(car, stay.plate, rear=out, dirty=dirty)
        picture = PictureRef(name=secrets.token_hex(16), key=os.urandom(32))
        content = seal(picture_key(picture), jpeg, picture_context(tenant, picture.name))
        await services.pictures.put(picture.name, content)
        found[number, out] = picture
    return found


async def _write(  # noqa: PLR0917 - the place, then what is written there
    services: Services, tenant: TenantId, site: Site, approaches: Lanes, drawn: Week, pictures: Pictures
) -> None:
    """All of it, or nothing. Raises Conflict when another hub was faster."""
    time_zone = zone_of(site.time_zone)
    since = datetime.combine((drawn.now - _RUNNING_SINCE).astimezone(time_zone), time(), tzinfo=time_zone)
    naming = Naming(key=await services.keyring.purpose_key(tenant, NAMES))
    async with services.database.transaction(tenant) as tx:
        validations = await _set_up(services, tx, tenant, site.id, drawn, since)
        tariff = (await store.tariffs(tx, site.id))[-1].tariff
        prices = Prices(tariff=tariff, calendar=Calendar(time_zone=time_zone), validations=validations)
        agent = await agents.next_agent_id(tx)
        place = Place(tenant=tenant, site=site.id, agent=agent, lanes=approaches, naming=naming)
        made = await asyncio.to_thread(written, place, drawn, prices, pictures)
        days = {key.day for key, _ in made.lanes}
        keys = {day: await services.keyring.site_day_key(site.id, day) for day in days}
        rows = [sealed_row(tenant, key, happening, keys[key.day]) for key, happening in made.lanes]
        await records.append(tx, site.id, rows)
        for attempt in made.attempts:
            await payment_attempts.add(tx, services.keyring, attempt)
        await record(services, tx, tenant, site.id, made.hub)
        detail = f"site {site.id}: {len(drawn.stays)} invented stays of a week"
        await trace_as(services, tx, tenant, OPERATOR, Act.CHANGED, purpose="demo", detail=detail)


async def _set_up(  # noqa: PLR0917 - the place, then what is kept there
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, drawn: Week, since: datetime
) -> tuple[Validation, ...]:
    """Settings, tariff, permits and merchants, as if since before the first stay; the validations."""
    await store.put_garage(tx, GarageSettings(site=site, bays=BAYS, currency="EUR"))
    await store.add_tariff(tx, site, TariffInForce(number=1, since=since, tariff=demo_tariff()))
    for one in drawn.permits:
        permit = Permit(
            id=new_id(), holder=one.holder, plates=frozenset(one.plates), bays=one.bays, valid_from=since
        )
        kept = PermitKept(id=permit.id, permit=permit, since=since, version=0)
        await store.put_permit(tx, services.keyring, tenant, site, kept)
    made = []
    for name, kind, value in _MERCHANTS:
        code = secrets.token_urlsafe(CODE_BYTES)
        validation = Validation(id=new_id(), merchant=name, kind=kind, value=value, code=code)
        merchant = MerchantKept(id=new_id(), name=name, validations=(validation,), version=0)
        await store.put_merchant(tx, services.keyring, tenant, site, merchant)
        made.append(validation)
    return tuple(made)
