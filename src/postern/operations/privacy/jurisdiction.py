"""Which jurisdiction's rules hold at a site, and what they refuse there, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from postern.attendance import store as attendance
from postern.ids import SiteId, TenantId
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people.model import Person
from postern.postgres.pool import Transaction
from postern.privacy import profile_store as store
from postern.privacy import retention_store
from postern.privacy.model import Consent
from postern.privacy.profiles import (
    ForbiddenHere,
    Profile,
    WorkingTime,
    profile,
    profile_of_country,
    strictest_refusal,
)
from postern.privacy.retention import Retention, alike
from postern.privacy.statutory import SiteLaw
from postern.records.model import Kind
from postern.sites import store as sites
from postern.sites.model import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteRules:
    """A site and the profile that holds there; `chosen` is what was chosen, None: its country's."""

    site: Site
    profile: Profile
    chosen: str | None
    version: int


async def profile_of(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> Profile:
    """The profile that holds at the site today. Raises NotFound."""
    return (await _rules(services, tx, await sites.site(tx, services.keyring, tenant, site))).profile


async def refuse_hours_by_face(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> None:
    """Raises ForbiddenHere where no passage by face may become a punch, whatever somebody consents to."""
    (await profile_of(services, tx, tenant, site)).refuse_hours_by_face(consents=True)


async def hours_by_face(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> bool:
    """Whether a passage by face of somebody who consented may become a punch at that site."""
    found = await profile_of(services, tx, tenant, site)
    return found.working_time is WorkingTime.WITH_CONSENT


async def rules_of_sites(services: Services, actor: Actor) -> Sequence[SiteRules]:
    """Every site of the organisation with its profile."""
    require(actor, Duty.SEE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        return [
            await _rules(services, tx, one) for one in await sites.sites(tx, services.keyring, actor.tenant)
        ]


async def choose_profile(
    services: Services, actor: Actor, site: SiteId, id: str | None, *, version: int
) -> SiteRules:
    """Choose a profile for the site; None: its country's. Longer retention is cut to what it allows.

    Raises NotFound for one that is not there, Conflict when `version` is stale.
    """
    require(actor, Duty.KEEP_PRIVACY)
    if id is not None:
        profile(id, _today(services))
    async with services.database.transaction(actor.tenant) as tx:
        place = await sites.site(tx, services.keyring, actor.tenant, site)
        wanted = store.SiteProfile(site=site, profile=id, version=version)
        await store.put(tx, services.keyring, actor.tenant, wanted)
        found = await _rules(services, tx, place)
        await _hold_to(services, tx, actor.tenant, found)
        detail = f"site {site}: {found.profile.id}"
        await trace(services, tx, actor, Act.CHANGED, purpose="choose a jurisdiction", detail=detail)
    return found


async def hold_to_rules(services: Services, tx: Transaction, site: Site) -> None:
    """The site's country has changed, and with it perhaps its rules."""
    await _hold_to(services, tx, site.tenant, await _rules(services, tx, site))


async def _hold_to(services: Services, tx: Transaction, tenant: TenantId, found: SiteRules) -> None:
    """What was set before and is not allowed any more ends at once."""
    await _cut_retention(services, tx, tenant, found)
    if found.profile.working_time is WorkingTime.WITH_CONSENT:
        return
    if found.site.id in await attendance.attendance_sites(tx):
        kept = await attendance.settings(tx, services.keyring, tenant, found.site.id)
        if kept.faces:
            await attendance.put_settings(tx, services.keyring, tenant, replace(kept, faces=False))


async def profiles_in_force(
    services: Services, tx: Transaction, tenant: TenantId, *, home: SiteId | None = None
) -> Sequence[Profile]:
    """The profile of the site `home`, or else of every site."""
    every = await sites.sites(tx, services.keyring, tenant)
    here = [one for one in every if one.id == home] or every
    return [(await _rules(services, tx, one)).profile for one in here]


async def begun_with(
    services: Services, tx: Transaction, tenant: TenantId, *, home: SiteId | None = None
) -> Sequence[Profile]:
    """The same, for texts and legal bases that must be there before the first site is: then the fallback."""
    found = await profiles_in_force(services, tx, tenant, home=home)
    return found or [profile_of_country(None, _today(services))]


async def site_laws(services: Services, tx: Transaction, tenant: TenantId) -> Sequence[SiteLaw]:
    """By what each site says whose law makes one keep what is erased."""
    hours = set(await attendance.attendance_sites(tx))
    found = []
    for one in await sites.sites(tx, services.keyring, tenant):
        rules = await _rules(services, tx, one)
        pay = (
            (await attendance.settings(tx, services.keyring, tenant, one.id)).pay.jurisdiction
            if one.id in hours
            else None
        )
        found.append(SiteLaw(country=one.country, jurisdiction=rules.profile.countries, pay=pay))
    return found


async def refuse_interests(services: Services, tx: Transaction, tenant: TenantId) -> None:
    """Raises ForbiddenHere where the law of a site knows no legitimate interests."""
    for one in await profiles_in_force(services, tx, tenant):
        ruling = one.ruling("legitimate-interests")
        if ruling is not None and ruling.value == "refused":
            raise ForbiddenHere(ruling)


async def kept_at(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> Retention:
    """For how long the site keeps what: as it was set, or else as its jurisdiction begins (version 0)."""
    kept = await retention_store.retention(tx, services.keyring, tenant, site)
    if kept.version:
        return kept
    law = await profile_of(services, tx, tenant, site)
    return alike(site, days=law.default_days, picture_days=law.default_picture_days)


async def _cut_retention(services: Services, tx: Transaction, tenant: TenantId, found: SiteRules) -> None:
    kept = await retention_store.retention(tx, services.keyring, tenant, found.site.id)
    if not kept.version:
        return
    longest, pictures = found.profile.longest_days, found.profile.longest_picture_days
    kinds = tuple(replace(one, days=min(one.days, longest)) for one in kept.kinds)
    cut = replace(kept, kinds=kinds, picture_days=min(kept.picture_days, pictures))
    if cut != kept:
        await retention_store.put_retention(tx, services.keyring, tenant, cut)


async def refuse_retention(services: Services, tx: Transaction, tenant: TenantId, wanted: Retention) -> None:
    """Raises ForbiddenHere where the site would keep records or pictures for too long."""
    found = await profile_of(services, tx, tenant, wanted.site)
    days = max(wanted.days(kind) for kind in Kind)
    found.refuse_retention(days=days, picture_days=wanted.picture_days)


async def refuse_consent(services: Services, tx: Transaction, person: Person, consent: Consent) -> None:
    """Raises ForbiddenHere where this consent would be none: at the home site, or else at any site."""
    found = await profiles_in_force(services, tx, person.tenant, home=person.details.home_site)
    strictest_refusal(found, consent, born=person.details.birth_date, on=_today(services))


async def _rules(services: Services, tx: Transaction, site: Site) -> SiteRules:
    chosen = await store.chosen(tx, services.keyring, site.tenant, site.id)
    today = _today(services)
    found = (
        profile_of_country(site.country, today) if chosen.profile is None else profile(chosen.profile, today)
    )
    return SiteRules(site=site, profile=found, chosen=chosen.profile, version=chosen.version)


def _today(services: Services) -> date:
    return services.clock.now().date()
