"""The roll of a muster: everybody inside, as wardens see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.access.model import SubjectKind
from postern.access.presence import Evidence, Mark, Muster, Whereabouts
from postern.ids import AreaId
from postern.sites.store import SitePlan


@dataclass(frozen=True, kw_only=True, slots=True)
class Unnamed:
    """Somebody aboard a vehicle whom nobody named; `place` tells them apart."""

    place: int
    safe_by: str
    safe_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RollLine:
    """Somebody who is inside, or a vehicle, as the roll shows them. Without a name: erased, or removed.

    `carrier`: the vehicle they are aboard of, whose plate is `vehicle`; `counted`: somebody said who is
    aboard this one, the `others` without their names.
    """

    subject: UUID
    kind: SubjectKind
    name: str | None
    area: AreaId
    area_name: str
    since: datetime
    evidence: Evidence
    via: str
    presented: str
    by: str
    vehicle: str
    carrier: UUID | None
    counted: bool
    others: tuple[Unnamed, ...]
    safe_by: str
    safe_at: datetime | None

    @property
    def more(self) -> int:
        """Unnamed people aboard."""
        return len(self.others)

    @property
    def uncounted(self) -> bool:
        """A vehicle of which nobody said who is aboard."""
        return self.kind is SubjectKind.VEHICLE and not self.counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Roll:
    """Everybody inside while a muster runs, those first whom nobody has seen yet."""

    plan: SitePlan
    at: datetime
    muster: Muster
    lines: tuple[RollLine, ...]

    @property
    def people(self) -> tuple[RollLine, ...]:
        """Without the vehicles."""
        return tuple(one for one in self.lines if one.kind is not SubjectKind.VEHICLE)

    @property
    def missing(self) -> int:
        """People inside whom nobody has seen safe, unnamed passengers among them."""
        named = sum(one.safe_at is None for one in self.people)
        return named + sum(other.safe_at is None for one in self.lines for other in one.others)

    @property
    def uncounted(self) -> int:
        """Vehicles of which nobody said who is aboard."""
        return sum(one.uncounted for one in self.lines)

    @property
    def safe(self) -> int:
        """People inside who were seen safe."""
        return len(self.people) + sum(one.more for one in self.lines) - self.missing


def line_of(one: Whereabouts, plan: SitePlan, names: Mapping[UUID, str]) -> RollLine:
    """Somebody as the roll shows them."""
    areas = {area.id: area.name for area in plan.areas}
    points = {point.id: point.name for point in plan.access_points}
    return RollLine(
        subject=one.subject,
        kind=one.kind,
        name=names.get(one.subject),
        area=one.area,
        area_name=areas.get(one.area, "–"),
        since=one.since,
        evidence=one.evidence,
        via=points.get(one.via, "") if one.via is not None else "",
        presented=one.presented,
        by=one.by,
        vehicle=names.get(one.vehicle, "–") if one.vehicle is not None else "",
        carrier=one.vehicle,
        counted=one.counted,
        others=tuple(
            Unnamed(place=other.place, safe_by=_by(other.safe), safe_at=_at(other.safe))
            for other in one.others
        ),
        safe_by=_by(one.safe),
        safe_at=_at(one.safe),
    )


def _by(mark: Mark | None) -> str:
    return mark.by if mark is not None else ""


def _at(mark: Mark | None) -> datetime | None:
    return mark.order.at if mark is not None else None
