"""A demo organisation, so that every page shows something believable. Its people and plates are invented.

Nobody's face is in it: faces are for the visitor to enrol. Doors are simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

from postern.access.model import DaySpan, Grant, SpecialDay, SubjectKind, WeeklySpan
from postern.ids import (
    AccessLevelId,
    AccessPointId,
    AreaId,
    DoorId,
    PersonId,
    ReaderId,
    SiteId,
    TenantId,
    VehicleId,
    new_id,
)
from postern.operations.people import credentials, register
from postern.operations.services import Services
from postern.operations.sites import access_levels, schedules
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails, Sex
from postern.sites import store as sites_store
from postern.sites.model import AccessPoint, Area, Door, DoorKind, Reader, ReaderKind, Site
from postern.vehicles.model import VehicleDetails

NAME = "Demo organisation"
SITE = "Demo site"
PIN = "2580"
"""Of every person of the demo who has one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """What was set up, or was there already."""

    tenant: TenantId
    site: SiteId


@dataclass(frozen=True, kw_only=True, slots=True)
class _Doorway:
    way_in: AccessPointId
    way_out: AccessPointId


@dataclass(frozen=True, kw_only=True, slots=True)
class _Invented:
    name: str
    number: str
    sex: Sex
    born: date
    card: str
    office_hours_only: bool = True
    pin: bool = False
    qr: bool = False


_PEOPLE = (
    _Invented(
        name="Ada Nowak", number="1001", sex=Sex.FEMALE, born=date(1984, 5, 2), card="0410A1B2C3", pin=True
    ),
    _Invented(
        name="Bruno Keller",
        number="1002",
        sex=Sex.MALE,
        born=date(1979, 11, 23),
        card="0410A1B2C4",
        office_hours_only=False,
        qr=True,
    ),
    _Invented(name="林小雨", number="1003", sex=Sex.FEMALE, born=date(1993, 2, 14), card="0410A1B2C5"),
    _Invented(
        name="Dario Conti", number="1004", sex=Sex.MALE, born=date(1990, 8, 30), card="0410A1B2C6", pin=True
    ),
    _Invented(name="周明远", number="1005", sex=Sex.MALE, born=date(1988, 7, 9), card="0410A1B2C7"),
    _Invented(
        name="Farah Aziz",
        number="1006",
        sex=Sex.FEMALE,
        born=date(1996, 1, 17),
        card="0410A1B2C8",
        office_hours_only=False,
    ),
)

_VAN = VehicleDetails(plate="P-DM 2002", country="DE", description="delivery van (invented)")
"""It comes at any time."""
_VEHICLES = (
    VehicleDetails(plate="P-DM 1001", country="DE", description="Ada's estate car (invented)"),
    _VAN,
    VehicleDetails(plate="京A D1234", country="CN", description="visitors' saloon (invented)"),
)


async def set_up_demo(services: Services) -> Demo:
    """Make the demo organisation, once: when there is an organisation already, its first site is returned."""
    async with services.database.transaction() as tx:
        for tenant in await sites_store.tenant_ids(tx):
            for site in await sites_store.sites(tx, services.keyring, tenant):
                return Demo(tenant=tenant, site=site.id)
        tenants = await sites_store.tenant_ids(tx)
    tenant = tenants[0] if tenants else (await sites.create_tenant(services, NAME)).id
    actor = Actor(tenant=tenant, name="job:demo", role=Role.ADMINISTRATOR)
    site = await sites.create_site(services, actor, name=SITE, time_zone="Europe/Berlin", country="DE")
    staff, always = await _places(services, actor, site)
    await _people(services, actor, site, staff, always)
    await _vehicles(services, actor, staff, always)
    await publish_stale(services)
    return Demo(tenant=tenant, site=site.id)


async def _places(services: Services, actor: Actor, site: Site) -> tuple[AccessLevelId, AccessLevelId]:
    """Areas, doors, readers; an access level for office hours and one for any time."""
    outside = await _area(services, actor, site, "Street", outside=True)
    lobby = await _area(services, actor, site, "Lobby")
    office = await _area(services, actor, site, "Office floor")
    yard = await _area(services, actor, site, "Car park")
    front = await _doorway(services, actor, site, "Front door", DoorKind.LEAF, outside, lobby)
    turnstile = await _doorway(services, actor, site, "Turnstile", DoorKind.TURNSTILE, lobby, office)
    drive = await _doorway(services, actor, site, "Driveway barrier", DoorKind.BOOM, outside, yard)
    await _readers(services, actor, site, front, turnstile, drive)
    every = frozenset({front.way_in, turnstile.way_in, drive.way_in})
    office_hours = await schedules.add_schedule(
        services, actor, name="Office hours", weekly=_office_hours(), special_days=_special_days(services)
    )
    staff = await access_levels.add_access_level(
        services, actor, name="Staff", access_points=every, schedule=office_hours.id
    )
    always = await access_levels.add_access_level(services, actor, name="Always", access_points=every)
    return staff.id, always.id


