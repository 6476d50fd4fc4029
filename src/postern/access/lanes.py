"""The lanes of a garage: who drives in, who drives out, and what the barrier does when that is not clear.

Vehicles come in without being registered. They leave when the hub says that nothing is owed; and nobody is
shut in because a plate could not be read or because the hub is away: then the barrier opens, and a person
looks into it later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postern.access.reasons import Reason
from postern.sites.model import Lane, LaneKind, LaneRule


class Clearance(StrEnum):
    """The hub's answer to whether a vehicle may leave."""

    CLEARED = "cleared"
    OWED = "owed"
    UNCERTAIN = "uncertain"
    """The hub cannot tell which session it is, or what is owed; an attendant may find out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How it stands with a vehicle at the barrier.

    `clearance`: the hub's newest answer, None when it gave none. `waited`: seconds since the vehicle came.
    """

    clearance: Clearance | None = None
    waited: float = 0.0


FRESH = Standing()
"""Just come, and nobody was asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Approach:
    """What is known of the vehicle by itself.

    `score`: how surely its plate was read, 0 for a plate that could not be. `barred`: whoever runs the site
    revoked everything of it. `own_right`: a grant of its own opens this access point now.
    """

    score: float
    barred: bool = False
    own_right: bool = False


def lane_reason(lane: Lane, approach: Approach, standing: Standing) -> Reason:
    """Why the barrier opens or stays shut."""
    sure = approach.score > 0 and approach.score >= lane.least_score
    if lane.kind is LaneKind.ENTRY:
        return _entry(lane, approach, standing, sure=sure)
    return _exit(lane, approach, standing, sure=sure)


def _entry(lane: Lane, approach: Approach, standing: Standing, *, sure: bool) -> Reason:
    # 1. A plate that was not read surely is nobody's: the lane's rule says whether the barrier waits.
    if not sure:
        return Reason.AWAITING_ANSWER if _waits(lane, standing) else Reason.UNCERTAIN_ENTRY
    # 2. A vehicle of which everything was revoked stays out.
    if approach.barred:
        return Reason.CREDENTIAL_REVOKED
    # 3. Everybody else drives in: by a right of its own, or to park.
    return Reason.GRANTED if approach.own_right else Reason.PARKING_ENTRY


def _exit(lane: Lane, approach: Approach, standing: Standing, *, sure: bool) -> Reason:
    # 1. What the hub has cleared leaves: it is paid, waived, covered, or an attendant said so.
    if standing.clearance is Clearance.CLEARED:
        return Reason.CLEARED_TO_LEAVE
    # 2. Who owes, and was read surely, pays first. An unsure reading never charges anybody.
    if standing.clearance is Clearance.OWED and sure:
        return Reason.NOT_PAID
    # 3. A right of its own opens where the hub does not know better.
    if approach.own_right and sure and not approach.barred:
        return Reason.GRANTED
    # 4. It is not clear: wait where the rule says so, at most as long as it says; then open, with a case.
    if standing.clearance is None:
        return Reason.OPENED_UNANSWERED
    if _waits(lane, standing):
        return Reason.AWAITING_ANSWER
    return Reason.SETTLE_LATER if lane.rule is LaneRule.OPEN_AND_SETTLE else Reason.OPENED_UNANSWERED


def _waits(lane: Lane, standing: Standing) -> bool:
    return lane.rule is LaneRule.WAIT and standing.waited < lane.wait_seconds
