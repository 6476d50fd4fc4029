"""Set a garage up: its bays, its tariffs, permits to park there, merchants who pay for their guests."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from postern.clock import aware
from postern.errors import BadInput, NotFound
from postern.ids import SiteId, new_id
from postern.journal.model import Act
from postern.operations.names import named
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking import store
from postern.parking.permits import Permit
from postern.parking.rules import GarageSettings, MerchantKept, PermitKept, TariffInForce
from postern.parking.tariff_data import load_tariff
from postern.parking.validations import Validation, ValidationKind
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import Site

CODE_BYTES = 12


async def garages(services: Services, actor: Actor) -> list[Site]:
    """The organisation's sites that are garages."""
    require(actor, Duty.SEE_GARAGE)
    async with services.database.transaction(actor.tenant) as tx:
        wanted = set(await store.garages(tx))
        found = await sites.sites(tx, services.keyring, actor.tenant)
    return [one for one in found if one.id in wanted]


async def garage(services: Services, actor: Actor, site: SiteId) -> GarageSettings:
    """A garage's settings. Raises NotFound for a site that is none."""
    require(actor, Duty.SEE_GARAGE)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.garage(tx, site)


async def set_garage(services: Services, actor: Actor, wanted: GarageSettings) -> GarageSettings:
    """Make a site a garage (version 0), or change one. Conflict when somebody else was faster."""
    require(actor, Duty.CHANGE_TARIFFS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, wanted.site)
        changed = await store.put_garage(tx, wanted)
        await _traced(services, tx, actor, wanted.site, f"garage of {wanted.bays} bays")
    return changed


async def tariffs(services: Services, actor: Actor, site: SiteId) -> tuple[TariffInForce, ...]:
    """Every tariff of the garage, by when it came into force."""
    require(actor, Duty.SEE_GARAGE)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.tariffs(tx, site)


async def set_tariff(
    services: Services, actor: Actor, site: SiteId, *, text: str, since: datetime | None = None
) -> TariffInForce:
    """Put another tariff in force, for whoever drives in from `since` on (now at the earliest).

    Raises BadInput that names the line of the text, Conflict when another one was set meanwhile.
    """
    require(actor, Duty.CHANGE_TARIFFS)
    tariff, now = load_tariff(text), services.clock.now()
    since = now if since is None else aware(since)
    if since < now:
        raise BadInput(
            "a tariff cannot come into force in the past: choose a moment to come, or none for now"
        )
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        settings, known = await store.garage(tx, site, lock=True), await store.tariffs(tx, site)
        if tariff.currency != settings.currency:
            raise BadInput(f"this garage takes {settings.currency}; write the tariff in it")
        if settings.vehicle_class not in tariff.vehicle_classes:
            raise BadInput(f"whoever drives in is a {settings.vehicle_class}; give that class a price, too")
        if known and since <= known[-1].since:
            raise BadInput("another tariff comes into force then or later; let this one begin after it")
        made = TariffInForce(number=len(known) + 1, since=since, tariff=tariff)
        await store.add_tariff(tx, site, made)
        await _traced(services, tx, actor, site, f"tariff {made.number} from {since.isoformat()}")
    return made


async def permits(services: Services, actor: Actor, site: SiteId) -> tuple[PermitKept, ...]:
    """The garage's permits, ended ones too. Whose plates they are is in the journal first."""
    require(actor, Duty.KEEP_PERMITS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await trace(services, tx, actor, Act.LOOKED, purpose="permits", detail=f"permits of site {site}")
    async with services.database.transaction(actor.tenant) as tx:
        return await store.permits(tx, services.keyring, actor.tenant, site)


async def add_permit(services: Services, actor: Actor, site: SiteId, permit: Permit) -> PermitKept:
    """A standing right to park; `permit.plates` are normalised. NotFound for a site that is no garage."""
    require(actor, Duty.KEEP_PERMITS)
    permit = replace(permit, holder=named(permit.holder))
    async with services.database.transaction(actor.tenant) as tx:
        await _garage(services, tx, actor, site)
        now = services.clock.now()
        made = await store.put_permit(
            tx,
            services.keyring,
            actor.tenant,
            site,
            PermitKept(id=permit.id, permit=permit, since=now, version=0),
        )
        await _traced(services, tx, actor, site, f"permit {permit.id} added")
    return made


async def end_permit(services: Services, actor: Actor, site: SiteId, id: UUID) -> None:
    """It covers nobody who drives in from now on. Raises NotFound."""
    require(actor, Duty.KEEP_PERMITS)
    async with services.database.transaction(actor.tenant) as tx:
        await _garage(services, tx, actor, site)
        kept = await store.permits(tx, services.keyring, actor.tenant, site)
        found = next((one for one in kept if one.id == id and one.ended is None), None)
        if found is None:
            raise NotFound("there is no such permit (any more)")
        ended = replace(found, ended=services.clock.now())
        await store.put_permit(tx, services.keyring, actor.tenant, site, ended)
        await _traced(services, tx, actor, site, f"permit {id} ended")


async def merchants(services: Services, actor: Actor, site: SiteId) -> tuple[MerchantKept, ...]:
    """The garage's merchants, ended ones too."""
    require(actor, Duty.KEEP_PERMITS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.merchants(tx, services.keyring, actor.tenant, site)


async def add_merchant(
    services: Services, actor: Actor, site: SiteId, *, name: str, kind: ValidationKind, value: int
) -> MerchantKept:
    """A merchant with one validation, under a code that nobody can guess. BadInput for one worth nothing."""
    require(actor, Duty.KEEP_PERMITS)
    name = named(name)
    validation = Validation(
        id=new_id(), merchant=name, kind=kind, value=value, code=secrets.token_urlsafe(CODE_BYTES)
    )
    async with services.database.transaction(actor.tenant) as tx:
        await _garage(services, tx, actor, site)
        made = MerchantKept(id=new_id(), name=name, validations=(validation,), version=0)
        kept = await store.put_merchant(tx, services.keyring, actor.tenant, site, made)
        await _traced(services, tx, actor, site, f"merchant {made.id} added")
    return kept


async def end_merchant(services: Services, actor: Actor, site: SiteId, id: UUID) -> None:
    """Its code takes nothing off any more. Raises NotFound."""
    require(actor, Duty.KEEP_PERMITS)
    async with services.database.transaction(actor.tenant) as tx:
        await _garage(services, tx, actor, site)
        kept = await store.merchants(tx, services.keyring, actor.tenant, site)
        found = next((one for one in kept if one.id == id and one.ended is None), None)
        if found is None:
            raise NotFound("there is no such merchant (any more)")
        ended = replace(found, ended=services.clock.now())
        await store.put_merchant(tx, services.keyring, actor.tenant, site, ended)
        await _traced(services, tx, actor, site, f"merchant {id} ended")


async def _garage(services: Services, tx: Transaction, actor: Actor, site: SiteId) -> GarageSettings:
    await sites.site(tx, services.keyring, actor.tenant, site)
    return await store.garage(tx, site)


async def _traced(services: Services, tx: Transaction, actor: Actor, site: SiteId, detail: str) -> None:
    await trace(services, tx, actor, Act.CHANGED, purpose="garage", detail=f"site {site}: {detail}")
