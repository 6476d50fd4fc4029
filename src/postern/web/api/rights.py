"""Jurisdictions of sites, and what people ask for about themselves, over the API."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from postern.errors import BadInput, NotFound
from postern.ids import SiteId
from postern.operations.privacy import jurisdiction, own_requests, retention
from postern.operations.privacy.jurisdiction import SiteRules
from postern.operations.privacy.own_requests import WaitingRequest
from postern.privacy.requests import RequestKind
from postern.privacy.retention import KindDays, Retention
from postern.records.model import Kind
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["privacy"])


class RulingOut(BaseModel):
    """What the law says about one question, and where."""

    question: str
    value: str
    article: str
    why: str
    since: date


class JurisdictionOut(BaseModel):
    """The profile that holds at a site; `chosen` null: its country's."""

    site: int
    profile: str
    name: str
    chosen: str | None
    version: int
    rulings: list[RulingOut]

    @classmethod
    def of(cls, one: SiteRules) -> JurisdictionOut:
        """From the operation's."""
        return cls(
            site=one.site.id,
            profile=one.profile.id,
            name=one.profile.names.en,
            chosen=one.chosen,
            version=one.version,
            rulings=[
                RulingOut(
                    question=question,
                    value=ruling.value,
                    article=ruling.article.en,
                    why=ruling.why.en,
                    since=ruling.since,
                )
                for question, ruling in sorted(one.profile.rulings.items())
            ],
        )


class JurisdictionIn(BaseModel):
    """Which profile is to hold (null: the country's), and the version that was read."""

    profile: str | None = Field(default=None, max_length=40)
    version: int


class RequestOut(BaseModel):
    """What somebody asked about themself, which waits for its answer."""

    id: UUID
    person: UUID
    kind: RequestKind
    text: str
    asked_at: datetime

    @classmethod
    def of(cls, one: WaitingRequest) -> RequestOut:
        """From the operation's."""
        request = one.request
        return cls(
            id=request.id,
            person=request.person,
            kind=request.kind,
            text=request.text,
            asked_at=request.asked_at,
        )


class AnswerIn(BaseModel):
    """The answer, as the person reads it. An erasure that is `done` is carried out by this."""

    done: bool
    answer: str = Field(max_length=200)


@router.get("/sites/{site}/jurisdiction")
async def shown(hub: Hub, caller: SignedIn, site: int) -> JurisdictionOut:
    """The law that the site follows, with every article."""
    for one in await jurisdiction.rules_of_sites(hub, caller.actor):
        if one.site.id == site:
            return JurisdictionOut.of(one)
    raise NotFound("there is no such site; it may have been removed")


@router.put("/sites/{site}/jurisdiction")
async def choose(hub: Hub, caller: SignedIn, site: int, wanted: JurisdictionIn) -> JurisdictionOut:
    """Choose it. What was set before and is not allowed any more ends at once."""
    found = await jurisdiction.choose_profile(
        hub, caller.actor, SiteId(site), wanted.profile, version=wanted.version
    )
    return JurisdictionOut.of(found)


class RetentionDocument(BaseModel):
    """For how many days a site keeps each kind of record, and pictures; `version` 0: as its law begins.

    A kind that is not named keeps the default. `profile` names that law, and is not read.
    """

    days: dict[str, int]
    picture_days: int
    version: int
    profile: str = ""


@router.get("/sites/{site}/retention")
async def retained(hub: Hub, caller: SignedIn, site: int) -> RetentionDocument:
    """For how long the site keeps what."""
    kept = await retention.retention_of(hub, caller.actor, SiteId(site))
    found = await shown(hub, caller, site)
    return RetentionDocument(
        days={kind.name.lower(): kept.days(kind) for kind in Kind},
        picture_days=kept.picture_days,
        version=kept.version,
        profile=found.profile,
    )


@router.put("/sites/{site}/retention")
async def retain(hub: Hub, caller: SignedIn, site: int, wanted: RetentionDocument) -> RetentionDocument:
    """Change it. What the law of the site forbids is refused, with the reason."""
    known = {kind.name.lower(): kind for kind in Kind}
    if not wanted.days.keys() <= known.keys():
        raise BadInput("there is no such kind of record; take their names from what the site answers")
    kinds = tuple(KindDays(kind=known[name], days=days) for name, days in wanted.days.items())
    changed = Retention(
        site=SiteId(site), kinds=kinds, picture_days=wanted.picture_days, version=wanted.version
    )
    await retention.change_retention(hub, caller.actor, changed)
    return await retained(hub, caller, site)


@router.get("/own-requests")
async def waiting(hub: Hub, caller: SignedIn) -> list[RequestOut]:
    """What people asked about themselves and nobody has answered, the longest waiting first."""
    return [RequestOut.of(one) for one in await own_requests.waiting(hub, caller.actor)]


@router.post("/own-requests/{id}/answer", status_code=204)
async def answer(hub: Hub, caller: SignedIn, id: UUID, given: AnswerIn) -> None:
    """Answer one."""
    await own_requests.decide(hub, caller.actor, id, done=given.done, answer=given.answer)
