"""Forms of a site's areas, doors, access points and readers, read into what they describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from postern.ids import AccessPointId, AreaId, DoorId, ReaderId, SiteId, new_id
from postern.sites.addresses import with_login, without_login
from postern.sites.model import (
    LONGEST_WAIT,
    MOST_ABOARD,
    MOST_PEOPLE,
    SHORTEST_WAIT,
    AccessPoint,
    Area,
    ControllerKind,
    ControllerSettings,
    Door,
    DoorKind,
    Lane,
    LaneKind,
    LaneRule,
    Reader,
    ReaderKind,
)
from postern.sites.store import Part
from postern.web.forms import Form, FormReader, filled


def read_area(fields: FormReader, site: SiteId, present: Part | None) -> Area:
    """The area in the form, over the present one if there is one."""
    old = present if isinstance(present, Area) else Area(id=AreaId(new_id()), site=site, name="")
    limit = fields.parsed("limit", int, "form.not-a-number")
    if limit is not None and not 1 <= limit <= MOST_PEOPLE:
        fields.errors["limit"], limit = "area.limit-range", None
    return replace(
        old,
        name=fields.needed("name"),
        outside=fields.ticked("outside"),
        limit=limit,
        version=_version(fields),
    )


def read_door(fields: FormReader, site: SiteId, present: Part | None) -> Door:
    """The door in the form. A controller's password that was left empty is kept, for the same address only:
    whoever may change an address must not be able to send the password there.
    """
    old = present if isinstance(present, Door) else Door(id=DoorId(new_id()), site=site, name="")
    password, url = fields.secret("password"), with_login(fields.text("url"), old.controller.url)
    if not password and old.controller.password and url and url != old.controller.url:
        fields.errors.setdefault("password", "doors.password-anew")
    contact = fields.parsed("contact_channel", int, "form.not-a-number")
    controller = ControllerSettings(
        kind=fields.parsed("controller", ControllerKind, "form.not-in-list") or ControllerKind.SIMULATED,
        url=url,
        name=fields.text("device"),
        login=fields.text("login"),
        password=password or old.controller.password,
        channel=int(fields.number("channel")),
        contact_channel=contact,
    )
    return replace(
        old,
        name=fields.needed("name"),
        kind=fields.parsed("kind", DoorKind, "form.not-in-list") or DoorKind.LEAF,
        controller=controller,
        release_seconds=fields.number("release_seconds", 5.0),
        held_open_seconds=fields.number("held_open_seconds", 30.0),
        contact_fitted=fields.ticked("contact_fitted"),
        free_exit=fields.ticked("free_exit"),
        version=_version(fields),
    )


def read_access_point(fields: FormReader, site: SiteId, present: Part | None) -> AccessPoint:
    """The access point in the form."""
    name = fields.needed("name")
    door, start, end = (_chosen(fields, one) for one in ("door", "from_area", "to_area"))
    lane, way_out = _lane(fields), fields.ticked("way_out") and not fields.text("lane")
    return AccessPoint(
        id=AccessPointId(present.id if present else new_id()),
        site=site,
        door=DoorId(door),
        name=name,
        from_area=AreaId(start),
        to_area=AreaId(end),
        way_out=way_out,
        lane=lane,
        version=_version(fields),
        asks_aboard=_asks_aboard(fields, leads_out=way_out or fields.text("lane") == LaneKind.EXIT),
    )


def _asks_aboard(fields: FormReader, *, leads_out: bool) -> int | None:
    """How many drivers may say are aboard; None where they are not asked."""
    most = fields.parsed("asks_aboard", int, "form.not-a-number")
    if most is None:
        return None
    if not 1 <= most <= MOST_ABOARD:
        fields.errors["asks_aboard"] = "point.asks-aboard-range"
    elif leads_out:
        fields.errors.setdefault("asks_aboard", "point.asks-aboard-out")
    return None if "asks_aboard" in fields.errors else most


def _lane(fields: FormReader) -> Lane | None:
    """The garage's lane in the form; what it cannot be is told beside the field."""
    kind = fields.parsed("lane", LaneKind, "form.not-in-list")
    if kind is None:
        return None
    if fields.ticked("way_out"):
        fields.errors.setdefault("lane", "point.lane-way-out")
    wait = int(fields.number("lane_wait", 10))
    if not SHORTEST_WAIT <= wait <= LONGEST_WAIT:
        fields.errors.setdefault("lane_wait", "point.lane-wait-wrong")
    score = fields.number("lane_score", 0.6)
    if not 0 <= score <= 1:
        fields.errors.setdefault("lane_score", "point.lane-score-wrong")
    rule = fields.parsed("lane_rule", LaneRule, "form.not-in-list")
    if fields.errors:
        return None
    return Lane(kind=kind, rule=rule or LaneRule.OPEN_AND_SETTLE, wait_seconds=wait, least_score=score)


