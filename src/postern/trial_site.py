"""The site that `postern try` sets up: one door for faces, one for plates, and whoever may pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from postern.access.model import Grant, SubjectKind
from postern.errors import BadInput, BadPicture, PosternError
from postern.ids import AccessLevelId, AccessPointId, AreaId, DoorId, PersonId, ReaderId, VehicleId, new_id
from postern.operations.people import register
from postern.operations.people.enrol import PhotoReport, enrol
from postern.operations.privacy import consent
from postern.operations.services import Services
from postern.operations.sites import access_levels, agents
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.sites import store
from postern.sites.model import AccessPoint, Area, Door, Reader, ReaderKind, Site
from postern.vehicles.model import VehicleDetails
from postern.vehicles.plates import comparison_form

Say = Callable[[str], None]

_CONSENT = "confirmed by whoever ran postern try"
_SITE = "Trial site"
_LEVEL = "Trial"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialSite:
    """What was set up. `code` lets its agent enrol; `names` and `plates` tell passages by name."""

    code: str
    face_camera: Reader
    plate_camera: Reader
    names: Mapping[UUID, str]
    plates: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    site: Site
    face_camera: Reader
    plate_camera: Reader
    level: AccessLevelId


async def set_up(
    services: Services, *, people: Mapping[str, Sequence[Path]], vehicles: Sequence[str], warn: Say
) -> TrialSite:
    """Make the site, or take the one that an earlier trial kept; enrol everybody and publish the policy.

    Raises BadPicture for somebody of whom no photo serves, Conflict for a face of two people.
    """
    async with services.database.transaction() as tx:
        known = await store.tenant_ids(tx)
    tenant = known[0] if known else (await sites.create_tenant(services, "Trial organisation")).id
    actor = Actor(tenant=tenant, name="job:try", role=Role.ADMINISTRATOR)
    place = await _kept_place(services, actor) or await _new_place(services, actor)
    names, plates = await _registered(services, actor)
    for name, photos in people.items():
        id = next((one for one, called in names.items() if called == name), None)
        await _person(services, actor, id or await _new_person(services, actor, name, place), photos, warn)
    for plate in vehicles:
        if comparison_form(plate) not in plates:
            vehicle = await register.add_vehicle(services, actor, VehicleDetails(plate=plate))
            await _grant(services, actor, vehicle.id, SubjectKind.VEHICLE, place.level)
    code = await agents.new_code(services, actor, place.site.id)
    await publish_stale(services)
    names, plates = await _registered(services, actor)
    return TrialSite(
        code=code,
        face_camera=place.face_camera,
        plate_camera=place.plate_camera,
        names=names,
        plates=plates | {comparison_form(plate): plate for plate in vehicles},
    )


async def _registered(services: Services, actor: Actor) -> tuple[dict[UUID, str], dict[str, str]]:
    """Everybody's name by id, and every plate by its comparison form."""
    async with services.database.transaction(actor.tenant) as tx:
        people = await services.registry.people.everyone(tx, actor.tenant)
        vehicles = await services.registry.vehicles.all(tx, actor.tenant)
    names = {id: person.details.name for id, person in people.items()}
    plates = [vehicle.details.plate for vehicle in vehicles.values()]
    return names, {comparison_form(plate): plate for plate in plates}


async def _kept_place(services: Services, actor: Actor) -> _Place | None:
    """The site that an earlier trial left in this data folder."""
    site = next((one for one in await sites.sites(services, actor) if one.name == _SITE), None)
    if site is None:
        return None
    readers = (await sites.plan(services, actor, site.id)).readers
    levels = await access_levels.access_levels(services, actor)
    return _Place(
        site=site,
        face_camera=next(one for one in readers if one.kind is ReaderKind.FACE_CAMERA),
        plate_camera=next(one for one in readers if one.kind is ReaderKind.PLATE_CAMERA),
        level=next(one.id for one in levels if one.name == _LEVEL),
    )


async def _new_place(services: Services, actor: Actor) -> _Place:
    site = await sites.create_site(services, actor, name=_SITE, time_zone="UTC")
    face_camera = await _doorway(services, actor, site, "Door", ReaderKind.FACE_CAMERA)
    plate_camera = await _doorway(services, actor, site, "Driveway", ReaderKind.PLATE_CAMERA)
    points = frozenset({face_camera.access_point, plate_camera.access_point})
    level = await access_levels.add_access_level(services, actor, name=_LEVEL, access_points=points)
    return _Place(site=site, face_camera=face_camera, plate_camera=plate_camera, level=level.id)


async def _doorway(services: Services, actor: Actor, site: Site, name: str, kind: ReaderKind) -> Reader:
    """A simulated door from outside to inside, with a camera before it that is shown the sources."""
    outside = Area(id=AreaId(new_id()), site=site.id, name=f"Before the {name}", outside=True)
    inside = Area(id=AreaId(new_id()), site=site.id, name=f"Behind the {name}")
    door = Door(id=DoorId(new_id()), site=site.id, name=name)
    point = AccessPoint(
        id=AccessPointId(new_id()),
        site=site.id,
        door=door.id,
        name=name,
        from_area=outside.id,
        to_area=inside.id,
    )
    camera = Reader(
        id=ReaderId(new_id()), site=site.id, access_point=point.id, name=f"{name} camera", kind=kind
    )
    for part in (outside, inside, door, point, camera):
        await sites.add(services, actor, part)
    return camera


async def _new_person(services: Services, actor: Actor, name: str, place: _Place) -> PersonId:
    """Somebody who consents and may pass."""
    person = await register.add_person(services, actor, PersonDetails(name=name))
    await consent.give_consent(services, actor, person=person.id, wording=_CONSENT)
    await _grant(services, actor, person.id, SubjectKind.PERSON, place.level)
    return person.id


async def _person(services: Services, actor: Actor, id: UUID, photos: Sequence[Path], warn: Say) -> None:
    """Enrol the photos; those that do not serve are told one by one."""
    try:
        contents = [photo.read_bytes() for photo in photos]
        done = await enrol(services, actor, person=PersonId(id), photos=contents)
    except (OSError, PosternError) as fault:
        raise BadInput(f"{', '.join(str(photo) for photo in photos)}: {fault}") from fault
    told = [f"{photos[one.index]}: {_why(one)}" for one in done.photos if not one.serves]
    if not done.references:
        raise BadPicture("; ".join(told))
    for line in told:
        warn(line)


def _why(report: PhotoReport) -> str:
    """What is wrong with a photo, and what to do about it."""
    return report.fault or " ".join(problem.advice() for problem in report.problems)


async def _grant(
    services: Services,
    actor: Actor,
    subject: PersonId | VehicleId,
    kind: SubjectKind,
    level: AccessLevelId,
) -> None:
    held = await access_levels.holding(services, actor, subject=subject, kind=kind)
    await access_levels.set_grants(services, actor, holding=held, grants=[Grant(level=level)])
