"""What comes after recognition: the decision, its durable entry in the spool, and the door's release.

A site of 10,000 people and as many vehicles; the spool lies on this machine's disk and is synced each time.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from uuid import UUID, uuid4

from benchmarks.measure import timed
from postern.access.decision import Presented, Request, decide
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.access.policy import Policy
from postern.agent.spool import Spool, SpoolOwner
from postern.clock import SystemClock
from postern.devices.controllers.simulated import SimulatedDoor, Visitor
from postern.ids import (
    AccessLevelId,
    AccessPointId,
    AgentId,
    AreaId,
    CredentialId,
    DoorId,
    SiteId,
    TenantId,
)
from postern.operations.admit import Admitted, Entrance, admit
from postern.sealing import hybrid, signing
from postern.sites.model import AccessPoint, Area, Door, Site

TENANT, SITE = TenantId(1), SiteId(1)
VEHICLES = 10_000
PICTURE = bytes(30_000)
"""As long as the JPEG that is kept as evidence."""


class Admission:
    """A door of that site, ready to be asked again and again."""

    def __init__(self, people: tuple[UUID, ...]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="postern-bench-")
        self._loop = asyncio.new_event_loop()
        self.policy, self._access_point, door = drawn_policy(people)
        self._controller = self._loop.run_until_complete(_controller())
        owner = SpoolOwner(
            site=SITE,
            agent=AgentId(1),
            hub_public=hybrid.public_of(hybrid.generate()),
            sign_private=signing.generate(),
        )
        self._spool = Spool(Path(self._folder.name) / "spool.sqlite", owner)
        self._entrance = Entrance(
            spool=self._spool, controllers={door: self._controller}, clock=SystemClock()
        )

    def __enter__(self) -> Admission:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run_until_complete(self._controller.close())
        self._loop.run_until_complete(self._spool.close())
        self._loop.close()
        self._folder.cleanup()

    def decide_ms(self, presented: Presented) -> float:
        """Median milliseconds of `decide` alone."""
        request, at = self._request(presented), datetime.now(UTC)
        return timed(lambda: decide(request, self.policy, at), 200)

    def admit(self, presented: Presented) -> Admitted:
        """Decide, make it durable with its picture, release."""
        admitting = admit(self._entrance, self.policy, self._request(presented), PICTURE)
        return self._loop.run_until_complete(admitting)

    def admit_ms(self, presented: Presented) -> float:
        """Median milliseconds of all of it. Raises ValueError when the door was not let go."""
        if not self.admit(presented).released:
            raise ValueError("the door stayed shut: what is measured is not an admission")
        return timed(lambda: self.admit(presented), 50)

    def _request(self, presented: Presented) -> Request:
        return Request(access_point=self._access_point, presented=presented)


async def _controller() -> SimulatedDoor:
    door = SimulatedDoor(clock=SystemClock())
    door.expect(Visitor.NOBODY)
    return door


def drawn_policy(people: tuple[UUID, ...]) -> tuple[Policy, AccessPointId, DoorId]:
    """A site with one door, through which those people and the vehicles V0000… may come at any time."""
    level, point, door = AccessLevelId(uuid4()), AccessPointId(uuid4()), DoorId(uuid4())
    street, inside = AreaId(uuid4()), AreaId(uuid4())
    faces = tuple(_holding(person, SubjectKind.PERSON, CredentialKind.FACE, "", level) for person in people)
    vehicles = tuple(
        _holding(uuid4(), SubjectKind.VEHICLE, CredentialKind.PLATE, f"V{number:04}", level)
        for number in range(VEHICLES)
    )
    policy = Policy(
        epoch=1,
        version=1,
        tenant=TENANT,
        site=Site(id=SITE, tenant=TENANT, name="bench", time_zone="Europe/Berlin"),
        valid_until=datetime.now(UTC) + timedelta(days=30),
        areas=(
            Area(id=street, site=SITE, name="street", outside=True),
            Area(id=inside, site=SITE, name="in"),
        ),
        doors=(Door(id=door, site=SITE, name="door"),),
        access_points=(
            AccessPoint(id=point, site=SITE, door=door, name="in", from_area=street, to_area=inside),
        ),
        holders=faces + vehicles,
        levels=(AccessLevel(id=level, tenant=TENANT, name="all", access_points=frozenset({point})),),
    )
    return policy, point, door


def _holding(
    subject: UUID, kind: SubjectKind, credential: CredentialKind, value: str, level: AccessLevelId
) -> Holding:
    return Holding(
        subject=subject,
        kind=kind,
        credentials=(Credential(id=CredentialId(uuid4()), kind=credential, value=value),),
        grants=(Grant(level=level),),
    )
