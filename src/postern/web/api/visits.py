"""Visits over the API."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from postern.errors import BadInput
from postern.ids import AccessLevelId, PersonId, SiteId, VisitId
from postern.operations.visitors import faces, visits
from postern.operations.visitors import look as visit_look
from postern.operations.visitors import rules as visit_rules
from postern.operations.visitors.look import VisitFile
from postern.operations.visitors.rules import RulesOfSite
from postern.spans import Span
from postern.visitors.model import VisitDetails, VisitFace, VisitRules
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["visits"])


class VisitIn(BaseModel):
    """Whom to invite. `level`: what the QR code opens in that time; none: the host fetches them."""

    site: int
    name: str = Field(max_length=200)
    start: datetime
    end: datetime
    company: str = Field(default="", max_length=200)
    mail: str | None = None
    host: UUID | None = None
    level: UUID | None = None
    purpose: str = Field(default="", max_length=200)
    language: str = "en"
    send: bool = True


class FaceOut(BaseModel):
    """A visitor's consent to be known by their face. `alike`: nothing was kept, only the QR code opens."""

    wording: str
    language: str
    name: str
    guardian: str
    given_at: datetime
    alike: bool
    ended_at: datetime | None

    @classmethod
    def of(cls, face: VisitFace) -> FaceOut:
        """From the visit's."""
        return cls(
            wording=face.wording,
            language=face.language,
            name=face.name,
            guardian=face.guardian,
            given_at=face.at,
            alike=face.alike,
            ended_at=face.ended_at,
        )


class VisitOut(BaseModel):
    """A visit. The QR code and the link are in no document but the one that made them."""

    id: UUID
    site: int
    name: str
    company: str
    mail: str | None
    host: UUID | None
    level: UUID | None
    purpose: str
    start: datetime | None
    end: datetime | None
    state: str
    walk_up: bool
    terms: int
    signed_at: datetime | None
    arrived_at: datetime | None
    left_at: datetime | None
    face: FaceOut | None = None

    @classmethod
    def of(cls, file: VisitFile) -> VisitOut:
        """From what `visit_look` gives."""
        visit, details = file.visit, file.visit.details
        return cls(
            id=visit.id,
            site=details.site,
            name=details.name,
            company=details.company,
            mail=details.mail,
            host=details.host,
            level=details.level,
            purpose=details.purpose,
            start=details.valid.start,
            end=details.valid.end,
            state=visit.state.value,
            walk_up=visit.walk_up,
            terms=visit.terms_needed,
            signed_at=visit.signed.at if visit.signed is not None else None,
            arrived_at=visit.arrived_at,
            left_at=visit.left_at,
            face=FaceOut.of(visit.face) if visit.face is not None else None,
        )


class InvitedOut(BaseModel):
    """A visit that was made, with its link and its QR code's text, told once. `mailed`: also by mail."""

    visit: VisitOut
    link: str
    code: str
    mailed: bool


class VisitLineOut(BaseModel):
    """A visit in the list of a day."""

    id: UUID
    name: str
    company: str
    host: str
    start: datetime | None
    end: datetime | None
    state: str


class VisitsOut(BaseModel):
    """The visits of a site's day; `total` is how many there are."""

    day: date
    total: int
    visits: list[VisitLineOut]


class RulesDocument(BaseModel):
    """How a site takes visitors; `version` is the one that was read, `terms` the number of those in force."""

    walk_ups: bool = False
    walk_up_level: UUID | None = None
    walk_up_hours: int = 4
    kept_days: int = 30
    directions_english: str = ""
    directions_chinese: str = ""
    faces: bool = False
    terms_english: str = ""
    terms_chinese: str = ""
    terms: int = 0
    version: int = 0

    @classmethod
    def of(cls, found: RulesOfSite) -> RulesDocument:
        """From what `visit_rules` gives."""
        rules, terms = found.rules, found.terms
        return cls(
            walk_ups=rules.walk_ups,
            walk_up_level=rules.walk_up_level,
            walk_up_hours=rules.walk_up_hours,
            kept_days=rules.kept_days,
            directions_english=rules.directions_english,
            directions_chinese=rules.directions_chinese,
            faces=rules.faces,
            terms_english=terms.english if terms is not None else "",
            terms_chinese=terms.chinese if terms is not None else "",
            terms=terms.number if terms is not None else 0,
            version=rules.version,
        )


class Answer(BaseModel):
    """The host's: let them in, or not."""

    approve: bool


class Seen(BaseModel):
    """Somebody saw the visitor come, or leave (`out`)."""

    out: bool


