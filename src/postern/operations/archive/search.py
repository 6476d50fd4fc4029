"""Find the passages of one person, vehicle or plate over a few days, with a purpose and a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from postern.clock import utc_day
from postern.errors import BadInput, Refused
from postern.ids import SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.opening import opened
from postern.operations.archive.wall import Row, rows_of
from postern.operations.insiders.approvals import Approval, Asked, Kind, approved_for, ask, digest_of, spend
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.sealing.tags import day_tag
from postern.sites import store as sites
from postern.vehicles import store as vehicles
from postern.vehicles.plates import comparison_form

FARTHEST_BACK = timedelta(days=7)
"""More than this needs a second person (`approvals.py`)."""

MOST_DAYS = 90
MOST_SITES = 20
"""One search is so many tags at most, 1,800: countable, and so limitable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whose passages: a registered subject, or the text of a plate that may belong to nobody registered."""

    subject: UUID | None = None
    plate: str | None = None

    def __post_init__(self) -> None:
        if (self.subject is None) == (self.plate is None):
            raise BadInput("search for one person, one vehicle or one plate at a time")


@dataclass(frozen=True, kw_only=True, slots=True)
class PassageSearch:
    """What is searched for: where, and from which day to which (UTC). Approvals are for exactly this."""

    wanted: Wanted
    sites: tuple[SiteId, ...]
    first: date
    last: date


async def ask_to_search(
    services: Services, actor: Actor, search: PassageSearch, *, purpose: str, case: str
) -> Approval:
    """Ask for a second person's consent to look back more than 7 days."""
    require(actor, Duty.SEARCH)
    _check(search)
    subjects = [search.wanted.subject] if search.wanted.subject is not None else []
    words = _words(search)
    return await ask(
        services,
        actor,
        Asked(kind=Kind.SEARCH, exactly=digest_of(search), words=words, subjects=tuple(subjects)),
        purpose=purpose,
        case=case,
    )


async def approval_of(services: Services, actor: Actor, search: PassageSearch) -> UUID | None:
    """The consent that a second person gave to exactly this search, while it is good."""
    return await approved_for(services, actor, kind=Kind.SEARCH, exactly=digest_of(search))


def is_far_back(services: Services, first: date) -> bool:
    """Whether a search from that day on needs a second person."""
    return first < utc_day(services.clock.now()) - FARTHEST_BACK


def _check(search: PassageSearch) -> None:
    if search.last < search.first:
        raise BadInput("the last day cannot be before the first")
    days = (search.last - search.first).days + 1
    if days > MOST_DAYS or not 1 <= len(search.sites) <= MOST_SITES:
        raise BadInput(f"search at most {MOST_DAYS} days at 1 to {MOST_SITES} sites at a time")


def _words(search: PassageSearch) -> str:
    where = f"{len(search.sites)} sites, {search.first} to {search.last}"
    return f"{where}, plate {search.wanted.plate}" if search.wanted.plate else where


async def search_passages(
    services: Services,
    actor: Actor,
    wanted: Wanted,
    *,
    site_ids: Sequence[SiteId],
    first: date,
    last: date,
    purpose: str,
    case: str,
    approval: UUID | None = None,
) -> list[Row]:
    """Decisions about `wanted` at these sites from day `first` to `last` (UTC), newest first.

    Raises Refused for more than 7 days back without an `approval` of exactly this search, which is spent by
    it; BadInput without a purpose and a case.
    """
    require(actor, Duty.SEARCH)
    purpose, case = stated(purpose), stated(case)
    search = PassageSearch(wanted=wanted, sites=tuple(site_ids), first=first, last=last)
    _check(search)
    far = is_far_back(services, first)
    if far and approval is None:
        raise Refused("looking back more than 7 days needs a second person: ask for an approval first")
    async with looking(services, actor) as tx:
        if far and approval is not None:
            await spend(services, tx, actor, approval, kind=Kind.SEARCH, exactly=digest_of(search))
        subject = await _subject(services, tx, actor.tenant, wanted)
        for site in site_ids:
            await sites.site(tx, services.keyring, actor.tenant, site)
        opening = Opening(
            act=Act.SEARCHED,
            purpose=purpose,
            case=case,
            subjects=[subject] if subject is not None else [],
            others=[comparison_form(wanted.plate or "")] if subject is None else [],
            detail=_words(search),
        )
        await open_subjects(services, tx, actor, opening)
    tagged = subject.bytes if subject is not None else comparison_form(wanted.plate or "").encode()
    found: list[Row] = []
    for site in site_ids:
        found += await passages_at(services, actor.tenant, site, first=first, last=last, tagged=tagged)
    return sorted(found, key=lambda row: row.at, reverse=True)


async def _subject(services: Services, tx: Transaction, tenant: TenantId, wanted: Wanted) -> UUID | None:
    if wanted.subject is not None:
        return wanted.subject
    return await vehicles.find_by_plate(tx, services.keyring, tenant, wanted.plate or "")


async def passages_at(
    services: Services, tenant: TenantId, site: SiteId, *, first: date, last: date, tagged: bytes
) -> list[Row]:
    """Decisions at that site about whoever the tag is of. Whoever calls has written the journal."""
    keys = await services.keyring.site_day_keys([site], first=first, last=last)
    tags = [(day, day_tag(key, tagged)) for (_, day), key in keys.items()]
    async with services.database.transaction(tenant) as tx:
        plan = await sites.plan(tx, services.keyring, tenant, site)
        found = await opened(services, tx, tenant, await records.by_tags(tx, site, tags))
        return await rows_of(services, tx, plan, found)