def read_reader(fields: FormReader, site: SiteId, present: Part | None) -> Reader:
    """The reader in the form."""
    name = fields.needed("name")
    old = present.source if isinstance(present, Reader) else ""
    return Reader(
        id=ReaderId(present.id if present else new_id()),
        site=site,
        access_point=AccessPointId(_chosen(fields, "access_point")),
        name=name,
        kind=fields.parsed("kind", ReaderKind, "form.not-in-list") or ReaderKind.FACE_CAMERA,
        source=with_login(fields.text("source"), old),
        enabled=fields.ticked("enabled"),
        version=_version(fields),
    )


def _chosen(fields: FormReader, name: str) -> UUID:
    """A choice that must be made; a made-up id stands in for one that was not, and the form comes back."""
    found = fields.id(name)
    if found is None:
        fields.errors.setdefault(name, "form.needed")
        return new_id()
    return found


def _version(fields: FormReader) -> int:
    return int(fields.number("version", 1))


READERS: dict[str, Callable[[FormReader, SiteId, Part | None], Part]] = {
    "areas": read_area,
    "doors": read_door,
    "access-points": read_access_point,
    "readers": read_reader,
}


def form_of(part: Part) -> Form:
    """The form, filled in from what is stored; passwords, in addresses too, stay where they are."""
    match part:
        case Area():
            form = filled(name=part.name, limit=part.limit, version=part.version)
            return _with_ticks(form, outside=part.outside)
        case Door():
            return _door_form(part)
        case AccessPoint():
            return _access_point_form(part)
        case Reader():
            form = filled(
                name=part.name,
                access_point=part.access_point,
                kind=part.kind.value,
                source=without_login(part.source),
                version=part.version,
            )
            return _with_ticks(form, enabled=part.enabled)


def _door_form(door: Door) -> Form:
    form = filled(
        name=door.name,
        kind=door.kind.value,
        release_seconds=f"{door.release_seconds:g}",
        held_open_seconds=f"{door.held_open_seconds:g}",
        controller=door.controller.kind.value,
        url=without_login(door.controller.url),
        device=door.controller.name,
        login=door.controller.login,
        channel=door.controller.channel,
        contact_channel=door.controller.contact_channel,
        version=door.version,
    )
    return _with_ticks(form, contact_fitted=door.contact_fitted, free_exit=door.free_exit)


def _access_point_form(point: AccessPoint) -> Form:
    lane = point.lane
    form = filled(
        name=point.name,
        door=point.door,
        from_area=point.from_area,
        to_area=point.to_area,
        lane=lane.kind.value if lane else "",
        lane_rule=(lane.rule if lane else LaneRule.OPEN_AND_SETTLE).value,
        lane_wait=lane.wait_seconds if lane else 10,
        lane_score=f"{lane.least_score if lane else 0.6:g}",
        asks_aboard=point.asks_aboard,
        version=point.version,
    )
    return _with_ticks(form, way_out=point.way_out)


def _with_ticks(form: Form, **ticks: bool) -> Form:
    return replace(form, chosen={name: ("yes",) for name, ticked in ticks.items() if ticked})


NEW: dict[str, Form] = {
    "areas": filled(version=1),
    "doors": _with_ticks(
        filled(version=1, kind="leaf", controller="simulated", release_seconds="5", held_open_seconds="30"),
        contact_fitted=True,
    ),
    "access-points": filled(version=1, lane_rule="open-and-settle", lane_wait="10", lane_score="0.6"),
    "readers": _with_ticks(filled(version=1, kind="face-camera"), enabled=True),
}
