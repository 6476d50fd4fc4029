"""What a person decided about a case, or about a session without one."""

from __future__ import annotations

from dataclasses import replace

from postern.ids import AccessPointId
from postern.parking import charging, ledger
from postern.parking.cases import Case, CaseKind, CaseState, Resolution, Resolved
from postern.parking.charging import Charged
from postern.parking.entering import with_permit
from postern.parking.garage import Garage, Standing, Step
from postern.parking.happenings import Corrected
from postern.parking.leaving import Exit, close, ended, paired
from postern.parking.pairing import Paired
from postern.parking.paying import Sum, count_in
from postern.parking.permit_seen import permit_seen_again
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState

_AT_EXIT = (CaseKind.UNREADABLE, CaseKind.MISSING_ENTRY, CaseKind.AMBIGUOUS)
_UNCOUNTED = (CaseKind.UNKNOWN_SESSION, CaseKind.WRONG_AMOUNT)
"""Without a session: its money came in and was not counted for any."""
_UNPAID = (CaseKind.UNPAID_EXIT, CaseKind.FOREIGN, CaseKind.WRONG_AMOUNT)


def corrected(garage: Garage, happening: Corrected, rules: Rules) -> Step:
    """What follows from it. A case that is not there any more was explained by a late record."""
    case = garage.cases.get(happening.case) if happening.case is not None else None
    chosen = happening.session or (case.session if case is not None else None)
    session = garage.sessions.get(chosen) if chosen is not None else None
    step = _done(garage, happening, rules, case, session)
    if case is None:
        return step
    resolved = Resolved(
        at=happening.at,
        operator=happening.operator,
        resolution=happening.resolution,
        reason=happening.reason,
    )
    now = step.cases.get(case.id, case)
    still_open = now.id in step.cases and now.state is CaseState.OPEN
    state = CaseState.OPEN if still_open else CaseState.RESOLVED
    return replace(
        step,
        cases={**step.cases, case.id: replace(now, state=state, resolved=resolved)},
        standing={**step.standing, **_told(garage, case, happening)},
    )


def _done(
    garage: Garage, happening: Corrected, rules: Rules, case: Case | None, session: Session | None
) -> Step:
    match happening.resolution:
        case Resolution.CORRECT_PLATE:
            return _correct_plate(garage, happening, rules, case, session)
        case Resolution.PAIR if case is not None and session is not None:
            return _pair(garage, happening, rules, case, session)
        case Resolution.WAIVE if session is not None:
            return _waive(happening, rules, session)
        case Resolution.SEND_PAY_LINK if case is not None and session is not None:
            # Who left unpaid still owes: the case stays open until the money has come.
            unpaid = case.kind in _UNPAID and session.owed.amount > 0
            return Step(cases={case.id: case}) if unpaid else Step()
        case Resolution.DISMISS if session is not None:
            return _dismiss(happening, rules, case, session)
        case _:
            return Step()


def _told(garage: Garage, case: Case, happening: Corrected) -> dict[AccessPointId, Standing]:
    """Whoever still stands at the barrier is known now."""
    if case.lane is None or case.gone_at is not None:
        return {}
    before = garage.standing.get(case.lane)
    if before is None or before.case != case.id:
        return {}
    lets_go = happening.resolution in (Resolution.OPEN, Resolution.WAIVE, Resolution.SEND_PAY_LINK)
    told = replace(
        before,
        stated=happening.who if happening.who.plate else before.stated,
        session=happening.session or before.session,
        cleared=before.cleared or lets_go,
    )
    return {case.lane: told}


def _correct_plate(
    garage: Garage, happening: Corrected, rules: Rules, case: Case | None, session: Session | None
) -> Step:
    if case is not None and case.way_out and case.kind in _AT_EXIT and case.record is not None:
        return _exit_again(garage, happening, rules, case)
    if session is None:
        return Step()
    who = replace(happening.who, picture=session.who.picture)
    now = with_permit(garage, replace(session, who=who), rules)
    return Step(sessions={now.id: now})


def _exit_again(garage: Garage, happening: Corrected, rules: Rules, case: Case) -> Step:
    """The exit is judged with the plate as a person read it. What stays unclear stays open."""
    exit = _exit_of(happening, case)
    if exit is None:
        return Step()
    exit = replace(exit, who=replace(happening.who, picture=case.who.picture))
    pairing = paired(garage, exit.who, exit.lane, rules, exit.at)
    step = ended(garage, exit, pairing, rules)
    if isinstance(pairing, Paired):
        return step
    (found,) = step.cases.values()
    kept = replace(case, kind=found.kind, who=exit.who, candidates=found.candidates)
    return Step(cases={case.id: kept})


def _exit_of(happening: Corrected, case: Case) -> Exit | None:
    if case.record is None or case.lane is None:
        return None
    return Exit(cause=happening, key=case.record, at=case.opened_at, who=case.who, lane=case.lane)


def _pair(garage: Garage, happening: Corrected, rules: Rules, case: Case, session: Session) -> Step:
    if case.kind in _UNCOUNTED and case.session is None and case.owed is not None:
        moment = max(session.entered_at, case.opened_at)
        sum = Sum(amount=case.owed, moment=moment, reference=case.reference, cause=happening)
        return count_in(garage, session, sum, rules)
    exit = _exit_of(happening, case)
    if not case.way_out or case.kind not in _AT_EXIT or exit is None:
        return Step()
    # A person says whose it is: what was too near to a permit is none of that permit's, unless its very plate
    # was read at the exit.
    seen = permit_seen_again(garage, session, exit.who, rules)
    certain = seen if seen.permit is not None else replace(session, near_a_permit=False)
    if certain.left_at is not None:
        charged = charging.charge(certain, rules, happening, certain.left_at)
        return Step(sessions={certain.id: charged.session}, movements=charged.movements)
    return close(garage, certain, exit, rules)


def _waive(happening: Corrected, rules: Rules, session: Session) -> Step:
    charged = Charged(session=session)
    if session.is_inside:
        charged = charging.charge(session, rules, happening, happening.at)
    waived = charging.waive(charged.session, rules, happening)
    return Step(sessions={session.id: waived.session}, movements=(*charged.movements, *waived.movements))


def _dismiss(happening: Corrected, rules: Rules, case: Case | None, session: Session) -> Step:
    if case is not None and case.kind in _UNPAID:
        return _write_off(happening, rules, session)
    if session.left_at is not None or (
        case is not None and case.kind is CaseKind.CLONED and not happening.session
    ):
        return Step()
    dismissable = (CaseKind.MISSING_EXIT, CaseKind.CLONED, CaseKind.UNREADABLE)
    if case is not None and case.kind not in dismissable:
        return Step()
    return Step(sessions={session.id: replace(session, state=SessionState.DISMISSED, left_at=happening.at)})


def _write_off(happening: Corrected, rules: Rules, session: Session) -> Step:
    tariff, owed = charging.tariff_of(session, rules), session.owed
    if tariff is None or owed.amount <= 0:
        return Step()
    named = charging.slip(rules, happening, session, f"write-off {owed.amount}")
    movement = ledger.write_off(named, owed, tariff.vat_in(owed))
    now = replace(session, waived=session.waived + owed, settled_at=happening.at)
    return Step(sessions={session.id: now}, movements=(movement,))
