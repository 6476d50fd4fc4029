"""What is in a site, as rows in words; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from postern.errors import NotFound
from postern.sites.model import AccessPoint, Area, Door, Reader
from postern.sites.store import Part, SitePlan
from postern.web.i18n import Words

KINDS = ("areas", "doors", "access-points", "readers")
CAMERAS = ("face-camera", "plate-camera", "qr-reader")


@dataclass(frozen=True, kw_only=True, slots=True)
class PartRow:
    """One area, door, access point or reader."""

    id: UUID
    name: str
    what: str
    tone: str = ""
    state: str = ""
    can_test: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class KindRows:
    """All of one kind."""

    key: str
    rows: tuple[PartRow, ...]


def parts_of(plan: SitePlan, kind: str) -> Sequence[Part]:
    """The site's parts of a kind. Raises NotFound for no kind of ours."""
    found: dict[str, Sequence[Part]] = {
        "areas": plan.areas,
        "doors": plan.doors,
        "access-points": plan.access_points,
        "readers": plan.readers,
    }
    if kind not in found:
        raise NotFound("there is no such page")
    return found[kind]


def kinds_of(plan: SitePlan, t: Words, *, may_test: bool) -> tuple[KindRows, ...]:
    """The four lists of a site's page."""
    return tuple(
        KindRows(key=kind, rows=tuple(_row(one, plan, t, may_test=may_test) for one in parts_of(plan, kind)))
        for kind in KINDS
    )


def _row(part: Part, plan: SitePlan, t: Words, *, may_test: bool) -> PartRow:
    match part:
        case Area():
            what = t("part.outside") if part.outside else t("part.inside")
            return PartRow(id=part.id, name=part.name, what=what)
        case Door():
            what = f"{t(f'door-kind.{part.kind}')} · {t(f'controller.{part.controller.kind}')}"
            return PartRow(id=part.id, name=part.name, what=what)
        case AccessPoint():
            return _access_point(part, plan, t)
        case Reader():
            return _reader(part, plan, t, may_test=may_test)


def _access_point(point: AccessPoint, plan: SitePlan, t: Words) -> PartRow:
    areas = {one.id: one.name for one in plan.areas}
    doors = {one.id: one.name for one in plan.doors}
    what = (
        f"{doors.get(point.door, '–')}: {areas.get(point.from_area, '–')} → {areas.get(point.to_area, '–')}"
    )
    state = t("part.way-out") if point.way_out else ""
    if point.lane is not None:
        state = t(f"lane-kind.{point.lane.kind}")
    return PartRow(id=point.id, name=point.name, what=what, tone="info" if state else "", state=state)


def _reader(reader: Reader, plan: SitePlan, t: Words, *, may_test: bool) -> PartRow:
    points = {one.id: one.name for one in plan.access_points}
    return PartRow(
        id=reader.id,
        name=reader.name,
        what=f"{t(f'reader-kind.{reader.kind}')} · {points.get(reader.access_point, '–')}",
        tone="good" if reader.enabled else "",
        state=t("part.enabled") if reader.enabled else t("part.disabled"),
        can_test=may_test and reader.kind in CAMERAS and bool(reader.source),
    )
