"""How sites keep hours, over the API: settings, attendance points, rosters and who works by which."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from postern.attendance.model import Direction
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.pay import PayProfile
from postern.attendance.roster import Roster
from postern.attendance.settings import (
    Assignment,
    AttendancePoint,
    AttendanceSettings,
    NamedProfile,
    RosterKept,
)
from postern.ids import AccessPointId, PersonId, SiteId
from postern.operations.attendance import setup as attendance_setup
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["hours"])


class ProfileIn(BaseModel):
    """A pay profile beside the site's own, which an employment may name."""

    name: str = Field(max_length=40)
    pay: PayProfile


class AttendanceIn(BaseModel):
    """How a site keeps hours. `faces`: whether passages by face are punches; `phones`: whether people may
    punch on their own phones. `version` 0: it keeps none yet."""

    pay: PayProfile
    pairing: PairingRules = Field(default_factory=PairingRules)
    profiles: list[ProfileIn] = Field(default=[], max_length=50)
    faces: bool = False
    phones: bool = True
    version: int = 0

    @classmethod
    def of(cls, one: AttendanceSettings) -> AttendanceIn:
        """From the operation's."""
        return cls(
            pay=one.pay,
            pairing=one.pairing,
            profiles=[ProfileIn(name=each.name, pay=each.pay) for each in one.profiles],
            faces=one.faces,
            phones=one.phones,
            version=one.version,
        )

    def settings(self, site: SiteId) -> AttendanceSettings:
        """As the operation takes it."""
        return AttendanceSettings(
            site=site,
            pay=self.pay,
            pairing=self.pairing,
            profiles=tuple(NamedProfile(name=one.name, pay=one.pay) for one in self.profiles),
            faces=self.faces,
            phones=self.phones,
            version=self.version,
        )


class PointIn(BaseModel):
    """An access point whose passages are punches."""

    access_point: UUID
    direction: Direction


class RosterIn(BaseModel):
    """Who is expected when. `version` 0: it is new."""

    name: str = Field(max_length=120)
    roster: Roster
    version: int = 0


class RosterOut(RosterIn):
    """A roster as it is kept."""

    id: UUID

    @classmethod
    def of(cls, one: RosterKept) -> RosterOut:
        """From the operation's."""
        return cls(id=one.id, name=one.name, roster=one.roster, version=one.version)


class AssignedIn(BaseModel):
    """From `since` on somebody works by this roster; null: by none."""

    since: date
    roster: UUID | None


class SiteOut(BaseModel):
    """A site at which hours are kept."""

    id: int
    name: str


@router.get("/attendance")
async def sites_with_hours(hub: Hub, caller: SignedIn) -> list[SiteOut]:
    """The sites at which hours are kept."""
    found = await attendance_setup.sites_with_hours(hub, caller.actor)
    return [SiteOut(id=one.id, name=one.name) for one in found]


@router.get("/sites/{site}/attendance")
async def attendance(hub: Hub, caller: SignedIn, site: int) -> AttendanceIn:
    """How the site keeps hours."""
    return AttendanceIn.of(await attendance_setup.attendance_of(hub, caller.actor, SiteId(site)))


@router.put("/sites/{site}/attendance")
async def set_attendance(hub: Hub, caller: SignedIn, site: int, given: AttendanceIn) -> AttendanceIn:
    """Keep hours at the site from now on, or change how."""
    stored = await attendance_setup.set_attendance(hub, caller.actor, given.settings(SiteId(site)))
    return AttendanceIn.of(stored)


@router.get("/sites/{site}/attendance/points")
async def points(hub: Hub, caller: SignedIn, site: int) -> list[PointIn]:
    """The access points whose passages are punches."""
    found = await attendance_setup.points(hub, caller.actor, SiteId(site))
    return [PointIn(access_point=one.access_point, direction=one.direction) for one in found]


@router.put("/sites/{site}/attendance/points", status_code=204)
async def set_points(hub: Hub, caller: SignedIn, site: int, given: list[PointIn]) -> Response:
    """Exactly these from now on."""
    wanted = [
        AttendancePoint(access_point=AccessPointId(one.access_point), direction=one.direction)
        for one in given
    ]
    await attendance_setup.set_points(hub, caller.actor, SiteId(site), wanted)
    return Response(status_code=204)


@router.get("/sites/{site}/rosters")
async def rosters(hub: Hub, caller: SignedIn, site: int) -> list[RosterOut]:
    """The site's rosters, by name."""
    return [RosterOut.of(one) for one in await attendance_setup.rosters(hub, caller.actor, SiteId(site))]


@router.put("/sites/{site}/rosters/{id}")
async def put_roster(hub: Hub, caller: SignedIn, site: int, id: UUID, given: RosterIn) -> RosterOut:
    """Add a roster under an id of your own, or change one."""
    wanted = RosterKept(id=id, name=given.name, roster=given.roster, version=given.version)
    return RosterOut.of(await attendance_setup.put_roster(hub, caller.actor, SiteId(site), wanted))


@router.get("/people/{id}/rosters")
async def assigned(hub: Hub, caller: SignedIn, id: UUID) -> list[AssignedIn]:
    """By which rosters the person works, by since when."""
    return _assigned(await attendance_setup.assignment_of(hub, caller.actor, PersonId(id)))


@router.post("/people/{id}/rosters")
async def assign(hub: Hub, caller: SignedIn, id: UUID, given: AssignedIn) -> list[AssignedIn]:
    """From that day on the person works by that roster, or by none."""
    stored = await attendance_setup.assign_roster(
        hub, caller.actor, PersonId(id), since=given.since, roster=given.roster
    )
    return _assigned(stored)


def _assigned(one: Assignment) -> list[AssignedIn]:
    return [AssignedIn(since=each.since, roster=each.roster) for each in one.rosters]
