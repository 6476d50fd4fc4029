"""Driving in: a session begins with the passage, whatever the camera could read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.garage import Garage, Standing, Step
from postern.parking.happenings import Entered
from postern.parking.leaving import OF_DOUBT, settled
from postern.parking.permits import Covered, Uncovered, covered
from postern.parking.rules import Rules
from postern.parking.session import Session, Who, new_session
from postern.parking.unseen import left_unseen, noted
from postern.parking.waiting import gone, is_standing

SEEN_TWICE_WITHIN = timedelta(seconds=30)
"""Two openings of one lane for one plate, so close together, are one vehicle that was read twice."""


def entered(garage: Garage, happening: Entered, rules: Rules) -> Step:
    """A vehicle drove in. The reading of a person who looked counts before the camera's."""
    before = garage.standing.get(happening.lane)
    who = _who(before, happening)
    if _is_the_same(garage, before, happening, who):
        return Step()
    over = {one.id: one for one in left_unseen(garage, replace(happening, who=who), rules)}
    still = Garage(sessions={**garage.sessions, **over}, cases=garage.cases)
    session = replace(_session(still, happening, rules, who), ticket=_ticket(before, happening))
    cases = {one.id: one for one in _cases(still, happening, rules, session, before)}
    for one in over.values():
        cases |= settled(garage, one, OF_DOUBT, happening)
        note = noted(one, happening, rules)
        cases[note.id] = note
    cases |= gone(garage, before, happening)
    return Step(
        sessions={session.id: session, **over},
        cases=cases,
        standing={happening.lane: Standing(seen=happening, raw=happening.who, session=session.id)},
    )


def _ticket(before: Standing | None, happening: Entered) -> UUID | None:
    """The case in which it waited at the entry until the barrier opened."""
    return before.case if before is not None and is_standing(before, happening.at, happening.who) else None


def _who(before: Standing | None, happening: Entered) -> Who:
    if is_standing(before, happening.at, happening.who) and before is not None and before.stated is not None:
        return before.stated
    return happening.who


def _is_the_same(garage: Garage, before: Standing | None, happening: Entered, who: Who) -> bool:
    if before is None or not isinstance(before.seen, Entered) or before.session not in garage.sessions:
        return False
    soon = happening.at - before.seen.at <= SEEN_TWICE_WITHIN
    return soon and who.reads_like(before.raw)


def _session(garage: Garage, happening: Entered, rules: Rules, who: Who) -> Session:
    session = new_session(
        id=rules.naming.of(happening.key, "session"),
        site=rules.settings.site,
        entered_at=happening.at,
        currency=rules.settings.currency,
        entry=happening.key,
    )
    session = replace(session, lane=happening.lane, who=who, vehicle_class=rules.settings.vehicle_class)
    if happening.erased:
        return replace(session, permit=happening.permit, near_a_permit=happening.near_a_permit)
    return with_permit(garage, session, rules)


def with_permit(garage: Garage, session: Session, rules: Rules) -> Session:
    """The session with the permit that covers it from its entry on, if one does."""
    at, who = session.entered_at, session.who
    known = rules.permits_at(at)
    if not known or not who.plate or not (who.sure or who.stated):
        return replace(session, permit=None, near_a_permit=False)
    taken = garage.taken()
    if session.permit is not None and session.id in garage.sessions:
        taken[session.permit] = taken.get(session.permit, 1) - 1
    found = covered(known, [who.plate], at, taken)
    permit = found.permit if isinstance(found, Covered) else None
    # A bay that looks taken may be free: somebody left unread. So nobody pays for that by itself.
    in_doubt = found is Uncovered.NEAR_A_PERMIT or (found is Uncovered.BAYS_TAKEN and _may_have_left(garage))
    return replace(session, permit=permit, near_a_permit=in_doubt)


def _may_have_left(garage: Garage) -> bool:
    """Whether a vehicle under a permit that counts as inside may be one that drove out and was not known."""
    permitted = {one.id for one in garage.sessions.values() if one.is_inside and one.permit is not None}
    unknown = [
        one
        for one in garage.cases.values()
        if one.state is CaseState.OPEN and one.way_out and one.session is None
    ]
    return any(not one.who.plate or not permitted.isdisjoint(one.candidates) for one in unknown)


def _cases(
    garage: Garage, happening: Entered, rules: Rules, session: Session, before: Standing | None
) -> list[Case]:
    """What about it a person has to look at, or may want to know."""
    who, found = session.who, []

    def case(kind: CaseKind, candidates: tuple[UUID, ...] = (), state: CaseState = CaseState.OPEN) -> Case:
        return Case(
            id=rules.naming.of(happening.key, kind.value),
            site=session.site,
            kind=kind,
            opened_at=happening.at,
            state=state,
            lane=happening.lane,
            who=happening.who,
            session=session.id,
            candidates=candidates,
            record=happening.key,
        )

    if not happening.erased and (not who.plate or not (who.sure or who.stated)):
        found.append(case(CaseKind.UNREADABLE))
    twins = [one.id for one in garage.sessions.values() if one.is_inside and one.who.reads_like(who)]
    if twins:
        found.append(case(CaseKind.CLONED, candidates=tuple(sorted(twins))))
    if before is not None and shares_opening(before, happening):
        found.append(case(CaseKind.TWO_VEHICLES, state=CaseState.NOTED))
    return found


def shares_opening(before: Standing, happening: Entered) -> bool:
    """Whether the vehicle before it drove in while the barrier was up for this one."""
    return isinstance(before.seen, Entered) and before.seen.opening == happening.opening
