"""A visitor's face: consented to by themselves, at doors while the visit lasts, and gone with it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from postern.errors import BadInput, Conflict
from postern.ids import CredentialId
from postern.privacy.texts import Asked
from postern.visitors.model import LONGEST_TEXT, Visit, VisitFace, VisitState

LEAD = timedelta(minutes=15)
"""So long before the visit's time agents get the face: what is early at a site is not needed there yet."""
_EXPECTED = (VisitState.EXPECTED, VisitState.INSIDE)


def consented(
    visit: Visit,
    asked: Asked,
    *,
    movements: bool,
    language: str,
    name: str,
    guardian: str,
    credential: CredentialId,
    at: datetime,
) -> VisitFace:
    """The consent of whoever read that wording. BadInput without a name; Conflict when there is no use."""
    require_use(visit, at)
    name, guardian = " ".join(name.split()), " ".join(guardian.split())
    if not name or max(len(name), len(guardian)) > LONGEST_TEXT:
        raise BadInput("sign with your name")
    return VisitFace(
        wording=asked.name(movements=movements),
        language=language,
        digest=hashlib.sha256(asked.face.in_language(language).encode()).digest(),
        name=name,
        guardian=guardian,
        credential=credential,
        at=at,
    )


def require_use(visit: Visit, at: datetime) -> None:
    """Conflict unless the visit is to be, what must be signed is, and no face is there already."""
    if not visit.is_ready or visit.details.valid.is_before(at):
        raise Conflict(
            "a face is of no use for this visit (any more); sign the terms first, if there are any"
        )
    if visit.face is not None and visit.face.is_live:
        raise Conflict("a photo was taken already; withdraw it before you give another one")


def brought_to_doors(visit: Visit, at: datetime) -> Visit:
    """The visit with its face where it belongs now: at doors from shortly before its time to its end."""
    face = visit.face
    if face is None or face.at_doors == (wanted := _belongs_at_doors(visit, face, at)):
        return visit
    return replace(visit, face=replace(face, at_doors=wanted))


def comes_to_doors(before: Visit, after: Visit) -> bool:
    """Whether agents get a face that they did not have."""
    had = before.face is not None and before.face.at_doors
    return after.face is not None and after.face.at_doors and not had


def too_alike(visit: Visit) -> Visit:
    """With a face that is like another, so that it is at no door."""
    return (
        visit if visit.face is None else replace(visit, face=replace(visit.face, alike=True, at_doors=False))
    )


def _belongs_at_doors(visit: Visit, face: VisitFace, at: datetime) -> bool:
    start = visit.details.valid.start
    return (
        face.is_live
        and not face.alike
        and visit.is_ready
        and not visit.details.valid.is_before(at)
        and (start is None or at >= start - LEAD)
    )


def must_end(visit: Visit, at: datetime) -> bool:
    """Whether its face has outlived the visit: its key is to be destroyed."""
    if visit.face is None or not visit.face.is_live:
        return False
    return visit.state.is_end or visit.details.valid.is_before(at)


def ended(visit: Visit, at: datetime) -> Visit:
    """Without the face. That it was consented to, and until when, stays with the visit as proof."""
    if visit.face is None or not visit.face.is_live:
        return visit
    return replace(visit, face=replace(visit.face, at_doors=False, ended_at=at))


def may_meet(one: Visit, other: Visit) -> bool:
    """Whether the face of `one` may be at the doors of the site and of the time of the `other`."""
    here = one.details.site == other.details.site
    return one.face is not None and one.face.is_live and here and share_time(one, other)


def share_time(one: Visit, other: Visit) -> bool:
    """Whether both faces may be at doors at the same time."""
    first, second = one.details.valid, other.details.valid
    if first.start is None or first.end is None or second.start is None or second.end is None:
        return True
    return first.start - LEAD < second.end and second.start - LEAD < first.end
