"""What may become of a visit: asked for, approved, signed for, seen coming and leaving, over. Pure.

When somebody came and left is a function of everything that was seen and stated, not of the order in which it
arrived: `seen` is given all of it every time, and says the same however often it is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from postern.access.model import Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.errors import BadInput, Conflict
from postern.visitors.model import LONGEST_TEXT, Sighting, SignedTerms, Terms, Visit, VisitRules, VisitState

_SEEN = (VisitState.EXPECTED, VisitState.INSIDE, VisitState.LEFT, VisitState.MISSED)


def approved(visit: Visit, *, by: str, at: datetime) -> Visit:
    """The host, or somebody for them, lets the visitor in. Conflict unless that was asked, and in time."""
    _require(visit, VisitState.ASKED)
    if visit.details.valid.is_before(at):
        raise Conflict("this visit's time is over; invite the visitor anew")
    return replace(visit, state=VisitState.EXPECTED, decided_by=by)


def refused(visit: Visit, *, by: str, at: datetime) -> Visit:
    """The host does not receive them. Conflict unless that was asked."""
    _require(visit, VisitState.ASKED)
    return replace(visit, state=VisitState.REFUSED, decided_by=by, ended_at=at)


def cancelled(visit: Visit, *, by: str, at: datetime) -> Visit:
    """It does not take place. Conflict once somebody is inside, or it is over."""
    _require(visit, VisitState.ASKED, VisitState.EXPECTED)
    return replace(visit, state=VisitState.CANCELLED, decided_by=by, ended_at=at)


def signed(visit: Visit, terms: Terms, *, language: str, name: str, at: datetime) -> Visit:
    """The visitor signs these terms with their name. BadInput without one; Conflict for other terms."""
    if not visit.may_sign:
        raise Conflict("there is nothing to sign for this visit (any more)")
    if terms.number != visit.terms_needed:
        raise Conflict("the terms have changed; read them again")
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_TEXT:
        raise BadInput("sign with your name")
    text = terms.text(language)
    mark = SignedTerms(
        number=terms.number,
        language=language,
        digest=hashlib.sha256(text.encode()).digest(),
        name=name,
        at=at,
    )
    return replace(visit, signed=mark)


def stated(visit: Visit, sighting: Sighting) -> Visit:
    """An operator tells that the visitor came or left. Conflict for a visit that never was to be."""
    if visit.state in (VisitState.ASKED, VisitState.REFUSED, VisitState.CANCELLED):
        raise Conflict("this visit is not expected; approve it or invite the visitor anew")
    if sighting.out and visit.state is VisitState.LEFT:
        raise Conflict("this visitor has left already")
    return replace(visit, stated=(*visit.stated, sighting))


def seen(visit: Visit, sightings: Iterable[Sighting]) -> Visit:
    """The visit after all that was seen and stated of it; whoever leaves ends it."""
    if visit.state not in _SEEN:
        return visit
    every = sorted((*sightings, *visit.stated), key=lambda one: (one.at, one.out))
    arrived = next((one.at for one in every if not one.out), None)
    left = next((one.at for one in every if one.out and (arrived is None or one.at >= arrived)), None)
    if arrived is None and left is None:
        return visit
    state = VisitState.INSIDE if left is None else VisitState.LEFT
    return replace(visit, state=state, arrived_at=arrived, left_at=left, ended_at=left)


def over(visit: Visit, at: datetime) -> Visit:
    """The visit when its time has passed: nobody came, or nobody answered. Whoever is inside still is."""
    if not visit.details.valid.is_before(at):
        return visit
    if visit.state in (VisitState.ASKED, VisitState.EXPECTED):
        return replace(visit, state=VisitState.MISSED, ended_at=visit.details.valid.end)
    return visit


def is_overdue(visit: Visit, at: datetime) -> bool:
    """Whether the visitor should have left by now, as far as anybody has seen."""
    return visit.state is VisitState.INSIDE and visit.details.valid.is_before(at)


def is_kept(visit: Visit, rules: VisitRules, at: datetime) -> bool:
    """Whether it may still be kept: for the site's days after its end.

    Somebody whose leaving nobody saw is taken to have left when the visit was to end.
    """
    ended = visit.ended_at or visit.details.valid.end
    return ended is None or at < ended + timedelta(days=rules.kept_days)


def holding_of(visit: Visit) -> Holding:
    """What the visit may present, and where that lets it: in its time, while it is ready; else nothing."""
    if not visit.is_ready:
        return Holding(subject=visit.id, kind=SubjectKind.VISIT)
    code = Credential(
        id=visit.credential, kind=CredentialKind.QR, value=visit.code, valid=visit.details.valid
    )
    face = visit.face
    known = (
        (Credential(id=face.credential, kind=CredentialKind.FACE, valid=visit.details.valid),)
        if face is not None and face.at_doors
        else ()
    )
    level = visit.details.level
    grants = (Grant(level=level, valid=visit.details.valid),) if level is not None else ()
    return Holding(subject=visit.id, kind=SubjectKind.VISIT, credentials=(code, *known), grants=grants)


def _require(visit: Visit, *states: VisitState) -> None:
    if visit.state not in states:
        raise Conflict("this visit has gone on meanwhile; reload it and look")
