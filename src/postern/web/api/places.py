"""Sites, their parts, and agents over the API. Addresses and passwords of devices are not given out."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from postern.ids import SiteId
from postern.operations.sites import agents
from postern.operations.sites import places as operations
from postern.sites.model import DoorKind, LaneKind, LaneRule, ReaderKind
from postern.web.login import Hub, SignedIn

router = APIRouter(prefix="/sites", tags=["sites"])


class SiteIn(BaseModel):
    """A site to add; `time_zone` is an IANA name."""

    name: str = Field(max_length=120)
    time_zone: str
    country: str | None = None


class SiteOut(BaseModel):
    """A site."""

    id: int
    name: str
    time_zone: str
    country: str | None


class AreaOut(BaseModel):
    """Space one may be in."""

    id: UUID
    name: str
    outside: bool


class DoorOut(BaseModel):
    """A barrier; spans in seconds."""

    id: UUID
    name: str
    kind: DoorKind
    release_seconds: float
    held_open_seconds: float
    contact_fitted: bool
    free_exit: bool


class LaneOut(BaseModel):
    """How a garage's lane is driven through: waits in seconds, scores from 0 to 1."""

    kind: LaneKind
    rule: LaneRule
    wait_seconds: int
    least_score: float


class AccessPointOut(BaseModel):
    """One direction through a door; `lane` where it is a garage's. `asks_aboard`: drivers who come in say how
    many are aboard, at most so many."""

    id: UUID
    name: str
    door: UUID
    from_area: UUID
    to_area: UUID
    way_out: bool
    lane: LaneOut | None
    asks_aboard: int | None


class ReaderOut(BaseModel):
    """Whatever presents credentials."""

    id: UUID
    name: str
    access_point: UUID
    kind: ReaderKind
    enabled: bool


class PlanOut(BaseModel):
    """A site with all that is in it."""

    site: SiteOut
    areas: list[AreaOut]
    doors: list[DoorOut]
    access_points: list[AccessPointOut]
    readers: list[ReaderOut]


class AgentOut(BaseModel):
    """A program at the site."""

    id: int
    active: bool


class CodeOut(BaseModel):
    """A one-time enrolment code."""

    code: str


@router.get("")
async def listed(hub: Hub, caller: SignedIn) -> list[SiteOut]:
    """Every site."""
    found = await operations.sites(hub, caller.actor)
    return [SiteOut.model_validate(one, from_attributes=True) for one in found]


@router.post("", status_code=201)
async def add(hub: Hub, caller: SignedIn, wanted: SiteIn) -> SiteOut:
    """Add a site."""
    made = await operations.create_site(
        hub, caller.actor, name=wanted.name, time_zone=wanted.time_zone, country=wanted.country
    )
    return SiteOut.model_validate(made, from_attributes=True)


@router.get("/{site}")
async def plan(hub: Hub, caller: SignedIn, site: int) -> PlanOut:
    """A site with everything in it."""
    found = await operations.plan(hub, caller.actor, SiteId(site))
    return PlanOut.model_validate(found, from_attributes=True)


@router.get("/{site}/agents")
async def agents_of(hub: Hub, caller: SignedIn, site: int) -> list[AgentOut]:
    """The site's agents, retired ones too."""
    found = await agents.agents(hub, caller.actor, SiteId(site))
    return [AgentOut(id=one.id, active=one.active) for one in found]


@router.post("/{site}/agents/codes", status_code=201)
async def new_code(hub: Hub, caller: SignedIn, site: int) -> CodeOut:
    """A code with which one agent can enrol."""
    return CodeOut(code=await agents.new_code(hub, caller.actor, SiteId(site)))
