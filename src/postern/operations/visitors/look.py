"""Look at visits: those of a day at a site, and one of them in full. Journalled first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from postern.ids import SiteId, TenantId, VisitId
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, is_on_desk, looking, open_subjects
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people.model import Person
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import Site, zone_of
from postern.visitors import store
from postern.visitors.model import LetterKind, Terms, Visit, VisitRules, VisitState

MOST_ROWS = 200
MOST_ROWS_ELSEWHERE = 10
"""Of a list, for those who do not receive this site's visitors: each row is a subject opened."""
_ORDER = (VisitState.ASKED, VisitState.INSIDE, VisitState.EXPECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitRow:
    """One line of a list of visits; `host` is a name, empty where there is none."""

    visit: Visit
    host: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitsPage:
    """The visits of a day: those who wait first, then by their beginning; cut at the limit."""

    site: Site
    day: date
    rows: tuple[VisitRow, ...]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitFile:
    """Everything that is held of a visit. `waiting`: letters not sent yet; `gave_up`: never to be."""

    visit: Visit
    site: Site
    host: str
    rules: VisitRules
    terms: Terms | None
    waiting: tuple[LetterKind, ...]
    gave_up: tuple[LetterKind, ...]


async def visits_of_day(
    services: Services, actor: Actor, site: SiteId, day: date | None = None, *, first: int = 0
) -> VisitsPage:
    """Whom the site expects or has received that day (None: today, by its own clock). Raises NotFound.

    Whoever is inside is listed until they leave. Others than those whose desk it is get a short page.
    """
    require(actor, Duty.SEE_VISITS)
    async with looking(services, actor) as tx:
        place = await sites.site(tx, services.keyring, actor.tenant, site)
        now = services.clock.now()
        today = now.astimezone(zone_of(place.time_zone)).date()
        wanted = day or today
        every = (await services.registry.visits.all(tx, actor.tenant)).values()
        found = sorted(
            (one for one in every if one.details.site == site and _is_of(one, place, wanted, today)),
            key=_place_in_list,
        )
        own_desk = await is_on_desk(services, tx, actor, site)
        page = found[first : first + (MOST_ROWS if own_desk else MOST_ROWS_ELSEWHERE)]
        people = await services.registry.people.everyone(tx, actor.tenant)
        opening = Opening(
            act=Act.LOOKED,
            purpose="visits of a day",
            subjects=_subjects(page, people),
            detail=f"site {site}, {wanted}",
            own_desk=own_desk,
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    rows = tuple(VisitRow(visit=one, host=_host(one, people)) for one in page)
    return VisitsPage(site=place, day=wanted, rows=rows, total=len(found))


def _is_of(visit: Visit, place: Site, day: date, today: date) -> bool:
    """Whether the visit is to be seen in the list of that day."""
    if visit.state is VisitState.INSIDE and day == today:
        return True
    zone = zone_of(place.time_zone)
    begins = datetime.combine(day, time(), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    start, end = visit.details.valid.start, visit.details.valid.end
    return start is not None and end is not None and start < ends and end > begins


def _place_in_list(visit: Visit) -> tuple[int, str, UUID]:
    waiting = _ORDER.index(visit.state) if visit.state in _ORDER else len(_ORDER)
    start = visit.details.valid.start
    return waiting, start.isoformat() if start is not None else "", visit.id


def _subjects(page: Sequence[Visit], people: Mapping[UUID, Person]) -> list[UUID]:
    """Those in the list, and whom they visit."""
    hosts = {one.details.host for one in page if one.details.host is not None} & people.keys()
    return [*(one.id for one in page), *sorted(hosts)]


def _host(visit: Visit, people: Mapping[UUID, Person]) -> str:
    host = people.get(visit.details.host) if visit.details.host is not None else None
    return host.details.name if host is not None else ""


async def visit_file(services: Services, actor: Actor, id: VisitId, *, purpose: str = "visit") -> VisitFile:
    """Everything about one visit. Raises NotFound."""
    require(actor, Duty.SEE_VISITS)
    async with looking(services, actor) as tx:
        file = await _file(services, tx, actor.tenant, id)
        people = await services.registry.people.everyone(tx, actor.tenant)
        opening = Opening(
            act=Act.LOOKED,
            purpose=purpose,
            subjects=_subjects([file.visit], people),
            detail="visit",
            own_desk=await is_on_desk(services, tx, actor, file.site.id),
        )
        await open_subjects(services, tx, actor, opening)
    return file


async def _file(services: Services, tx: Transaction, tenant: TenantId, id: VisitId) -> VisitFile:
    visit = await store.get(tx, services.keyring, tenant, id)
    site = await sites.site(tx, services.keyring, tenant, visit.details.site)
    every = await store.every_terms(tx, services.keyring, tenant, site.id)
    letters = await store.letters_of(tx, services.keyring, tenant, id)
    people = await services.registry.people.everyone(tx, tenant)
    return VisitFile(
        visit=visit,
        site=site,
        host=_host(visit, people),
        rules=await store.visit_rules(tx, services.keyring, tenant, site.id),
        terms=next((one for one in every if one.number == visit.terms_needed), None),
        waiting=tuple(one.kind for one in letters),
        gave_up=tuple(one for one in LetterKind if f"unsent-{one.value}" in visit.told),
    )


async def find_visits(
    services: Services, actor: Actor, text: str, *, purpose: str, case: str, limit: int
) -> Sequence[VisitRow]:
    """Visits whose visitor's name holds that text, the latest first; hosts are not told.

    Counted and journalled as a look at each. Raises BadInput without a purpose and a case.
    """
    require(actor, Duty.SEARCH)
    require(actor, Duty.SEE_VISITS)
    purpose, case = stated(purpose), stated(case)
    wanted = " ".join(text.split()).casefold()
    async with looking(services, actor) as tx:
        every = (await services.registry.visits.all(tx, actor.tenant)).values()
        named = [one for one in every if wanted and wanted in one.details.name.casefold()]
        found = sorted(named, key=lambda one: one.made_at, reverse=True)[:limit]
        opening = Opening(
            act=Act.SEARCHED,
            purpose=purpose,
            case=case,
            subjects=[one.id for one in found],
            detail="visitors by name",
        )
        await open_subjects(services, tx, actor, opening)
    return [VisitRow(visit=one, host="") for one in found]
