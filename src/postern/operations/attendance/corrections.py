"""Correct somebody's hours: ask, approve, refuse. New entries beside the punches; nothing is ever changed.

Whoever asks does not decide: an employee asks and an operator decides, or one operator asks and another one
decides. What is decided counts once it is in the archive, and from then on at every recomputation.
"""

from __future__ import annotations

from uuid import UUID

from postern.attendance import store
from postern.attendance.asking import FARTHEST_BACK, WantedCorrection, check_wanted
from postern.attendance.model import Correction, CorrectionState
from postern.clock import utc_day
from postern.errors import Conflict, Refused
from postern.ids import PersonId, SiteId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.archive.hub_records import record
from postern.operations.attendance.desk import At, at_desk, books_of
from postern.operations.attendance.scope import scope_of
from postern.operations.attendance.settle import settle_all_hours, settle_hours
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.records.model import AttendanceDeed, AttendanceRecord


async def propose_correction(
    services: Services, actor: Actor, person: PersonId, wanted: WantedCorrection
) -> UUID:
    """An operator asks for a correction, which another one decides about; its id."""
    require(actor, Duty.KEEP_HOURS)
    await settle_all_hours(services, actor.tenant)
    id = new_id()
    async with services.database.transaction(actor.tenant) as tx:
        whose = (await at_desk(services, tx, actor.tenant, person, wanted.day)).employed
        (await scope_of(services, tx, actor)).check_seen(whose)
        desk = await ask(services, tx, actor.tenant, person, wanted, id=id, by=actor.operator)
        await trace(
            services,
            tx,
            actor,
            Act.CHANGED,
            purpose="correction of hours",
            subjects=[person],
            detail=f"asked {id}: {wanted.deed.value} {wanted.day}",
        )
    await settle_hours(services, actor.tenant, desk.site)
    return id


async def ask(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    person: PersonId,
    wanted: WantedCorrection,
    *,
    id: UUID,
    by: UUID | None,
) -> At:
    """Record that a correction is asked for, as part of `tx`, once the books are settled."""
    reason, now = stated(wanted.reason), services.clock.now()
    desk = await at_desk(services, tx, tenant, person, wanted.day)
    await store.settings(tx, services.keyring, tenant, desk.site)
    books = (await books_of(services, tx, tenant, [person], first=wanted.day, last=wanted.day))[person]
    punch = books.punch(wanted.punch) if wanted.punch is not None else None
    moment = desk.day_of(wanted.at) if wanted.at is not None else None
    check_wanted(wanted, local_day=moment, punch=punch, now=now, today=desk.day_of(now))
    days = [wanted.day, *([moment] if moment is not None else [])]
    desk.check_open(*days, *([desk.day_of(punch.at)] if punch is not None else []))
    made = AttendanceRecord(
        at=now,
        deed=AttendanceDeed.ASKED,
        person=person,
        by=by,
        reason=reason,
        correction=id,
        concerns=wanted.punch,
        change=wanted.deed.value,
        moment=wanted.at,
        day=wanted.day,
        direction=wanted.direction.value if wanted.direction is not None else None,
    )
    await record(services, tx, tenant, desk.site, [made])
    return desk


async def approve_correction(services: Services, actor: Actor, person: PersonId, correction: UUID) -> None:
    """It counts from now on. Raises NotFound; Conflict when it was decided about, or its period is closed;
    Refused for one that the operator asked for themselves, for one's own hours, and for somebody's whom
    another one manages."""
    await _decide(services, actor, person, correction, CorrectionState.APPROVED, reason="")


async def refuse_correction(
    services: Services, actor: Actor, person: PersonId, correction: UUID, *, reason: str
) -> None:
    """It will never count; whoever asked reads the reason. Raises as `approve_correction`."""
    await _decide(services, actor, person, correction, CorrectionState.REFUSED, reason=stated(reason))


async def _decide(
    services: Services, actor: Actor, person: PersonId, id: UUID, state: CorrectionState, *, reason: str
) -> None:
    require(actor, Duty.KEEP_HOURS)
    site = None
    while site is None:
        await settle_all_hours(services, actor.tenant)
        async with services.database.transaction(actor.tenant) as tx:
            site = await _decided(services, tx, actor, person, id, state=state, reason=reason)
    await settle_hours(services, actor.tenant, site)


async def _decided(
    services: Services,
    tx: Transaction,
    actor: Actor,
    person: PersonId,
    id: UUID,
    *,
    state: CorrectionState,
    reason: str,
) -> SiteId | None:
    """Record the decision, as part of `tx`; at which site. None: somebody else was recording, look again."""
    found, site = await _find(services, tx, actor.tenant, person, id)
    desk = await at_desk(services, tx, actor.tenant, person, found.day)
    (await scope_of(services, tx, actor)).check_decided(desk.employed)
    # From here on nobody else decides at this site until `tx` ends.
    await store.settings(tx, services.keyring, actor.tenant, site, lock=True)
    if await store.hub_is_behind(tx, site):
        return None
    if found.state is not CorrectionState.ASKED:
        raise Conflict("somebody has decided about this correction already; reload the page")
    if found.by == (actor.operator or person):
        raise Refused("whoever asks for a correction does not decide about it; ask somebody else to")
    (await at_desk(services, tx, actor.tenant, person, found.day)).check_open(found.day)
    approved = state is CorrectionState.APPROVED
    made = AttendanceRecord(
        at=services.clock.now(),
        deed=AttendanceDeed.APPROVED if approved else AttendanceDeed.REFUSED,
        person=person,
        by=actor.operator,
        reason=reason,
        correction=id,
        day=found.day,
    )
    await record(services, tx, actor.tenant, site, [made])
    detail = f"{state.value} {id}: {found.deed.value} {found.day}"
    await trace(
        services, tx, actor, Act.CHANGED, purpose="correction of hours", subjects=[person], detail=detail
    )
    return site


async def _find(
    services: Services, tx: Transaction, tenant: TenantId, person: PersonId, id: UUID
) -> tuple[Correction, SiteId]:
    """The correction among the person's of the last months. Raises NotFound."""
    today = utc_day(services.clock.now())
    first = today - FARTHEST_BACK - FARTHEST_BACK
    books = await books_of(services, tx, tenant, [person], first=first, last=today)
    return books[person].correction(id)
