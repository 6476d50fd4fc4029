"""Count whom an operator opens, over all routes, before anything leaves; refuse the one too many.

Everything that shows a person, a vehicle, a passage or a picture to an operator begins with `looking` and
calls `open_subjects` in it: one place that counts in the database, writes the journal, and notices what is
unusual. Counting and journal are durable together, or nothing is opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from postern.clock import utc_day
from postern.errors import TooMany
from postern.ids import OperatorId, SiteId
from postern.journal.model import Act
from postern.operations.insiders.alarms import raise_alarm
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators import opened_store as store
from postern.operators import store as operators
from postern.operators.budget import LIMITS, Limit, Spent, spent, used
from postern.operators.concerns import Concern
from postern.operators.model import Actor
from postern.operators.opened_store import OpenedRow
from postern.operators.roles import Duty, require
from postern.operators.unusual import Looking, Opened, unusual
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Key
from postern.sealing.tags import blind_index
from postern.sites import store as sites
from postern.sites.model import zone_of

_TAG_BYTES = 16
_JOBS = "job:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What is to be opened, why, and how the journal tells it.

    `others`: what counts as a subject without being registered: a plate's text, a picture of a stranger.
    `own_desk`: part of the operator's daily work, which is journalled and not counted.
    """

    act: Act
    purpose: str
    case: str | None = None
    subjects: Sequence[UUID] = ()
    others: Sequence[str] = ()
    detail: str = ""
    own_desk: bool = False
    on_purpose: bool = True
    """Whether these subjects were asked for, and did not merely stand in a list."""


