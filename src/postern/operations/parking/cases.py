"""Cases for attendants: the queue over all garages, one case with what was seen and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from postern.errors import NotFound
from postern.ids import SiteId
from postern.journal.model import Act
from postern.money import Money
from postern.operations.admit import picture_context, picture_key
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.parking.pay_session import SessionPrice, priced
from postern.operations.parking.rows import CASES, SESSIONS, Desk, load
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking import store
from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.garage import Garage
from postern.parking.session import Session, Who
from postern.postgres.pool import Transaction
from postern.records.model import PictureRef
from postern.sealing.envelope import open_sealed
from postern.sites import store as sites
from postern.sites.model import AccessPoint
from postern.vehicles.plates import comparison_form

IN_HAND = timedelta(hours=24)
"""A case that was answered is part of the daily work for so long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRow:
    """A case in the queue: nothing of it tells whose it is."""

    id: UUID
    site: SiteId
    garage: str
    kind: CaseKind
    state: CaseState
    opened_at: datetime
    lane: str
    way_out: bool
    waits: bool
    """Somebody stands at a barrier for it."""
    owed: Money | None
    link_sent: bool
    """The driver has a link to pay; there is nothing to do until the money comes or a person gives it up."""
    time_to_answer: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePage:
    """A case with all that an attendant needs. `sessions`: the one it is about, else those it may be."""

    row: CaseRow
    case: Case
    sessions: tuple[SessionPrice, ...]


async def cases_open(
    services: Services, actor: Actor, *, site: SiteId | None = None, answered: bool = False
) -> list[CaseRow]:
    """The queue: who stands at a barrier first, then the oldest; who was sent a link to pay comes last.

    `answered`: those of the last day.
    """
    require(actor, Duty.ANSWER_CASES)
    async with services.database.transaction(actor.tenant) as tx:
        garages = [one for one in await store.garages(tx) if site in (None, one)]
        names = {one.id: one.name for one in await sites.sites(tx, services.keyring, actor.tenant)}
        lanes = {one: await _lanes(services, tx, actor, one) for one in garages}
    rows: list[CaseRow] = []
    for one in garages:
        garage, _ = await settled(services, actor.tenant, one)
        rows += [
            _row(case, names.get(one, "–"), lanes[one])
            for case in garage.cases.values()
            if (case.state is CaseState.OPEN) != answered
        ]
    return sorted(rows, key=lambda row: (not row.waits, row.link_sent, row.opened_at))


async def case_page(services: Services, actor: Actor, site: SiteId, case: UUID) -> CasePage:
    """The case. Who it shows is in the journal first; the case in hand is part of one's own desk."""
    require(actor, Duty.ANSWER_CASES)
    garage, rules = await settled(services, actor.tenant, site)
    async with looking(services, actor) as tx:
        desk = Desk(services=services, tx=tx, tenant=actor.tenant, site=site, rules=rules)
        found = await _case(desk, garage, case)
        names = {one.id: one.name for one in await sites.sites(tx, services.keyring, actor.tenant)}
        lanes = await _lanes(services, tx, actor, site)
        shown = await _sessions(desk, garage, found)
        opening = _opening(services, found, [found.who, *(one.who for one in shown)], "case")
        await open_subjects(services, tx, actor, opening)
    at = services.clock.now()
    return CasePage(
        row=_row(found, names.get(site, "–"), lanes),
        case=found,
        sessions=tuple(priced(one, rules, _moment(found, at)) for one in shown),
    )


async def case_picture(
    services: Services, actor: Actor, site: SiteId, case: UUID, session: UUID | None = None
) -> bytes:
    """The JPEG of the vehicle at the lane, or of a session's entry that the case is or may be about.

    The look is in the journal first. Raises NotFound when no picture was kept.
    """
    require(actor, Duty.ANSWER_CASES)
    garage, rules = await settled(services, actor.tenant, site)
    async with looking(services, actor) as tx:
        desk = Desk(services=services, tx=tx, tenant=actor.tenant, site=site, rules=rules)
        found = await _case(desk, garage, case)
        who = found.who
        if session is not None:
            concerned = {one.id: one for one in await _sessions(desk, garage, found)}
            if session not in concerned:
                raise NotFound("this case is not about that session")
            who = concerned[session].who
        if who.picture is None:
            raise NotFound("no picture was kept")
        await open_subjects(services, tx, actor, _opening(services, found, [who], "picture of a case"))
    return await _jpeg(services, actor, who.picture)


async def _jpeg(services: Services, actor: Actor, picture: PictureRef) -> bytes:
    sealed = await services.pictures.get(picture.name)
    return open_sealed(picture_key(picture), sealed, picture_context(actor.tenant, picture.name))


async def _case(desk: Desk, garage: Garage, id: UUID) -> Case:
    found = garage.cases.get(id)
    if found is None:
        older = await load(desk, CASES, Case, [id])
        found = older[0] if older else None
    if found is None:
        raise NotFound("there is no such case; a late record may have explained it")
    return found


async def _sessions(desk: Desk, garage: Garage, case: Case) -> list[Session]:
    ids = list(dict.fromkeys([*((case.session,) if case.session else ()), *case.candidates]))
    here = {id: garage.sessions[id] for id in ids if id in garage.sessions}
    missing = [id for id in ids if id not in here]
    older = {one.id: one for one in await load(desk, SESSIONS, Session, missing)} if missing else {}
    return [(here | older)[id] for id in ids if id in here or id in older]


def _opening(services: Services, case: Case, seen: Sequence[Who], purpose: str) -> Opening:
    ended = case.resolved.at if case.resolved is not None else case.gone_at
    in_hand = case.state is CaseState.OPEN or (ended is not None and services.clock.now() - ended <= IN_HAND)
    return Opening(
        act=Act.LOOKED,
        purpose=purpose,
        case=reference_of(case.id),
        subjects=sorted({one.vehicle for one in seen if one.vehicle is not None}),
        others=sorted({comparison_form(one.plate) for one in seen if one.vehicle is None and one.plate}),
        detail=f"site {case.site}, case {case.id}",
        own_desk=in_hand,
    )


def reference_of(case: UUID) -> str:
    """How a case is called in the journal and on the phone."""
    return f"case {case.hex[:6].upper()}"


def _moment(case: Case, at: datetime) -> datetime:
    """Of when the price is: of the exit, for an exit; else of now."""
    return case.opened_at if case.way_out and case.gone_at is None and not case.stands_at_barrier else at


def _row(case: Case, garage: str, lanes: dict[UUID, str]) -> CaseRow:
    return CaseRow(
        id=case.id,
        site=case.site,
        garage=garage,
        kind=case.kind,
        state=case.state,
        opened_at=case.opened_at,
        lane=lanes.get(case.lane, "–") if case.lane is not None else "–",
        way_out=case.way_out,
        waits=case.state is CaseState.OPEN and case.stands_at_barrier,
        owed=case.owed,
        link_sent=case.state is CaseState.OPEN and case.resolved is not None,
        time_to_answer=case.time_to_answer,
    )


async def _lanes(services: Services, tx: Transaction, actor: Actor, site: SiteId) -> dict[UUID, str]:
    points = await sites.parts(tx, services.keyring, actor.tenant, site, AccessPoint)
    return {one.id: one.name for one in points}
