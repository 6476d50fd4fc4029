"""Driving out: which session ends, what it costs, and when a person must decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from postern.ids import AccessPointId
from postern.money import Money
from postern.parking import charging
from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.charging import Charged
from postern.parking.clearance import Cleared, Owed, Reason
from postern.parking.garage import Garage, Standing, Step, plate_read
from postern.parking.happenings import Left, Seen
from postern.parking.pairing import Ambiguous, Paired, Pairing, Unpaired, pair
from postern.parking.permit_seen import permit_seen_again
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState, Who
from postern.parking.unseen import by_its_ticket
from postern.parking.waiting import gone, is_standing
from postern.records.model import RecordKey
from postern.vehicles.abroad import is_from_abroad

SEEN_TWICE_WITHIN = timedelta(seconds=30)
MOST_CANDIDATES = 8
OF_DOUBT = (CaseKind.UNREADABLE, CaseKind.CLONED)


def left(garage: Garage, happening: Left, rules: Rules) -> Step:
    """A vehicle drove out."""
    before = garage.standing.get(happening.lane)
    if _is_the_same(before, happening):
        return Step()
    who, known = _known(before, happening)
    now = Standing(seen=happening, raw=happening.who)
    gone_on = gone(garage, before, happening)
    session = garage.sessions.get(known) if known is not None else None
    if session is not None and session.is_inside:
        pairing: Pairing = Paired(session=session.id, distance=0.0)
    elif happening.erased:
        return Step(standing={happening.lane: now}, cases=gone_on)
    else:
        pairing = paired(garage, who, happening.lane, rules, happening.at)
    exit = Exit(cause=happening, key=happening.key, at=happening.at, who=who, lane=happening.lane)
    step = ended(garage, exit, pairing, rules)
    standing = {happening.lane: replace(now, session=next(iter(step.sessions), None))}
    return replace(step, cases={**gone_on, **step.cases}, standing=standing)


def _is_the_same(before: Standing | None, happening: Left) -> bool:
    if before is None or not isinstance(before.seen, Left):
        return False
    return happening.who.reads_like(before.raw) and happening.at - before.seen.at <= SEEN_TWICE_WITHIN


def _known(before: Standing | None, happening: Left) -> tuple[Who, UUID | None]:
    """Whose plate it is and which session, by a person who looked while the vehicle stood there."""
    if before is None or not is_standing(before, happening.at, happening.who):
        return happening.who, happening.session
    return before.stated or happening.who, happening.session or before.session


def paired(garage: Garage, who: Who, lane: AccessPointId, rules: Rules, at: datetime) -> Pairing:
    """Which session that is; a plate that could not be read is nobody's."""
    facts = rules.lanes.get(lane)
    least = facts.least_score if facts is not None else 1.0
    if not who.plate:
        return Unpaired(nearest=())
    found = pair(plate_read(who), garage.inside(), least_score=least)
    if not isinstance(found, Unpaired):
        return found
    known = by_its_ticket(garage, who, rules, at)
    return found if known is None else Paired(session=known, distance=0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """An exit, as it is to be booked now: `cause` is what has just happened, the rest what was seen then."""

    cause: Seen
    key: RecordKey
    at: datetime
    who: Who
    lane: AccessPointId


def ended(garage: Garage, exit: Exit, pairing: Pairing, rules: Rules) -> Step:
    """What the exit changes, given what it was found to be."""
    if isinstance(pairing, Paired):
        session = permit_seen_again(garage, garage.sessions[pairing.session], exit.who, rules)
        return close(garage, session, exit, rules)
    case = _case(exit, rules, _doubt(exit.who, pairing), candidates=_candidates(garage, pairing))
    return Step(cases={case.id: case})


def _doubt(who: Who, pairing: Pairing) -> CaseKind:
    if not who.plate:
        return CaseKind.UNREADABLE
    return CaseKind.AMBIGUOUS if isinstance(pairing, Ambiguous) else CaseKind.MISSING_ENTRY


def _candidates(garage: Garage, pairing: Pairing) -> tuple[UUID, ...]:
    """Sessions that it may be: the nearest plates, and those whose plate could not be read."""
    match pairing:
        case Ambiguous(candidates=near) | Unpaired(nearest=near):
            found = [one.session for one in near]
        case _:
            found = []
    unread = [one for one in garage.sessions.values() if one.is_inside and not one.who.plate]
    found += [one.id for one in sorted(unread, key=lambda one: one.entered_at, reverse=True)]
    return tuple(found[:MOST_CANDIDATES])


def _case(
    exit: Exit,
    rules: Rules,
    kind: CaseKind,
    *,
    session: UUID | None = None,
    candidates: tuple[UUID, ...] = (),
    owed: Money | None = None,
) -> Case:
    return Case(
        id=rules.naming.of(exit.key, kind.value),
        site=rules.settings.site,
        kind=kind,
        opened_at=exit.at,
        lane=exit.lane,
        way_out=True,
        who=exit.who,
        record=exit.key,
        session=session,
        candidates=candidates,
        owed=owed,
    )


def close(garage: Garage, session: Session, exit: Exit, rules: Rules) -> Step:
    """End the session at the exit: charge what it costs, unless a person has to decide."""
    clearance = charging.standing(session, rules, exit.at)
    over = replace(session, state=SessionState.LEFT, exit=exit.key, left_at=exit.at)
    cases = settled(garage, session, OF_DOUBT, exit.cause)
    charged = Charged(session=over)
    match clearance:
        case Cleared(reason=Reason.PERMIT | Reason.PAID_WITHIN_GRACE):
            pass
        case Cleared():
            charged = charging.charge(over, rules, exit.cause, exit.at)
        case Owed():
            charged = charging.charge(over, rules, exit.cause, exit.at)
            owed = charged.session.owed
            if owed.amount > 0:
                case = _case(exit, rules, _unpaid(exit.who, rules), session=session.id, owed=owed)
                cases[case.id] = case
        case _:
            case = _case(exit, rules, CaseKind.AMBIGUOUS, session=session.id, candidates=(session.id,))
            cases[case.id] = case
    return Step(sessions={session.id: charged.session}, cases=cases, movements=charged.movements)


def _unpaid(who: Who, rules: Rules) -> CaseKind:
    """Whether it can be followed up at home: a plate that only other countries have cannot."""
    if rules.country is None or not who.plate:
        return CaseKind.UNPAID_EXIT
    return CaseKind.FOREIGN if is_from_abroad(who.plate, rules.country) else CaseKind.UNPAID_EXIT


def settled(garage: Garage, session: Session, kinds: Sequence[CaseKind], cause: Seen) -> dict[UUID, Case]:
    """The open cases of these kinds about the session: what happened has answered them."""
    return {
        one.id: replace(one, state=CaseState.SETTLED, gone_at=cause.at)
        for one in garage.cases.values()
        if one.state is CaseState.OPEN
        and one.kind in kinds
        and (one.session == session.id or (one.kind is CaseKind.CLONED and session.id in one.candidates))
    }
