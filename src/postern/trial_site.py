"""The site that `postern try` sets up: one door for faces, one for plates, and whoever may pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from postern.access.model import Grant, SubjectKind
from postern.errors import BadPicture, PosternError
from postern.ids import AccessLevelId, AccessPointId, AreaId, DoorId, PersonId, ReaderId, VehicleId, new_id
from postern.operations import access_levels, agents, consent, register, sites
from postern.operations.enrol import PhotoReport, enrol
from postern.operations.publish_policy import publish_stale
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.sites.model import AccessPoint, Area, Door, Reader, ReaderKind, Site
from postern.vehicles.model import VehicleDetails
from postern.vehicles.plates import comparison_form

Say = Callable[[str], None]

_CONSENT = "confirmed by whoever ran postern try"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialSite:
    """What was set up. `code` lets its agent enrol; `names` and `plates` tell passages by name."""

    code: str
    face_camera: Reader
    plate_camera: Reader
    names: Mapping[UUID, str]
    plates: Mapping[str, str]


async def set_up(
    services: Services,
    *,
    people: Mapping[str, Sequence[Path]],
    vehicles: Sequence[str],
    warn: Say,
) -> TrialSite:
    """Make the site, enrol everybody and publish the policy.

    Raises BadPicture for somebody of whom no photo serves, Conflict for a face or plate given twice.
    """
    tenant = await sites.create_tenant(services, "Trial organisation")
    actor = Actor(tenant=tenant.id, name="job:try", role=Role.ADMINISTRATOR)
    site = await sites.create_site(services, actor, name="Trial site", time_zone="UTC")
    face_camera = await _doorway(services, actor, site, "Door", ReaderKind.FACE_CAMERA)
    plate_camera = await _doorway(services, actor, site, "Driveway", ReaderKind.PLATE_CAMERA)
    points = frozenset({face_camera.access_point, plate_camera.access_point})
    level = await access_levels.add_access_level(services, actor, name="Trial", access_points=points)
    names = {
        await _person(services, actor, name, photos, level=level.id, warn=warn): name
        for name, photos in people.items()
    }
    for plate in vehicles:
        vehicle = await register.add_vehicle(services, actor, VehicleDetails(plate=plate))
        await _grant(services, actor, vehicle.id, SubjectKind.VEHICLE, level.id)
    code = await agents.new_code(services, actor, site.id)
    await publish_stale(services)
    return TrialSite(
        code=code,
        face_camera=face_camera,
        plate_camera=plate_camera,
        names=names,
        plates={comparison_form(plate): plate for plate in vehicles},
    )


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


async def _person(
    services: Services, actor: Actor, name: str, photos: Sequence[Path], *, level: AccessLevelId, warn: Say
) -> PersonId:
    """Add somebody, record the consent, enrol the photos; those that do not serve are told one by one."""
    person = await register.add_person(services, actor, PersonDetails(name=name))
    await consent.give_consent(services, actor, person=person.id, wording=_CONSENT)
    try:
        done = await enrol(services, actor, person=person.id, photos=[photo.read_bytes() for photo in photos])
    except PosternError as fault:
        raise type(fault)(f"{name} ({', '.join(str(photo) for photo in photos)}): {fault}") from fault
    told = [f"{photos[one.index]}: {_why(one)}" for one in done.photos if not one.serves]
    if not done.references:
        raise BadPicture("; ".join(told))
    for line in told:
        warn(line)
    await _grant(services, actor, person.id, SubjectKind.PERSON, level)
    return person.id


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