class BudgetSpent(TooMany):
    """The operator has opened as many as they may; the next one has to wait."""

    code = "budget-spent"

    def __init__(self, opening: Opening, over: Spent, at: datetime) -> None:
        hours = over.limit.within // timedelta(hours=1)
        minutes = max(1, -((at - over.free_at) // timedelta(minutes=1)))
        super().__init__(
            f"you may open {over.limit.subjects} people and vehicles outside your own desk within "
            f"{'an hour' if hours == 1 else f'{hours} hours'}, and this would be more; wait {minutes} "
            "minutes or ask somebody else. The privacy officer has been told."
        )
        self.opening = opening


@asynccontextmanager
async def looking(services: Services, actor: Actor) -> AsyncIterator[Transaction]:
    """A transaction in which to look. A refusal undoes it, and is journalled and alarmed all the same."""
    try:
        async with services.database.transaction(actor.tenant) as tx:
            yield tx
    except BudgetSpent as fault:
        await _tell_refusal(services, actor, fault.opening)
        raise


async def _tell_refusal(services: Services, actor: Actor, opening: Opening) -> None:
    async with services.database.transaction(actor.tenant) as tx:
        await raise_alarm(
            services,
            tx,
            actor.tenant,
            Concern.BUDGET_SPENT,
            about=actor.name,
            principal=actor.principal,
            detail=opening.purpose,
        )
        await trace(
            services,
            tx,
            actor,
            Act.REFUSED,
            purpose=opening.purpose,
            case=opening.case,
            subjects=opening.subjects,
            detail="budget spent",
        )


async def open_subjects(services: Services, tx: Transaction, actor: Actor, opening: Opening) -> None:
    """Count and write down, as part of `tx`; after its commit what `opening` names may be shown.

    Raises BudgetSpent when it would be one too many; then nothing may be shown.
    """
    counted = not opening.own_desk and not actor.name.startswith(_JOBS)
    rows: Mapping[bytes, OpenedRow] = {}
    if counted and (opening.subjects or opening.others):
        rows = await _count(services, tx, actor, opening)
    await trace(
        services,
        tx,
        actor,
        opening.act,
        purpose=opening.purpose,
        case=opening.case,
        subjects=opening.subjects,
        detail=opening.detail,
    )
    if rows:
        await _notice_unusual(services, tx, actor, opening, rows)
    if opening.on_purpose:
        await _notice_bait(services, tx, actor, opening)


async def _count(
    services: Services, tx: Transaction, actor: Actor, opening: Opening
) -> Mapping[bytes, OpenedRow]:
    """Take the operator's turn, look at what they have opened, and add this to it; all that is known then."""
    at = services.clock.now()
    key = await services.keyring.purpose_key(actor.tenant, "opened-subjects")
    await store.take_turn(tx, actor.tenant, actor.principal)
    known = dict(await store.opened(tx, actor.tenant, actor.principal, at))
    renamed: set[bytes] = set()
    wanted: dict[bytes, OpenedRow] = {}
    for name in {*(subject.hex for subject in opening.subjects), *opening.others}:
        tag, before = _tag(key, actor, name, at), _tag(key, actor, name, at - timedelta(days=1))
        old = known.get(tag) or known.get(before)
        if old is not None and old.brought_in:
            continue  # on their own desk since they added it
        looks = (old.looks if old is not None else 0) + (opening.case is None)
        wanted[tag] = OpenedRow(tag=tag, at=at, looks=looks, brought_in=False)
        renamed |= {before} & known.keys()
    counting = {tag: row.at for tag, row in known.items() if not row.brought_in and tag not in renamed}
    over = spent(counting, frozenset(wanted), at)
    if over is not None:
        raise BudgetSpent(opening, over, at)
    await store.forget(tx, actor.tenant, actor.principal, renamed)
    await store.put(tx, actor.tenant, actor.principal, wanted.values())
    return {tag: row for tag, row in (known | wanted).items() if tag not in renamed}


def _tag(key: Key, actor: Actor, name: str, at: datetime) -> bytes:
    """The subject for this operator on this day: tags of two operators or two days cannot be joined."""
    return blind_index(key, f"{actor.principal}|{utc_day(at)}|{name}")[:_TAG_BYTES]


async def bring_in(services: Services, tx: Transaction, actor: Actor, subject: UUID) -> None:
    """The operator adds this subject: for a day it is on their own desk and not counted."""
    if actor.name.startswith(_JOBS):
        return
    at = services.clock.now()
    key = await services.keyring.purpose_key(actor.tenant, "opened-subjects")
    row = OpenedRow(tag=_tag(key, actor, subject.hex, at), at=at, looks=0, brought_in=True)
    await store.put(tx, actor.tenant, actor.principal, [row])


async def _notice_unusual(
    services: Services, tx: Transaction, actor: Actor, opening: Opening, rows: Mapping[bytes, OpenedRow]
) -> None:
    found = await sites.sites(tx, services.keyring, actor.tenant)
    now = services.clock.now()
    people = await services.registry.people.everyone(tx, actor.tenant)
    looking_now = Looking(
        login_name=actor.name,
        at=now.astimezone(zone_of(found[0].time_zone)) if found else now,
        opened=tuple(Opened(at=row.at, looks=row.looks) for row in rows.values() if not row.brought_in),
        names=tuple(people[one].details.name for one in opening.subjects if one in people)
        if opening.on_purpose
        else (),
    )
    for concern in sorted(unusual(looking_now)):
        await raise_alarm(services, tx, actor.tenant, concern, about=actor.name, principal=actor.principal)


async def _notice_bait(services: Services, tx: Transaction, actor: Actor, opening: Opening) -> None:
    bait = await services.registry.bait(tx, actor.tenant, services.clock.now())
    if bait.subjects & set(opening.subjects) or bait.plates & set(opening.others):
        await raise_alarm(
            services,
            tx,
            actor.tenant,
            Concern.BAIT_OPENED,
            about=actor.name,
            principal=actor.principal,
            detail=opening.purpose,
        )


async def is_on_desk(services: Services, tx: Transaction, actor: Actor, site: SiteId) -> bool:
    """Whether the site's live wall is part of the operator's own desk.

    Those they were given; or, where nobody was given any, the organisation's only site.
    """
    given = await store.desk_of(tx, actor.tenant, actor.operator) if actor.operator is not None else ()
    if given:
        return site in given
    return [one.id for one in await sites.sites(tx, services.keyring, actor.tenant)] == [site]


async def desks(services: Services, actor: Actor) -> Mapping[OperatorId, frozenset[SiteId]]:
    """The sites on the desk of each operator who was given any."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.desks(tx, actor.tenant)


async def set_desk(services: Services, actor: Actor, operator: OperatorId, wanted: Sequence[SiteId]) -> None:
    """Say which sites' live walls are on an operator's desk. NotFound for one that is not there."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with services.database.transaction(actor.tenant) as tx:
        found = await operators.get(tx, services.keyring, actor.tenant, operator)
        for site in wanted:
            await sites.site(tx, services.keyring, actor.tenant, site)
        await store.put_desk(tx, actor.tenant, operator, frozenset(wanted))
        detail = f"desk of {found.login_name}: sites {', '.join(map(str, sorted(wanted))) or 'none'}"
        await trace(services, tx, actor, Act.CHANGED, purpose="operators", detail=detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetLine:
    """How much of a limit is used."""

    limit: Limit
    used: int


async def own_budget(services: Services, actor: Actor) -> tuple[BudgetLine, ...]:
    """How much of their budget the operator has used."""
    at = services.clock.now()
    async with services.database.transaction(actor.tenant) as tx:
        rows = await store.opened(tx, actor.tenant, actor.principal, at)
    counting = {row.tag: row.at for row in rows.values() if not row.brought_in}
    return tuple(BudgetLine(limit=limit, used=used(counting, limit, at)) for limit in LIMITS)
