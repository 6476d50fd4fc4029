"""Visits as pages show them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.operations.visitors.look import VisitFile, VisitRow
from postern.sites.model import Site, zone_of
from postern.visitors.model import VisitFace, VisitState

TONES = {
    VisitState.ASKED: "warn",
    VisitState.EXPECTED: "info",
    VisitState.INSIDE: "good",
    VisitState.LEFT: "",
    VisitState.REFUSED: "bad",
    VisitState.CANCELLED: "bad",
    VisitState.MISSED: "",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitLine:
    """A visit in the list of a day."""

    id: UUID
    name: str
    company: str
    host: str
    span: str
    state: str
    tone: str
    unsigned: bool


def line_of(row: VisitRow, site: Site) -> VisitLine:
    """One row."""
    visit, zone = row.visit, zone_of(site.time_zone)
    start, end = visit.details.valid.start, visit.details.valid.end
    hours = [f"{at.astimezone(zone):%H:%M}" if at is not None else "" for at in (start, end)]
    return VisitLine(
        id=visit.id,
        name=visit.details.name,
        company=visit.details.company,
        host=row.host,
        span="–".join(hours),
        state=visit.state.value,
        tone=TONES[visit.state],
        unsigned=visit.may_sign,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitView:
    """A visit in full; `may` are the acts that make sense now."""

    id: UUID
    name: str
    company: str
    mail: str
    purpose: str
    host: str
    site: str
    site_number: int
    start: datetime | None
    end: datetime | None
    level: str
    state: str
    tone: str
    may: frozenset[str]
    made_by: str
    decided_by: str
    arrived_at: datetime | None
    left_at: datetime | None
    signed_name: str
    signed_at: datetime | None
    terms: int
    unsigned: bool
    waiting: tuple[str, ...]
    gave_up: tuple[str, ...]
    kept_days: int
    face: VisitFace | None


_MAY = {
    VisitState.ASKED: frozenset({"approve", "refuse", "link"}),
    VisitState.EXPECTED: frozenset({"arrived", "cancel", "link"}),
    VisitState.INSIDE: frozenset({"left", "link"}),
}


def view_of(file: VisitFile, levels: Mapping[UUID, str]) -> VisitView:
    """The whole visit."""
    visit, details = file.visit, file.visit.details
    return VisitView(
        id=visit.id,
        name=details.name,
        company=details.company,
        mail=details.mail or "",
        purpose=details.purpose,
        host=file.host,
        site=file.site.name,
        site_number=file.site.id,
        start=details.valid.start,
        end=details.valid.end,
        level=levels.get(details.level, "–") if details.level is not None else "",
        state=visit.state.value,
        tone=TONES[visit.state],
        may=_MAY.get(visit.state, frozenset()),
        made_by=visit.made_by,
        decided_by=visit.decided_by,
        arrived_at=visit.arrived_at,
        left_at=visit.left_at,
        signed_name=visit.signed.name if visit.signed is not None else "",
        signed_at=visit.signed.at if visit.signed is not None else None,
        terms=visit.terms_needed,
        unsigned=visit.may_sign,
        waiting=tuple(one.value for one in file.waiting),
        gave_up=tuple(one.value for one in file.gave_up),
        kept_days=file.rules.kept_days,
        face=visit.face,
    )
