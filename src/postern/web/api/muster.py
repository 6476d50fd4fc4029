"""Occupancy, musters and lockdowns over the API."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from postern.access.lockdown import Lockdown
from postern.access.model import SubjectKind
from postern.access.presence import Evidence
from postern.errors import NotFound
from postern.ids import AreaId, SiteId
from postern.operations.presence import lockdown, muster, muster_wire
from postern.operations.presence import occupancy as occupancies
from postern.operations.presence.lockdown import SiteLockdowns
from postern.operations.presence.occupancy import Occupancy
from postern.operations.presence.roll import RollLine
from postern.sites.model import MOST_ABOARD
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["muster"])
TEXT = 200


class AreaOut(BaseModel):
    """How many are in an area, against what it is for."""

    id: UUID
    name: str
    people: int
    vehicles: int
    limit: int | None


class OccupancyOut(BaseModel):
    """A site's areas; nobody is named. `muster`: whether one runs."""

    site: int
    name: str
    at: datetime
    people: int
    elsewhere: int
    muster: bool
    areas: list[AreaOut]

    @classmethod
    def of(cls, one: Occupancy) -> OccupancyOut:
        """From the operation's."""
        return cls(
            site=one.site.id,
            name=one.site.name,
            at=one.at,
            people=one.people,
            elsewhere=one.elsewhere,
            muster=one.muster is not None,
            areas=[
                AreaOut(
                    id=area.area.id,
                    name=area.area.name,
                    people=area.people,
                    vehicles=area.vehicles,
                    limit=area.area.limit,
                )
                for area in one.areas
            ],
        )


class LockdownOut(BaseModel):
    """What is locked down; without an area, the whole site. A drill shuts nothing."""

    id: UUID
    area: UUID | None
    since: datetime
    by: str
    reason: str
    drill: bool


class LockdownIn(BaseModel):
    """What to lock down."""

    area: UUID | None = None
    drill: bool = False
    reason: str = Field(default="", max_length=TEXT)


class CallIn(BaseModel):
    """Which muster to call."""

    drill: bool = False
    reason: str = Field(default="", max_length=TEXT)


class UnnamedOut(BaseModel):
    """Somebody aboard whom nobody named; `place` marks them."""

    place: int
    safe_by: str
    safe_at: datetime | None


class RollLineOut(BaseModel):
    """Somebody inside, or a vehicle with `more` unnamed people; `safe_at` once somebody saw them.

    `counted`: somebody said who is aboard the vehicle.
    """

    subject: UUID
    kind: SubjectKind
    name: str | None
    area: UUID
    area_name: str
    since: datetime
    evidence: Evidence
    via: str
    by: str
    vehicle: str
    more: int
    counted: bool
    others: list[UnnamedOut]
    safe_by: str
    safe_at: datetime | None

    @classmethod
    def of(cls, one: RollLine) -> RollLineOut:
        """From the operation's."""
        return cls(
            subject=one.subject,
            kind=one.kind,
            name=one.name,
            area=one.area,
            area_name=one.area_name,
            since=one.since,
            evidence=one.evidence,
            via=one.via,
            by=one.by,
            vehicle=one.vehicle,
            more=one.more,
            counted=one.counted,
            others=[
                UnnamedOut(place=other.place, safe_by=other.safe_by, safe_at=other.safe_at)
                for other in one.others
            ],
            safe_by=one.safe_by,
            safe_at=one.safe_at,
        )


class RollOut(BaseModel):
    """The roll of a muster that runs. `uncounted`: vehicles of which nobody said who is aboard."""

    called_at: datetime
    called_by: str
    drill: bool
    missing: int
    uncounted: int
    lines: list[RollLineOut]


class MarkIn(BaseModel):
    """Who was seen safe; `safe` false takes it back. `place`: of the unnamed aboard the subject."""

    subject: UUID
    place: int | None = Field(default=None, ge=1, le=MOST_ABOARD)
    safe: bool = True


class WhereaboutsIn(BaseModel):
    """Where somebody is, whatever the doors saw."""

    subject: UUID
    area: UUID
    reason: str = Field(max_length=TEXT)


class AboardIn(BaseModel):
    """Who is in a vehicle: registered people, and how many more."""

    people: list[UUID] = Field(default_factory=list, max_length=MOST_ABOARD)
    more: int = Field(default=0, ge=0, le=MOST_ABOARD)


