"""The lanes of the demo's garage: added to the demo site once, part by part, whenever one is missing."""

from __future__ import annotations

from dataclasses import dataclass

from postern.ids import AccessPointId, AreaId, DoorId, ReaderId, SiteId, new_id
from postern.operations.services import Services
from postern.operations.sites import places as sites
from postern.operators.model import Actor
from postern.sites import store
from postern.sites.model import (
    AccessPoint,
    Area,
    Door,
    DoorKind,
    Lane,
    LaneKind,
    LaneRule,
    Reader,
    ReaderKind,
)
from postern.sites.store import SitePlan

_AREA = "Garage"
_RULE_SECONDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Approach:
    """A lane, with its barrier and camera."""

    point: AccessPointId
    door: DoorId
    reader: ReaderId


@dataclass(frozen=True, kw_only=True, slots=True)
class Lanes:
    """The way in and the way out."""

    way_in: Approach
    way_out: Approach


async def lanes(services: Services, actor: Actor, site: SiteId) -> Lanes:
    """The garage's two lanes with simulated barriers; what is there already stays as it is."""
    async with services.database.transaction(actor.tenant) as tx:
        plan = await store.plan(tx, services.keyring, actor.tenant, site)
    building = _Building(services, actor, plan)
    outside = next((one.id for one in plan.areas if one.outside), None)
    street = outside or await building.area("Street", outside=True)
    decks = await building.area(_AREA)
    return Lanes(
        way_in=await building.lane("Garage entry", (street, decks), LaneKind.ENTRY),
        way_out=await building.lane("Garage exit", (decks, street), LaneKind.EXIT),
    )


@dataclass(frozen=True, slots=True)
class _Building:
    services: Services
    actor: Actor
    plan: SitePlan

    async def area(self, name: str, *, outside: bool = False) -> AreaId:
        known = next((one.id for one in self.plan.areas if one.name == name), None)
        made = Area(id=AreaId(new_id()), site=self.plan.site.id, name=name, outside=outside)
        return known or (await sites.add(self.services, self.actor, made)).id

    async def lane(self, name: str, areas: tuple[AreaId, AreaId], kind: LaneKind) -> Approach:
        site = self.plan.site.id
        door = next((one for one in self.plan.doors if one.name == name), None)
        if door is None:
            made = Door(id=DoorId(new_id()), site=site, name=name, kind=DoorKind.BOOM)
            door = await sites.add(self.services, self.actor, made)
        point = next((one for one in self.plan.access_points if one.door == door.id), None)
        if point is None:
            rule = Lane(kind=kind, rule=LaneRule.WAIT, wait_seconds=_RULE_SECONDS)
            lane = AccessPoint(
                id=AccessPointId(new_id()),
                site=site,
                door=door.id,
                name=name,
                from_area=areas[0],
                to_area=areas[1],
                lane=rule,
            )
            point = await sites.add(self.services, self.actor, lane)
        reader = next((one for one in self.plan.readers if one.access_point == point.id), None)
        if reader is None:
            camera = Reader(
                id=ReaderId(new_id()),
                site=site,
                access_point=point.id,
                name=f"{name} camera",
                kind=ReaderKind.PLATE_CAMERA,
            )
            reader = await sites.add(self.services, self.actor, camera)
        return Approach(point=point.id, door=door.id, reader=reader.id)
