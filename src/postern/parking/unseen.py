"""Who left unseen, as what happens next tells: a permit's car that drives in while it counts as inside.

A session that is closed so was covered to its end and costs nothing, so nobody is charged by a guess; it is
noted. Should the car be there after all, its exit is nobody's, and a person looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.charging import coverage, standing
from postern.parking.clearance import Cleared, Reason
from postern.parking.garage import Garage
from postern.parking.happenings import Entered
from postern.parking.pairing import form
from postern.parking.permits import Covered
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState, Who

OVER_NIGHT = timedelta(hours=16)
"""A permit's car that is inside for so long may have left unseen. Before, its plate driving in again is more
likely a clone's: a person's to decide."""


def left_unseen(garage: Garage, happening: Entered, rules: Rules) -> list[Session]:
    """The sessions that have ended, as this car drives in: its own earlier one; else, when all bays of its
    permit look taken, the longest of those that hold one over night."""
    who, at = happening.who, happening.at
    if happening.erased or not _is_known(who):
        return []
    long = [
        one
        for one in garage.sessions.values()
        if one.is_inside and at - one.entered_at >= OVER_NIGHT and _is_covered(one, rules, at)
    ]
    own = [one for one in long if one.who.reads_like(who) and _is_known(one.who)]
    found = own or _in_the_way(garage, long, who, rules, at)
    return [replace(one, state=SessionState.STALE, left_at=at) for one in found]


def _in_the_way(
    garage: Garage, long: Sequence[Session], who: Who, rules: Rules, at: datetime
) -> list[Session]:
    taken, text = garage.taken(), form(who.plate)
    own = [
        one for one in rules.permits_at(at) if one.span.contains(at) and text in {form(p) for p in one.plates}
    ]
    if not own or any(taken.get(one.id, 0) < one.bays for one in own):
        return []
    ids = {one.id for one in own}
    holding = [one for one in long if one.permit in ids]
    return sorted(holding, key=lambda one: (one.entered_at, one.id))[:1]


def noted(session: Session, happening: Entered, rules: Rules) -> Case:
    """What a person may want to know of it; nobody has to do anything."""
    return Case(
        id=rules.naming.named(f"{CaseKind.MISSING_EXIT.value}|{session.id}"),
        site=session.site,
        kind=CaseKind.MISSING_EXIT,
        opened_at=happening.at,
        state=CaseState.NOTED,
        lane=session.lane,
        who=session.who,
        session=session.id,
        record=session.entry,
    )


def by_its_ticket(garage: Garage, who: Who, rules: Rules, at: datetime) -> UUID | None:
    """The one session inside whose plate is not known, if it was paid for with its ticket and may leave: a
    car that is read surely at the exit, and is nobody else inside, is that one."""
    unknown = [one for one in garage.sessions.values() if one.is_inside and not _is_known(one.who)]
    if len(unknown) != 1 or not _is_known(who):
        return None
    (one,) = unknown
    if one.who.plate or one.ticket is None or one.paid.amount <= 0:
        return None
    found = standing(one, rules, at)
    paid = isinstance(found, Cleared) and found.reason in (Reason.PAID, Reason.PAID_WITHIN_GRACE)
    return one.id if paid else None


def _is_known(who: Who) -> bool:
    return bool(who.plate) and (who.sure or who.stated)


def _is_covered(session: Session, rules: Rules, at: datetime) -> bool:
    """Whether its permit covers it to this moment, and no money has moved for it."""
    untouched = not session.charged and not session.paid
    return untouched and session.permit is not None and isinstance(coverage(session, rules, at), Covered)
