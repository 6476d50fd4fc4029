"""An attendant decides a case: recorded with its reason, in the journal with it, at the barrier at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from postern.errors import BadInput, Conflict, NotFound
from postern.ids import SiteId
from postern.journal.model import Act
from postern.operations.archive.hub_records import record
from postern.operations.parking import payment_attempts as attempts
from postern.operations.parking.cases import reference_of
from postern.operations.parking.settle import settled
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.sites import commands
from postern.operations.sites.commands import CommandOutcome
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking.cases import Case, CaseState, Resolution
from postern.parking.garage import Garage
from postern.parking.rules import Rules
from postern.postgres.pool import Transaction
from postern.records.model import CorrectionRecord, Deed
from postern.vehicles.model import LONGEST_PLATE
from postern.vehicles.plates import normalise

_OPENS = (Resolution.OPEN, Resolution.WAIVE, Resolution.SEND_PAY_LINK)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """What came of it. `barrier`: what the agent answered, where one was to open. `link`: for the driver."""

    case: Case | None
    barrier: CommandOutcome | None = None
    link: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the attendant decides. `plate` for a corrected one; `session` for the one that it is, or that is
    to be dismissed, where the case leaves a choice."""

    resolution: Resolution
    reason: str
    plate: str = ""
    session: UUID | None = None


async def resolve_case(services: Services, actor: Actor, site: SiteId, case: UUID, wanted: Wanted) -> Decided:
    """Carry it out. The record and the journal entry are durable before the barrier moves.

    Raises BadInput without a reason, plate or session where one is needed; NotFound; Conflict when the case
    was resolved meanwhile.
    """
    require(actor, Duty.ANSWER_CASES)
    garage, rules = await settled(services, actor.tenant, site)
    found = garage.cases.get(case)
    if found is None:
        raise NotFound("there is no such case; a late record may have explained it")
    if found.state is not CaseState.OPEN:
        raise Conflict("this case was answered meanwhile; reload it")
    wanted = _checked(wanted, found, garage)
    link, command = "", None
    async with services.database.transaction(actor.tenant) as tx:
        if wanted.resolution is Resolution.SEND_PAY_LINK and wanted.session is not None:
            link = await attempts.new_link(
                tx,
                services.keyring,
                actor.tenant,
                site,
                session=wanted.session,
                at=services.clock.now(),
            )
        await record(services, tx, actor.tenant, site, [_told(services, actor, found, wanted)])
        command = await _command(services, tx, actor, found, wanted, rules)
        await _traced(services, tx, actor, found, wanted, opened=command is not None)
    garage, _ = await settled(services, actor.tenant, site)
    outcome = None
    if command is not None and wanted.resolution in _OPENS:
        outcome = await commands.outcome(services, actor.tenant, site, command)
    return Decided(case=garage.cases.get(case), barrier=outcome, link=link or None)


def _checked(wanted: Wanted, case: Case, garage: Garage) -> Wanted:
    plate = normalise(wanted.plate)
    session = wanted.session or case.session
    match wanted.resolution:
        case Resolution.CORRECT_PLATE:
            if not 2 <= len(plate) <= LONGEST_PLATE:
                raise BadInput("type the plate as it is on the picture")
        case Resolution.PAIR:
            if session is None or session not in garage.sessions:
                raise BadInput("choose the session that it is")
        case Resolution.SEND_PAY_LINK:
            if session is None:
                raise BadInput("choose the session to be paid for first")
        case _:
            pass
    if wanted.session is not None and wanted.session not in garage.sessions:
        raise NotFound("there is no such session (any more)")
    # Which one is to be dismissed is only what the attendant names.
    kept = session if wanted.resolution is not Resolution.DISMISS else wanted.session
    return replace(wanted, reason=stated(wanted.reason), plate=plate, session=kept)


def _told(services: Services, actor: Actor, case: Case, wanted: Wanted) -> CorrectionRecord:
    return CorrectionRecord(
        at=services.clock.now(),
        deed=Deed.RESOLVED,
        operator=actor.name,
        reason=wanted.reason,
        case=case.id,
        session=wanted.session,
        resolution=wanted.resolution.value,
        plate=wanted.plate or None,
        access_point=case.lane,
    )


async def _command(  # noqa: PLR0917 - the transaction, then what is decided
    services: Services, tx: Transaction, actor: Actor, case: Case, wanted: Wanted, rules: Rules
) -> UUID | None:
    """Open the barrier that the case waits at, or have its agent ask again."""
    facts = rules.lanes.get(case.lane) if case.lane is not None else None
    if facts is None or not case.stands_at_barrier:
        return None
    if wanted.resolution not in _OPENS:
        await commands.have_lanes_ask(services, tx, case.site)
        return None
    require(actor, Duty.OPEN_DOOR)
    fields = {"door": str(facts.door), "operator": actor.name, "reason": wanted.reason}
    return await commands.send(
        services, tx, tenant=actor.tenant, site=case.site, command="open-door", fields=fields
    )


async def _traced(
    services: Services, tx: Transaction, actor: Actor, case: Case, wanted: Wanted, *, opened: bool
) -> None:
    subjects = [case.who.vehicle] if case.who.vehicle is not None else []
    await trace(
        services,
        tx,
        actor,
        Act.OPENED_DOOR if opened else Act.CHANGED,
        purpose=wanted.reason,
        case=reference_of(case.id),
        subjects=subjects,
        detail=f"site {case.site}, case {case.id} ({case.kind.value}): {wanted.resolution.value}",
    )
