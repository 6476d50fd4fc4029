"""Doors and lanes for an empty simulated site."""

from __future__ import annotations

from dataclasses import dataclass

from postern.ids import AccessPointId, AreaId, DoorId, ReaderId, new_id
from postern.operations.sites import places as sites
from postern.simulation.stage import Premises
from postern.sites.model import AccessPoint, Area, Door, DoorKind, Lane, Reader, ReaderKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Approach:
    """One direction through a door, with the reader before it."""

    point: AccessPointId
    door: DoorId
    reader: ReaderId


async def area(where: Premises, name: str, *, outside: bool = False) -> AreaId:
    """A new area."""
    made = Area(id=AreaId(new_id()), site=where.site, name=name, outside=outside)
    await sites.add(where.services, where.actor, made)
    return made.id


async def doorway(where: Premises, name: str, outer: AreaId, inner: AreaId) -> tuple[Approach, Approach]:
    """A door with a card reader on each side: the way in and the way out."""
    door = Door(id=DoorId(new_id()), site=where.site, name=name)
    await sites.add(where.services, where.actor, door)
    way_in = await _approach(where, door, f"{name}, in", (outer, inner), ReaderKind.CARD_READER)
    way_out = await _approach(
        where, door, f"{name}, out", (inner, outer), ReaderKind.CARD_READER, way_out=True
    )
    return way_in, way_out


async def lane(where: Premises, name: str, areas: tuple[AreaId, AreaId], rule: Lane) -> Approach:
    """A barrier of its own with a plate camera, driven through one way."""
    door = Door(id=DoorId(new_id()), site=where.site, name=name, kind=DoorKind.BOOM)
    await sites.add(where.services, where.actor, door)
    return await _approach(where, door, name, areas, ReaderKind.PLATE_CAMERA, rule=rule)


async def _approach(
    where: Premises,
    door: Door,
    name: str,
    areas: tuple[AreaId, AreaId],
    kind: ReaderKind,
    *,
    way_out: bool = False,
    rule: Lane | None = None,
) -> Approach:
    point = AccessPoint(
        id=AccessPointId(new_id()),
        site=where.site,
        door=door.id,
        name=name,
        from_area=areas[0],
        to_area=areas[1],
        way_out=way_out,
        lane=rule,
    )
    reader = Reader(id=ReaderId(new_id()), site=where.site, access_point=point.id, name=name, kind=kind)
    await sites.add(where.services, where.actor, point)
    await sites.add(where.services, where.actor, reader)
    return Approach(point=point.id, door=door.id, reader=reader.id)