def _office_hours() -> tuple[WeeklySpan, ...]:
    return (
        WeeklySpan(weekdays=frozenset(range(5)), span=DaySpan(start=time(6), end=time(21))),
        WeeklySpan(weekdays=frozenset({5}), span=DaySpan(start=time(8), end=time(14))),
    )


def _special_days(services: Services) -> tuple[SpecialDay, ...]:
    year = services.clock.now().year
    short = DaySpan(start=time(8), end=time(12))
    return (
        SpecialDay(day=date(year, 12, 24), name="Christmas Eve", spans=(short,)),
        SpecialDay(day=date(year, 12, 25), name="Christmas Day"),
        SpecialDay(day=date(year + 1, 1, 1), name="New Year's Day"),
    )


async def _area(services: Services, actor: Actor, site: Site, name: str, *, outside: bool = False) -> Area:
    return await sites.add(
        services, actor, Area(id=AreaId(new_id()), site=site.id, name=name, outside=outside)
    )


async def _doorway(
    services: Services, actor: Actor, site: Site, name: str, kind: DoorKind, *areas: Area
) -> _Doorway:
    """A door with its two directions; a leaf has a handle inside."""
    outer, inner = areas
    leaf = kind is DoorKind.LEAF
    door = await sites.add(
        services, actor, Door(id=DoorId(new_id()), site=site.id, name=name, kind=kind, free_exit=leaf)
    )
    inwards = AccessPoint(
        id=AccessPointId(new_id()),
        site=site.id,
        door=door.id,
        name=f"{name}, in",
        from_area=outer.id,
        to_area=inner.id,
    )
    outwards = AccessPoint(
        id=AccessPointId(new_id()),
        site=site.id,
        door=door.id,
        name=f"{name}, out",
        from_area=inner.id,
        to_area=outer.id,
        way_out=True,
    )
    await sites.add(services, actor, inwards)
    await sites.add(services, actor, outwards)
    return _Doorway(way_in=inwards.id, way_out=outwards.id)


async def _readers(services: Services, actor: Actor, site: Site, *doorways: _Doorway) -> None:
    front, turnstile, drive = doorways
    fitted = (
        ("Front door camera", front.way_in, ReaderKind.FACE_CAMERA),
        ("Front door card reader", front.way_in, ReaderKind.CARD_READER),
        ("Front door keypad", front.way_in, ReaderKind.KEYPAD),
        ("Front door QR reader, out", front.way_out, ReaderKind.QR_READER),
        ("Turnstile card reader", turnstile.way_in, ReaderKind.CARD_READER),
        ("Driveway camera", drive.way_in, ReaderKind.PLATE_CAMERA),
        ("Driveway camera, out", drive.way_out, ReaderKind.PLATE_CAMERA),
    )
    for name, point, kind in fitted:
        reader = Reader(id=ReaderId(new_id()), site=site.id, access_point=point, name=name, kind=kind)
        await sites.add(services, actor, reader)


async def _people(
    services: Services, actor: Actor, site: Site, staff: AccessLevelId, always: AccessLevelId
) -> None:
    for one in _PEOPLE:
        details = PersonDetails(
            name=one.name,
            employee_number=one.number,
            sex=one.sex,
            birth_date=one.born,
            home_site=site.id,
            notes="Invented.",
        )
        person = await register.add_person(services, actor, details)
        await credentials.issue_card(services, actor, person=person.id, number=one.card)
        if one.pin:
            await credentials.issue_pin(services, actor, person=person.id, pin=PIN)
        if one.qr:
            await credentials.issue_qr(services, actor, person=person.id)
        level = staff if one.office_hours_only else always
        await _grant(services, actor, person.id, SubjectKind.PERSON, [level])


async def _vehicles(services: Services, actor: Actor, staff: AccessLevelId, always: AccessLevelId) -> None:
    for details in _VEHICLES:
        vehicle = await register.add_vehicle(services, actor, details)
        await _grant(services, actor, vehicle.id, SubjectKind.VEHICLE, [always if details is _VAN else staff])


async def _grant(
    services: Services,
    actor: Actor,
    subject: PersonId | VehicleId,
    kind: SubjectKind,
    levels: Sequence[AccessLevelId],
) -> None:
    held = await access_levels.holding(services, actor, subject=subject, kind=kind)
    grants = [Grant(level=level) for level in levels]
    await access_levels.set_grants(services, actor, holding=held, grants=grants)
