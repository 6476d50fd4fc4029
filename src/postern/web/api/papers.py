"""What people are told, what is filed, and what authorities asked for, over the API."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from postern.errors import NotFound
from postern.operations.privacy import lawful_requests
from postern.operations.privacy import texts as privacy_texts
from postern.operations.privacy.lawful_requests import Told
from postern.privacy.lawful import LONGEST_TEXT, LawfulAnswer, LawfulRequest
from postern.privacy.texts import LONGEST_WORDING, ConsentText, Filing
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["privacy"])
LONGEST = 2000
"""Characters of a field of the filing."""


class WordingIn(BaseModel):
    """A wording of the consent to face recognition, in both languages."""

    en: str = Field(max_length=LONGEST_WORDING)
    zh: str = Field(max_length=LONGEST_WORDING)


class WordingOut(BaseModel):
    """A wording; `name` is what a consent says was shown. Number 0: one that Postern brings along."""

    number: int
    name: str
    en: str
    zh: str
    published_at: datetime | None
    published_by: str

    @classmethod
    def of(cls, one: ConsentText) -> WordingOut:
        """From the operation's."""
        return cls(
            number=one.number,
            name=one.name,
            en=one.en,
            zh=one.zh,
            published_at=one.published_at,
            published_by=one.published_by,
        )


class FilingIn(BaseModel):
    """What the filing's form says; `filed` and `number` once the authority has it."""

    handler: str = Field(default="", max_length=LONGEST)
    address: str = Field(default="", max_length=LONGEST)
    contact: str = Field(default="", max_length=LONGEST)
    purposes: str = Field(default="", max_length=LONGEST)
    rules: str = Field(default="", max_length=LONGEST)
    assessment: str = Field(default="", max_length=LONGEST)
    filed: date | None = None
    number: str = Field(default="", max_length=LONGEST)


class FilingOut(FilingIn):
    """The same, with the count of people whose faces are stored, and from how many on it is filed."""

    people: int
    threshold: int
    article: str
    reached: date | None
    due: date | None


class LawfulIn(BaseModel):
    """An authority's request. `people`: employee numbers or ids of those concerned.

    `tell_from`: from that day they see it on their own pages; null: `secrecy` names the law that forbids it.
    """

    received: date
    authority: str = Field(max_length=LONGEST_TEXT)
    law: str = Field(max_length=LONGEST_TEXT)
    asked: str = Field(max_length=LONGEST_TEXT)
    answer: LawfulAnswer
    handed: str = Field(default="", max_length=LONGEST_TEXT)
    people: list[str] = Field(default=[], max_length=1000)
    tell_from: date | None = None
    secrecy: str = Field(default="", max_length=LONGEST_TEXT)


class LawfulOut(BaseModel):
    """A line of the register; it names people by their random ids alone."""

    received: date
    authority: str
    law: str
    asked: str
    answer: LawfulAnswer
    handed: str
    people: list[UUID]
    tell_from: date | None
    secrecy: str
    recorded_at: datetime
    recorded_by: str

    @classmethod
    def of(cls, one: LawfulRequest) -> LawfulOut:
        """From the operation's."""
        return cls(
            received=one.received,
            authority=one.authority,
            law=one.law,
            asked=one.asked,
            answer=one.answer,
            handed=one.handed,
            people=list(one.subjects),
            tell_from=one.tell_from,
            secrecy=one.secrecy,
            recorded_at=one.recorded_at,
            recorded_by=one.recorded_by,
        )


@router.get("/consent-wordings")
async def wordings(hub: Hub, caller: SignedIn) -> list[WordingOut]:
    """Every wording, those in force first: one, or until one is published, that of each law of the sites."""
    found = await privacy_texts.texts(hub, caller.actor.tenant)
    return [WordingOut.of(one) for one in (*found.in_force, *found.earlier)]


@router.post("/consent-wordings", status_code=201)
async def publish(hub: Hub, caller: SignedIn, wanted: WordingIn) -> WordingOut:
    """Publish one, in force at once; who consented before keeps what they read."""
    return WordingOut.of(await privacy_texts.publish_text(hub, caller.actor, en=wanted.en, zh=wanted.zh))


@router.get("/filing")
async def filing(hub: Hub, caller: SignedIn) -> FilingOut:
    """Where the organisation stands with its filing. 404 where no law of its sites asks for one."""
    state = await privacy_texts.filing_state(hub, caller.actor)
    if state is None:
        raise NotFound("no law of your sites asks for a filing")
    told = {name: getattr(state.filing, name) for name in FilingIn.model_fields}
    return FilingOut(
        **told,
        people=state.people,
        threshold=state.threshold,
        article=state.ruling.article.en,
        reached=state.filing.reached,
        due=state.filing.due,
    )


@router.put("/filing")
async def set_filing(hub: Hub, caller: SignedIn, wanted: FilingIn) -> FilingOut:
    """Keep what the form says."""
    await privacy_texts.set_filing(hub, caller.actor, Filing(**wanted.model_dump()))
    return await filing(hub, caller)


@router.get("/lawful-requests")
async def register(hub: Hub, caller: SignedIn) -> list[LawfulOut]:
    """Every request of an authority, the latest first."""
    return [LawfulOut.of(one) for one in await lawful_requests.register(hub, caller.actor)]


@router.post("/lawful-requests", status_code=204)
async def record(hub: Hub, caller: SignedIn, told: LawfulIn) -> None:
    """Write one down, for good."""
    numbers = told.people
    await lawful_requests.record(
        hub, caller.actor, Told(numbers=numbers, **told.model_dump(exclude={"people"}))
    )