@router.get("/sites/{site}/visits")
async def of_day(hub: Hub, caller: SignedIn, site: int, day: date | None = None, first: int = 0) -> VisitsOut:
    """Whom a site expects or has received on a day; today where none is given."""
    found = await visit_look.visits_of_day(hub, caller.actor, SiteId(site), day, first=max(first, 0))
    lines = [
        VisitLineOut(
            id=row.visit.id,
            name=row.visit.details.name,
            company=row.visit.details.company,
            host=row.host,
            start=row.visit.details.valid.start,
            end=row.visit.details.valid.end,
            state=row.visit.state.value,
        )
        for row in found.rows
    ]
    return VisitsOut(day=found.day, total=found.total, visits=lines)


@router.post("/visits", status_code=201)
async def invite(hub: Hub, caller: SignedIn, wanted: VisitIn) -> InvitedOut:
    """Invite somebody."""
    if wanted.start.tzinfo is None or wanted.end.tzinfo is None or wanted.end <= wanted.start:
        raise BadInput("a visit has a beginning and, after it, an end")
    details = VisitDetails(
        site=SiteId(wanted.site),
        name=wanted.name,
        valid=Span(start=wanted.start, end=wanted.end),
        company=wanted.company,
        mail=wanted.mail,
        host=PersonId(wanted.host) if wanted.host is not None else None,
        level=AccessLevelId(wanted.level) if wanted.level is not None else None,
        purpose=wanted.purpose,
        language=wanted.language,
    )
    made = await visits.invite(hub, caller.actor, details, mail=wanted.send)
    return await _made(hub, caller, made)


@router.get("/visits/{id}")
async def shown(hub: Hub, caller: SignedIn, id: UUID) -> VisitOut:
    """One visit."""
    return VisitOut.of(await visit_look.visit_file(hub, caller.actor, VisitId(id)))


@router.post("/visits/{id}/answer")
async def answer(hub: Hub, caller: SignedIn, id: UUID, given: Answer) -> VisitOut:
    """Answer for the host of somebody who came without invitation."""
    await (visits.approve if given.approve else visits.refuse)(hub, caller.actor, VisitId(id))
    return await shown(hub, caller, id)


@router.post("/visits/{id}/cancellation")
async def cancel(hub: Hub, caller: SignedIn, id: UUID) -> VisitOut:
    """It does not take place."""
    await visits.cancel(hub, caller.actor, VisitId(id))
    return await shown(hub, caller, id)


@router.post("/visits/{id}/sightings")
async def tell(hub: Hub, caller: SignedIn, id: UUID, seen: Seen) -> VisitOut:
    """Tell that the visitor came or left, where no reader saw it."""
    await visits.tell(hub, caller.actor, VisitId(id), out=seen.out)
    return await shown(hub, caller, id)


@router.delete("/visits/{id}/face")
async def faceless(hub: Hub, caller: SignedIn, id: UUID) -> VisitOut:
    """Take the visitor's face out: its key is destroyed, and the QR code stays."""
    await faces.take_face(hub, caller.actor, VisitId(id))
    return await shown(hub, caller, id)


@router.post("/visits/{id}/link")
async def link(hub: Hub, caller: SignedIn, id: UUID) -> InvitedOut:
    """A new link in place of the one before."""
    return await _made(hub, caller, await visits.invite_again(hub, caller.actor, VisitId(id)))


@router.get("/sites/{site}/visit-rules")
async def rules(hub: Hub, caller: SignedIn, site: int) -> RulesDocument:
    """How a site takes visitors."""
    return RulesDocument.of(await visit_rules.rules_of_site(hub, caller.actor, SiteId(site)))


@router.put("/sites/{site}/visit-rules")
async def change_rules(hub: Hub, caller: SignedIn, site: int, wanted: RulesDocument) -> RulesDocument:
    """Change them; a changed text of the terms gets the next number."""
    level = wanted.walk_up_level
    changed = VisitRules(
        site=SiteId(site),
        walk_ups=wanted.walk_ups,
        walk_up_level=AccessLevelId(level) if level is not None else None,
        walk_up_hours=wanted.walk_up_hours,
        kept_days=wanted.kept_days,
        directions_english=wanted.directions_english,
        directions_chinese=wanted.directions_chinese,
        faces=wanted.faces,
        version=wanted.version,
    )
    return RulesDocument.of(
        await visit_rules.change_rules(
            hub, caller.actor, changed, english=wanted.terms_english, chinese=wanted.terms_chinese
        )
    )


async def _made(hub: Hub, caller: SignedIn, made: visits.Invited) -> InvitedOut:
    file = await visit_look.visit_file(hub, caller.actor, made.visit.id)
    link = f"{hub.pages_url.rstrip('/')}/visit/{made.link}"
    return InvitedOut(visit=VisitOut.of(file), link=link, code=made.visit.code, mailed=made.mailed)
