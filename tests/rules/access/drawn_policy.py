"""A policy out of a few words, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from postern.access.model import (
    AccessLevel,
    Credential,
    CredentialKind,
    Grant,
    Holding,
    Schedule,
    SpecialDay,
    SubjectKind,
    WeeklySpan,
)
from postern.access.policy import Policy
from postern.access.schedule import parsed_span
from postern.ids import (
    AccessLevelId,
    AccessPointId,
    AreaId,
    CredentialId,
    DoorId,
    ScheduleId,
    SiteId,
    TenantId,
)
from postern.sites.model import AccessPoint, Area, Door, Lane, LaneKind, LaneRule, Site
from postern.spans import Span

TENANT, SITE = TenantId(1), SiteId(1)
_SPACE = UUID("5b0f8f38-5f3c-4a55-8b2f-6d6a3f1d9f11")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Words = Mapping[str, Any]


def named_id(name: str) -> UUID:
    """The same id for the same name."""
    return uuid5(_SPACE, name)


def moment(text: str, zone: str) -> datetime:
    """`2026-03-04 12:00` by the wall of that IANA zone, or with an offset of its own."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def policy_of(words: Words) -> Policy:
    """The policy that a file of cases describes."""
    zone = words["site"]["time_zone"]
    levels = words.get("access levels", {})
    lanes = words.get("lanes", {})
    doors = sorted({door for level in levels.values() for door in level["doors"]} - lanes.keys())
    outside = Area(id=AreaId(named_id("outside")), site=SITE, name="outside", outside=True)
    inside = Area(id=AreaId(named_id("inside")), site=SITE, name="inside")
    return Policy(
        epoch=1,
        version=7,
        tenant=TENANT,
        site=Site(id=SITE, tenant=TENANT, name="drawn", time_zone=zone),
        valid_until=datetime(2030, 1, 1, tzinfo=UTC),
        areas=(outside, inside),
        doors=tuple(
            Door(id=DoorId(named_id(f"door {name}")), site=SITE, name=name) for name in (*doors, *lanes)
        ),
        access_points=(
            *(_access_point(name, outside, inside, way_out=out) for name in doors for out in (False, True)),
            *(_lane_point(name, lane, outside, inside) for name, lane in lanes.items()),
        ),
        holders=tuple(_holder(name, held, zone) for name, held in words.get("holders", {}).items()),
        levels=tuple(_level(name, level) for name, level in levels.items()),
        schedules=tuple(_schedule(name, one) for name, one in words.get("schedules", {}).items()),
    )


def point(name: str) -> AccessPointId:
    """The access point `front`, or `front out`."""
    return AccessPointId(named_id(f"point {name}"))


def _access_point(name: str, outside: Area, inside: Area, *, way_out: bool) -> AccessPoint:
    full = f"{name} out" if way_out else name
    return AccessPoint(
        id=point(full),
        site=SITE,
        door=DoorId(named_id(f"door {name}")),
        name=full,
        from_area=(inside if way_out else outside).id,
        to_area=(outside if way_out else inside).id,
        way_out=way_out,
    )


def _lane_point(name: str, words: Words, outside: Area, inside: Area) -> AccessPoint:
    lane = Lane(
        kind=LaneKind(words["kind"]),
        rule=LaneRule(words["rule"]),
        wait_seconds=words.get("seconds", 10),
        least_score=words["least score"],
    )
    leaving = lane.kind is LaneKind.EXIT
    plain = _access_point(name, inside if leaving else outside, outside if leaving else inside, way_out=False)
    return replace(plain, lane=lane)


def _holder(name: str, held: Words, zone: str) -> Holding:
    valid = Span(
        start=moment(held["from"], zone) if "from" in held else None,
        end=moment(held["until"], zone) if "until" in held else None,
    )
    kind = CredentialKind.CARD if "card" in held else CredentialKind.PLATE
    credential = Credential(id=CredentialId(named_id(held[kind])), kind=kind, value=held[kind])
    return Holding(
        subject=named_id(name),
        kind=SubjectKind.PERSON if kind is CredentialKind.CARD else SubjectKind.VEHICLE,
        credentials=(credential,),
        grants=tuple(Grant(level=AccessLevelId(named_id(level)), valid=valid) for level in held["levels"]),
        revoked=held.get("revoked", False),
    )


def _level(name: str, level: Words) -> AccessLevel:
    schedule = level.get("schedule")
    return AccessLevel(
        id=AccessLevelId(named_id(name)),
        tenant=TENANT,
        name=name,
        access_points=frozenset(point(door) for door in level["doors"]),
        schedule=ScheduleId(named_id(schedule)) if schedule else None,
    )


def _schedule(name: str, one: Words) -> Schedule:
    return Schedule(
        id=ScheduleId(named_id(name)),
        tenant=TENANT,
        name=name,
        weekly=tuple(
            WeeklySpan(weekdays=_weekdays(weekly["days"]), span=parsed_span(weekly["hours"]))
            for weekly in one["weekly"]
        ),
        special_days=tuple(
            SpecialDay(day=day, name=special["name"], spans=tuple(parsed_span(s) for s in special["hours"]))
            for day, special in one.get("special days", {}).items()
        ),
    )


def _weekdays(text: str) -> frozenset[int]:
    first, _, last = text.partition("-")
    return frozenset(range(_DAYS.index(first), _DAYS.index(last or first) + 1))


def days_of_march() -> list[date]:
    """A month of dates, for properties."""
    return [date(2026, 3, 1) + timedelta(days=n) for n in range(31)]
