"""Look at a garage: how full it is, who is inside, how many cases wait. Plates stay covered until asked for.

Lists tell no plate; a session or a case that is opened is journalled first, and sessions count against the
operator's budget (`look.py`). The case in hand is part of an attendant's desk and does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from postern.ids import SiteId
from postern.journal.model import Act
from postern.operations.archive.receive import wall_channel
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.parking.pay_session import SessionPrice, priced, put_away
from postern.operations.parking.rows import SESSIONS, Desk, load
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking.cases import CaseState
from postern.parking.compare import PastSession
from postern.parking.garage import Garage
from postern.parking.occupancy import Count, Estimate, estimate
from postern.parking.rules import GarageSettings, Rules
from postern.parking.session import Session, Who
from postern.sites import store as sites
from postern.vehicles.plates import comparison_form

SHOWN = 2
"""Characters of a plate that lists show: enough to tell two apart, too few to know whose."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupied:
    """How many were inside at a moment."""

    at: datetime
    cars: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageNow:
    """How a garage stands. `estimate` says how far the count may be off after the day's passages."""

    settings: GarageSettings
    estimate: Estimate
    inside: int
    cases: int
    past: tuple[Occupied, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """A session as a list may show it: no plate but its last characters, `covered` with dots."""

    id: UUID
    covered: str
    entered_at: datetime
    permit: bool
    paid: bool
    validated: bool


def covered(plate: str) -> str:
    """The plate with all but its last characters as dots.

    >>> covered("BAB1234")
    '•••••34'
    """
    return "•" * max(len(plate) - SHOWN, 0) + plate[-SHOWN:] if len(plate) > SHOWN else "•" * len(plate)


async def garage_now(services: Services, actor: Actor, site: SiteId, *, hours: int = 24) -> GarageNow:
    """How full the garage is and was in the last hours, and how many cases wait. Tells of nobody."""
    require(actor, Duty.SEE_GARAGE)
    garage, rules = await _settled(services, actor, site)
    now, settings = services.clock.now(), rules.settings
    inside = garage.count_inside()
    count = Count(
        bays=settings.bays, cars=min(inside, settings.bays), passages=_passages(garage, now - 24 * _HOUR)
    )
    moments = [now - _HOUR * back for back in range(hours, -1, -1)]
    return GarageNow(
        settings=settings,
        estimate=estimate(count),
        inside=inside,
        cases=sum(1 for one in garage.cases.values() if one.state is CaseState.OPEN),
        past=tuple(Occupied(at=at, cars=_inside_at(garage, at)) for at in moments),
    )


async def garage_soon(
    services: Services, actor: Actor, site: SiteId, *, hours: int = 24, within: float
) -> GarageNow | None:
    """The same, if the books can be read within so many seconds; None while much is still being taken in."""
    making = asyncio.create_task(garage_now(services, actor, site, hours=hours), name=f"garage {site}")
    done, _ = await asyncio.wait({making}, timeout=within)
    if done:
        return making.result()
    making.add_done_callback(_leave)
    return None


def _leave(made: asyncio.Task[GarageNow]) -> None:
    """Nobody waits for it any more: whoever asks next is told what is wrong."""
    if not made.cancelled():
        made.exception()


async def sessions_inside(services: Services, actor: Actor, site: SiteId) -> list[Covered]:
    """Everybody inside, the latest first, with covered plates."""
    require(actor, Duty.SEE_GARAGE)
    garage, _ = await _settled(services, actor, site)
    inside = sorted(
        (one for one in garage.sessions.values() if one.is_inside),
        key=lambda one: one.entered_at,
        reverse=True,
    )
    return [
        Covered(
            id=one.id,
            covered=covered(one.who.plate),
            entered_at=one.entered_at,
            permit=one.permit is not None,
            paid=one.paid.amount > 0,
            validated=bool(one.validations),
        )
        for one in inside
    ]


async def session_file(services: Services, actor: Actor, site: SiteId, id: UUID) -> SessionPrice:
    """One session in the open, with its price now. Counted and journalled first. Raises NotFound."""
    require(actor, Duty.ANSWER_CASES)
    garage, rules = await _settled(services, actor, site)
    found = garage.sessions.get(id) or await put_away(services, actor.tenant, site, rules, id)
    await _open(services, actor, [found.who], purpose="parking session", detail=f"site {site}, session {id}")
    return priced(found, rules, services.clock.now())


async def past_sessions(services: Services, actor: Actor, site: SiteId, *, days: int) -> list[PastSession]:
    """When cars came and went in the last days, for comparing tariffs. Nothing says whose."""
    require(actor, Duty.CHANGE_TARIFFS)
    _, rules = await _settled(services, actor, site)
    since = services.clock.now() - timedelta(days=days)
    async with looking(services, actor) as tx:
        opening = Opening(act=Act.LOOKED, purpose="compare tariffs", detail=f"sessions of site {site}")
        await open_subjects(services, tx, actor, opening)
    async with services.database.transaction(actor.tenant) as tx:
        desk = Desk(services=services, tx=tx, tenant=actor.tenant, site=site, rules=rules)
        found = await load(desk, SESSIONS, Session)
    return [
        PastSession(entered=one.entered_at, left=one.left_at, vehicle_class=one.vehicle_class)
        for one in found
        if one.left_at is not None and one.left_at >= since
    ]


async def garage_news(
    services: Services, actor: Actor, wanted: Sequence[SiteId]
) -> AsyncGenerator[None, None]:
    """Yields whenever something arrived at one of these garages: at once, and then as it comes."""
    require(actor, Duty.SEE_GARAGE)
    async with services.database.transaction(actor.tenant) as tx:
        for site in wanted:
            await sites.site(tx, services.keyring, actor.tenant, site)
    told = asyncio.Event()

    async def follow(site: SiteId) -> None:
        async for _ in services.database.listen(wall_channel(site)):
            told.set()

    following = [asyncio.create_task(follow(site), name=f"news of garage {site}") for site in wanted]
    try:
        while True:
            yield
            await told.wait()
            told.clear()
    finally:
        for one in following:
            one.cancel()
        await asyncio.gather(*following, return_exceptions=True)


async def _settled(services: Services, actor: Actor, site: SiteId) -> tuple[Garage, Rules]:
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
    return await settled(services, actor.tenant, site)


async def _open(
    services: Services,
    actor: Actor,
    shown: Sequence[Who],
    *,
    purpose: str,
    detail: str,
    case: str | None = None,
    own_desk: bool = False,
) -> None:
    """Count and write down whom the page shows, durably before it does."""
    opening = Opening(
        act=Act.LOOKED,
        purpose=purpose,
        case=case,
        subjects=sorted({one.vehicle for one in shown if one.vehicle is not None}),
        others=sorted({comparison_form(one.plate) for one in shown if one.vehicle is None and one.plate}),
        detail=detail,
        own_desk=own_desk,
    )
    async with looking(services, actor) as tx:
        await open_subjects(services, tx, actor, opening)


def _passages(garage: Garage, since: datetime) -> int:
    came = sum(1 for one in garage.sessions.values() if one.entered_at >= since)
    went = sum(1 for one in garage.sessions.values() if one.left_at is not None and one.left_at >= since)
    return came + went


def _inside_at(garage: Garage, at: datetime) -> int:
    return sum(
        1
        for one in garage.sessions.values()
        if one.entered_at <= at and (one.left_at > at if one.left_at is not None else one.is_inside)
    )
