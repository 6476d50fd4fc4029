"""A second look at a permit: the plate was not read surely at entry, or only nearly a permit's, and is seen
again."""

from __future__ import annotations

from dataclasses import replace

from postern.parking.garage import Garage
from postern.parking.permits import Covered, Uncovered, covered
from postern.parking.rules import Rules
from postern.parking.session import Session, Who


def permit_seen_again(garage: Garage, session: Session, who: Who, rules: Rules) -> Session:
    """The session as both reads show it; one whose entry was read surely, and near no permit, stays as it is,
    unless a person stated the plate at the exit: then the camera was wrong, however sure.

    Whether a bay of the permit was free at entry cannot be told any more: if none is now, a person decides.
    """
    was_sure = session.who.sure or session.who.stated
    if session.permit is not None or (was_sure and not session.near_a_permit and not who.stated):
        return session
    reads = [session.who.plate, *([who.plate] if who.sure or who.stated else [])]
    found = covered(rules.permits_at(session.entered_at), reads, session.entered_at, garage.taken())
    if isinstance(found, Covered):
        return replace(session, permit=found.permit, near_a_permit=False)
    in_doubt = found in (Uncovered.NEAR_A_PERMIT, Uncovered.BAYS_TAKEN)
    return replace(session, near_a_permit=in_doubt)
