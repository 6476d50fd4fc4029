"""A small site for the agent's tests: one door, a way in, a way out, one known person and one known plate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from postern.access.controller import Contact, DoorController, DoorState
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.access.policy import Policy, gallery_parts
from postern.agent.identity import Identity
from postern.agent.ports import AgentPorts, Frame
from postern.biometrics.model import Box, FaceSighting, ModelCard, Reference, Rgb, SeenFace, Template
from postern.biometrics.quality import FaceQuality
from postern.clock import SystemClock
from postern.devices.cameras.model import Connection, SourceState
from postern.devices.cameras.model import Frame as CameraFrame
from postern.errors import ControllerUnavailable, SourceUnavailable
from postern.ids import (
    AccessLevelId,
    AccessPointId,
    AgentId,
    AreaId,
    CredentialId,
    DoorId,
    PersonId,
    ReaderId,
    ReferenceId,
    SiteId,
    TenantId,
)
from postern.sealing import hybrid, signing
from postern.sites.model import AccessPoint, Area, Door, Reader, ReaderKind, Site
from postern.vehicles.plates import PlateReading

SITE, TENANT = SiteId(7), TenantId(2)
DOOR = DoorId(UUID(int=1))
WAY_IN, WAY_OUT = AccessPointId(UUID(int=2)), AccessPointId(UUID(int=3))
FACE_IN, PLATE_IN = ReaderId(UUID(int=4)), ReaderId(UUID(int=5))
CARD_IN, FACE_OUT = ReaderId(UUID(int=6)), ReaderId(UUID(int=7))
INSIDE, OUTSIDE = AreaId(UUID(int=8)), AreaId(UUID(int=9))
LEVEL = AccessLevelId(UUID(int=10))
ANNA, VAN = PersonId(UUID(int=11)), UUID(int=12)
CARD_NUMBER, PLATE = "04A1", "BMW1234"
HUB_PRIVATE, POLICY_PRIVATE = bytes(range(32)), bytes(range(1, 33))
MODEL = ModelCard(
    id="test",
    input_size=8,
    alignment="none",
    normalisation="none",
    length=4,
    farthest=2.0,
    threshold=0.7,
    verification_threshold=0.65,
    margin=0.02,
    licence="none",
)
FACES = {"anna": (1.0, 0, 0, 0), "stranger": (0, 1.0, 0, 0)}


def template(who: str) -> Template:
    return Template(model="test", vector=np.array(FACES[who], dtype=np.float32))


def identity(agent: int = 3) -> Identity:
    return Identity(
        agent=AgentId(agent),
        site=SITE,
        tenant=TENANT,
        hub_public=hybrid.public_of(HUB_PRIVATE),
        policy_public=signing.public_of(POLICY_PRIVATE),
        sign_private=bytes(range(2, 34)),
        hpke_private=bytes(range(3, 35)),
    )


def policy(version: int = 1, *, epoch: int = 1, sources: dict[ReaderId, str] | None = None) -> Policy:
    sources = sources or {}
    anna = Holding(
        subject=ANNA,
        kind=SubjectKind.PERSON,
        credentials=(
            Credential(id=CredentialId(UUID(int=20)), kind=CredentialKind.FACE),
            Credential(id=CredentialId(UUID(int=21)), kind=CredentialKind.CARD, value=CARD_NUMBER),
        ),
        grants=(Grant(level=LEVEL),),
    )
    van = Holding(
        subject=VAN,
        kind=SubjectKind.VEHICLE,
        credentials=(Credential(id=CredentialId(UUID(int=22)), kind=CredentialKind.PLATE, value=PLATE),),
        grants=(Grant(level=LEVEL),),
    )
    kinds = {
        FACE_IN: (WAY_IN, ReaderKind.FACE_CAMERA),
        PLATE_IN: (WAY_IN, ReaderKind.PLATE_CAMERA),
        CARD_IN: (WAY_IN, ReaderKind.CARD_READER),
        FACE_OUT: (WAY_OUT, ReaderKind.FACE_CAMERA),
    }
    return Policy(
        epoch=epoch,
        version=version,
        tenant=TENANT,
        site=Site(id=SITE, tenant=TENANT, name="Works", time_zone="Europe/Berlin", country="DE"),
        valid_until=datetime.now(UTC) + timedelta(days=30),
        areas=(
            Area(id=INSIDE, site=SITE, name="inside"),
            Area(id=OUTSIDE, site=SITE, name="outside", outside=True),
        ),
        doors=(Door(id=DOOR, site=SITE, name="door", release_seconds=0.5),),
        access_points=(
            AccessPoint(id=WAY_IN, site=SITE, door=DOOR, name="in", from_area=OUTSIDE, to_area=INSIDE),
            AccessPoint(
                id=WAY_OUT, site=SITE, door=DOOR, name="out", from_area=INSIDE, to_area=OUTSIDE, way_out=True
            ),
        ),
        readers=tuple(
            Reader(id=id, site=SITE, access_point=point, name=kind, kind=kind, source=sources.get(id, ""))
            for id, (point, kind) in kinds.items()
        ),
        holders=(anna, van),
        levels=(
            AccessLevel(id=LEVEL, tenant=TENANT, name="all", access_points=frozenset({WAY_IN, WAY_OUT})),
        ),
        gallery=gallery_parts(
            [Reference(id=ReferenceId(UUID(int=30)), person=ANNA, template=template("anna"))]
        ),
    )


@dataclass(eq=False)
class TestDoor:
    """A controller that somebody walks through at once."""

    __test__ = False
    released: list[float] = field(default_factory=list)
    broken: bool = False
    before: list[str] = field(default_factory=list)
    states_told: asyncio.Queue[DoorState | None] = field(default_factory=asyncio.Queue)

    def tell(self, contact: Contact) -> None:
        self.states_told.put_nowait(DoorState(contact=contact, at=datetime.now(UTC), online=True))

    async def release(self, *, seconds: float) -> None:
        if self.broken:
            raise ControllerUnavailable("the relay does not answer; check its cable")
        self.before.append("release")
        self.released.append(seconds)
        self.tell(Contact.OPEN)
        self.tell(Contact.CLOSED)

    async def states(self) -> AsyncIterator[DoorState]:
        yield DoorState(contact=Contact.CLOSED, at=datetime.now(UTC), online=True)
        while (state := await self.states_told.get()) is not None:
            yield state

    async def close(self) -> None:
        self.states_told.put_nowait(None)


class DrawnRecognition:
    """Reads who is in a picture from its first pixels: red 1 is Anna, 2 a stranger, 3 both; green a plate."""

    PLATES = ("", PLATE, "XYZ999")

    async def faces(self, rgb: Rgb) -> Sequence[SeenFace]:
        shown = {0: [], 1: ["anna"], 2: ["stranger"], 3: ["anna", "stranger"]}[int(rgb[0, 0, 0])]
        return [self._face(who) for who in shown]

    def _face(self, who: str) -> SeenFace:
        box = Box(x=40 if who == "anna" else 200, y=40, width=60, height=60)
        return SeenFace(
            sighting=FaceSighting(
                box=box, landmarks=np.zeros((5, 2), dtype=np.float32), quality=FaceQuality(score=0.9)
            ),
            template=template(who),
        )

    async def plates(self, rgb: Rgb, country: str | None = None) -> Sequence[PlateReading]:
        text = self.PLATES[int(rgb[0, 0, 1])]
        quad = ((10.0, 10.0), (90.0, 10.0), (90.0, 30.0), (10.0, 30.0))
        score = 0.9 - int(rgb[0, 0, 2]) / 100
        return [PlateReading(text=text, country=country, score=score, quad=quad)] if text else []


def picture(*, red: int = 0, green: int = 0, blue: int = 0) -> Rgb:
    """A picture of noise in which `DrawnRecognition` sees what it is told to: faces by red, plates by green,
    the less surely the more blue."""
    rgb = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    rgb[0, 0] = (red, green, blue)
    return rgb


class Film:
    """A source that gives the pictures it was made with; it may end, or go on waiting."""

    def __init__(
        self, pictures: Sequence[Rgb], *, still: bool = False, ends: bool = True, breaks: bool = False
    ) -> None:
        self.name, self.still, self.ends, self.breaks = "film", still, ends, breaks
        self.opened = 0
        self.state = SourceState(connection=Connection.OPENING, since=datetime.now(UTC))
        self._pictures = pictures
        self._closed = asyncio.Event()

    async def frames(self) -> AsyncIterator[Frame]:
        self.state = SourceState(connection=Connection.CONNECTED, since=datetime.now(UTC))
        start = datetime.now(UTC)
        self.opened += 1
        for index, rgb in enumerate(self._pictures):
            yield CameraFrame(source="film", at=start + timedelta(seconds=index / 8), rgb=rgb, index=index)
        if self.breaks:
            raise SourceUnavailable("film: the camera stopped sending.")
        if not self.ends:
            await self._closed.wait()

    async def close(self) -> None:
        self._closed.set()


FRONT = ("door", "Front door")
"""The door that a test watches goes by one of these names."""


def ports(door: DoorController, films: dict[str, Film] | None = None) -> AgentPorts:
    def open_source(text: str, *, as_live: bool) -> Film:
        if films is None or text not in films:
            raise SourceUnavailable(f"{text}: there is no such file or folder; check the spelling.")
        return films[text]

    return AgentPorts(
        open_source=open_source,
        recognition=DrawnRecognition(),
        card=MODEL,
        open_controller=lambda site_door: door if site_door.name in FRONT else TestDoor(),
        clock=SystemClock(),
    )