class CodeOut(BaseModel):
    """A muster code; it is not shown again."""

    code: str


@router.get("/occupancy")
async def occupancy(hub: Hub, caller: SignedIn) -> list[OccupancyOut]:
    """How many are in each area of each site."""
    return [OccupancyOut.of(one) for one in await occupancies.occupancy(hub, caller.actor)]


@router.get("/sites/{site}/lockdowns")
async def lockdowns(hub: Hub, caller: SignedIn, site: int) -> list[LockdownOut]:
    """What is locked down at the site."""
    found: list[SiteLockdowns] = await lockdown.locked_down(hub, caller.actor)
    here = next((one for one in found if one.site.id == site), None)
    if here is None:
        raise NotFound("there is no such site")
    return [_lockdown(one) for one in here.lockdowns.every]


@router.post("/sites/{site}/lockdowns", status_code=201)
async def lock_down(hub: Hub, caller: SignedIn, site: int, wanted: LockdownIn) -> LockdownOut:
    """Let nobody further in. Ways out stay open."""
    area = AreaId(wanted.area) if wanted.area is not None else None
    made = await lockdown.lock_down(
        hub, caller.actor, SiteId(site), area=area, drill=wanted.drill, reason=wanted.reason
    )
    return _lockdown(made)


@router.post("/sites/{site}/lockdowns/{id}/release", status_code=204)
async def release(hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """End one lockdown."""
    await lockdown.release(hub, caller.actor, SiteId(site), id)
    return Response(status_code=204)


@router.get("/sites/{site}/muster")
async def roll(hub: Hub, caller: SignedIn, site: int) -> RollOut:
    """Who is inside, while a muster runs."""
    found = await muster.roll(hub, caller.actor, SiteId(site))
    return RollOut(
        called_at=found.muster.since,
        called_by=found.muster.by,
        drill=found.muster.drill,
        missing=found.missing,
        uncounted=found.uncounted,
        lines=[RollLineOut.of(one) for one in found.lines],
    )


@router.post("/sites/{site}/muster", status_code=204)
async def call(hub: Hub, caller: SignedIn, site: int, wanted: CallIn) -> Response:
    """Call a muster or a drill."""
    await muster.call(hub, caller.actor, SiteId(site), drill=wanted.drill, reason=wanted.reason)
    return Response(status_code=204)


@router.post("/sites/{site}/muster/end", status_code=204)
async def end(hub: Hub, caller: SignedIn, site: int) -> Response:
    """End the muster."""
    await muster.end(hub, caller.actor, SiteId(site))
    return Response(status_code=204)


@router.post("/sites/{site}/muster/marks", status_code=204)
async def mark(hub: Hub, caller: SignedIn, site: int, wanted: MarkIn) -> Response:
    """Mark somebody as seen safe."""
    await muster.mark(hub, caller.actor, SiteId(site), wanted.subject, safe=wanted.safe, place=wanted.place)
    return Response(status_code=204)


@router.post("/sites/{site}/muster/whereabouts", status_code=204)
async def state(hub: Hub, caller: SignedIn, site: int, wanted: WhereaboutsIn) -> Response:
    """State where somebody is."""
    await muster.state(
        hub, caller.actor, SiteId(site), wanted.subject, AreaId(wanted.area), reason=wanted.reason
    )
    return Response(status_code=204)


@router.post("/sites/{site}/muster/code", status_code=201)
async def code(hub: Hub, caller: SignedIn, site: int) -> CodeOut:
    """A new muster code for the site's agents."""
    return CodeOut(code=await muster_wire.new_code(hub, caller.actor, SiteId(site)))


@router.post("/sites/{site}/vehicles/{vehicle}/aboard", status_code=204)
async def aboard(hub: Hub, caller: SignedIn, site: int, vehicle: UUID, wanted: AboardIn) -> Response:
    """State who is in a vehicle."""
    await muster.aboard(hub, caller.actor, SiteId(site), vehicle, people=wanted.people, more=wanted.more)
    return Response(status_code=204)


def _lockdown(one: Lockdown) -> LockdownOut:
    return LockdownOut(
        id=one.id, area=one.area, since=one.since, by=one.by, reason=one.reason, drill=one.drill
    )
