"""Lockdown: nobody gets further into what is locked down, and everybody gets out.

It refuses access points that lead into a locked area, unless they bring whoever passes nearer to the outside:
from every place there is then a way out on which no lockdown stands, whatever is locked down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.ids import AreaId
from postern.sites.model import AccessPoint, Area


@dataclass(frozen=True, kw_only=True, slots=True)
class Lockdown:
    """`area` None: the whole site. A `drill` is told to everybody and shuts nothing."""

    id: UUID
    since: datetime
    by: str
    reason: str
    area: AreaId | None = None
    drill: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Lockdowns:
    """What is locked down at a site. `version` grows by one with every change; `epoch` is the hub's."""

    epoch: int = 0
    version: int = 0
    every: tuple[Lockdown, ...] = ()

    @property
    def in_earnest(self) -> tuple[Lockdown, ...]:
        """Those that shut something."""
        return tuple(one for one in self.every if not one.drill)

    def is_newer_than(self, other: Lockdowns) -> bool:
        """Whether the hub said this later."""
        return (self.epoch, self.version) > (other.epoch, other.version)

    def locks(self, area: AreaId) -> bool:
        """Whether nobody may get into that area."""
        return any(one.area is None or one.area == area for one in self.in_earnest)


OPEN = Lockdowns()
"""Nothing is locked down."""


def refuses(lockdowns: Lockdowns, point: AccessPoint, distances: Mapping[AreaId, int]) -> bool:
    """Whether a lockdown keeps people from passing here. `distances` are those of `distances_out`."""
    # 1. Nothing stands in the way to the outside.
    if point.leads_out or not lockdowns.in_earnest:
        return False
    # 2. Nor of whoever gets nearer to it, or leaves what is locked down.
    here, there = distances.get(point.from_area), distances.get(point.to_area)
    if there == 0 or (here is not None and there is not None and there < here):
        return False
    # 3. Where no way out is known at all, none may be shut: it may be the one.
    if here is None and point.to_area != point.from_area:
        return False
    return lockdowns.locks(point.to_area)


def distances_out(areas: Iterable[Area], points: Iterable[AccessPoint]) -> dict[AreaId, int]:
    """How many access points lie between each area and the outside; areas without a way out are absent."""
    back: dict[AreaId, list[AreaId]] = {}
    found = {one.id: 0 for one in areas if one.outside}
    for point in points:
        if point.leads_out:
            found.setdefault(point.from_area, 1)
        back.setdefault(point.to_area, []).append(point.from_area)
    ring = list(found)
    while ring:
        further: list[AreaId] = []
        for area in ring:
            for before in back.get(area, ()):
                if before not in found or found[before] > found[area] + 1:
                    found[before] = found[area] + 1
                    further.append(before)
        ring = further
    return found
