"""Policy: everything an agent decides on, frozen, signed and versioned, so that it decides alone.

It holds no names. It is sealed to its agent on the way and at rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from uuid import UUID

import numpy as np

from postern import documents
from postern.access.lockdown import OPEN, Lockdowns
from postern.access.model import AccessLevel, Credential, CredentialKind, Holding, Schedule
from postern.biometrics.model import Reference, Template
from postern.ids import (
    AccessLevelId,
    AccessPointId,
    CredentialId,
    PersonId,
    ReferenceId,
    ScheduleId,
    SiteId,
    TenantId,
)
from postern.sites.model import AccessPoint, Area, Door, Reader, Site
from postern.vehicles.plates import comparison_form


@dataclass(frozen=True, kw_only=True, slots=True)
class GalleryPart:
    """The references of one face model: `people[i]` owns `references[i]` and row i of `vectors`.

    `vectors` is little-endian float32, `length` numbers a row.
    """

    model: str
    length: int
    people: tuple[UUID, ...]
    references: tuple[UUID, ...]
    vectors: bytes

    def opened(self) -> tuple[Reference, ...]:
        """The references, for a matcher's memory."""
        rows = np.frombuffer(self.vectors, dtype="<f4").astype(np.float32).reshape(-1, self.length)
        return tuple(
            Reference(
                id=ReferenceId(id), person=PersonId(person), template=Template(model=self.model, vector=row)
            )
            for id, person, row in zip(self.references, self.people, rows, strict=True)
        )


def gallery_parts(references: Iterable[Reference]) -> tuple[GalleryPart, ...]:
    """References sorted into one part per model."""
    by_model: dict[str, list[Reference]] = {}
    for reference in references:
        by_model.setdefault(reference.template.model, []).append(reference)
    return tuple(
        GalleryPart(
            model=model,
            length=len(kept[0].template.vector),
            people=tuple(one.person for one in kept),
            references=tuple(one.id for one in kept),
            vectors=b"".join(one.template.vector.astype("<f4").tobytes() for one in kept),
        )
        for model, kept in sorted(by_model.items())
    )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A site's doors, holders and schedules at one version.

    `epoch` grows when the hub was restored, `version` with every publication; (epoch, version) only grows.
    """

    epoch: int
    version: int
    tenant: TenantId
    site: Site
    valid_until: datetime
    areas: tuple[Area, ...] = ()
    doors: tuple[Door, ...] = ()
    access_points: tuple[AccessPoint, ...] = ()
    readers: tuple[Reader, ...] = ()
    holders: tuple[Holding, ...] = ()
    levels: tuple[AccessLevel, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    gallery: tuple[GalleryPart, ...] = ()
    lockdowns: Lockdowns = OPEN

    def to_bytes(self) -> bytes:
        """Compact JSON; the gallery's vectors in base64."""
        return documents.to_bytes(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Policy:
        """What `to_bytes` wrote. Raises BadInput on anything else."""
        return documents.from_bytes(cls, data)

    def with_lockdowns(self, lockdowns: Lockdowns) -> Policy:
        """The same, with that locked down."""
        return replace(self, lockdowns=lockdowns)

    @property
    def name(self) -> str:
        """`epoch.version`, as records quote it."""
        return f"{self.epoch}.{self.version}"

    @property
    def site_id(self) -> SiteId:
        return self.site.id

    def references(self, model: str) -> tuple[Reference, ...]:
        """The gallery's references of one face model."""
        return tuple(one for part in self.gallery if part.model == model for one in part.opened())

    def access_point(self, id: AccessPointId) -> AccessPoint | None:
        """The access point, or None when the site has no such one."""
        return self._access_points.get(id)

    def door_of(self, access_point: AccessPoint) -> Door | None:
        """The door an access point leads through."""
        return next((door for door in self.doors if door.id == access_point.door), None)

    def level(self, id: AccessLevelId) -> AccessLevel | None:
        """The access level, or None."""
        return self._levels.get(id)

    def schedule(self, id: ScheduleId) -> Schedule | None:
        """The schedule, or None."""
        return self._schedules.get(id)

    def holder_of(self, kind: CredentialKind, value: str) -> tuple[Holding, Credential] | None:
        """Who holds that credential; plates compare with O as 0 and I as 1. A revoked one counts last."""
        return self._credentials.get((kind, _compared(kind, value)))

    def holder_of_face(self, person: PersonId) -> tuple[Holding, Credential] | None:
        """The person whose reference was matched."""
        holder = self._holders.get(person)
        return None if holder is None else (holder, face_credential(holder))

    @cached_property
    def _access_points(self) -> dict[AccessPointId, AccessPoint]:
        return {one.id: one for one in self.access_points}

    @cached_property
    def _levels(self) -> dict[AccessLevelId, AccessLevel]:
        return {one.id: one for one in self.levels}

    @cached_property
    def _schedules(self) -> dict[ScheduleId, Schedule]:
        return {one.id: one for one in self.schedules}

    @cached_property
    def _holders(self) -> dict[UUID, Holding]:
        return {one.subject: one for one in self.holders}

    @cached_property
    def _credentials(self) -> dict[tuple[CredentialKind, str], tuple[Holding, Credential]]:
        pairs = [(holder, one) for holder in self.holders for one in holder.credentials]
        pairs.sort(key=lambda pair: not (pair[0].revoked or pair[1].revoked))
        return {(one.kind, _compared(one.kind, one.value)): (holder, one) for holder, one in pairs}


def _compared(kind: CredentialKind, value: str) -> str:
    return comparison_form(value) if kind is CredentialKind.PLATE else value


def face_credential(holder: Holding) -> Credential:
    """The holder's face as a credential. Without one of its own (never enrolled) it counts as revoked."""
    own = (one for one in holder.credentials if one.kind is CredentialKind.FACE)
    missing = Credential(id=CredentialId(holder.subject), kind=CredentialKind.FACE, revoked=True)
    return next(own, missing)
