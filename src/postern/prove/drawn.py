"""Recognition, a door and an agent that are drawn, not real, but speak the real formats."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np

from postern.access.controller import DoorState
from postern.access.policy import Policy
from postern.biometrics.model import Box, FaceSighting, ModelCard, Rgb, SeenFace, Template
from postern.biometrics.quality import FaceQuality, Problem
from postern.errors import BadPicture, ControllerUnavailable, StorageFull
from postern.operations.archive.receive import SpooledEntry
from postern.operations.archive.wire import (
    POLICY_INFO,
    POLICY_PURPOSE,
    REQUEST_PURPOSE,
    SPOOL_INFO,
    SPOOL_PURPOSE,
    policy_aad,
    policy_message,
    request_message,
    spool_aad,
    spool_message,
)
from postern.operations.ports import SealedPicture
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operations.sites.agents import Enrolled, KnownAgent, SignedRequest
from postern.records.model import Kind
from postern.sealing import hybrid, signing
from postern.vehicles.plates import PlateReading

NOON = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Berlin
CARD = ModelCard(
    id="drawn",
    input_size=4,
    alignment="none",
    normalisation="none",
    length=4,
    farthest=2.0,
    threshold=0.75,
    verification_threshold=0.75,
    margin=0.05,
    licence="CC0",
)


class DrawnRecognition:
    """Recognition of drawn pictures: one pixel a face, whose colour is its template."""

    async def faces(self, rgb: Rgb) -> Sequence[SeenFace]:
        return [self._face(pixel) for pixel in rgb[0]]

    async def plates(self, rgb: Rgb, country: str | None = None) -> Sequence[PlateReading]:
        quad = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
        return (
            [PlateReading(text="PDM1001", country=country, score=0.9, quad=quad)] if rgb.shape[0] > 1 else []
        )

    @staticmethod
    def _face(pixel: np.ndarray) -> SeenFace:
        vector = np.append(pixel.astype(np.float32) / 255.0, np.float32(1.0))
        problems = (Problem.TOO_DARK,) if pixel.sum() == 0 else ()
        sighting = FaceSighting(
            box=Box(x=0, y=0, width=1, height=1),
            landmarks=np.zeros((5, 2), dtype=np.float32),
            quality=FaceQuality(score=0.9, problems=problems),
        )
        return SeenFace(sighting=sighting, template=Template(model=CARD.id, vector=vector))


async def load_drawn(data: bytes) -> Rgb:
    """A picture is three bytes a pixel in one row, after the letters `pic`; a plate makes it two rows."""
    if not data.startswith((b"pic", b"car")):
        raise BadPicture("this is no picture")
    row = np.frombuffer(data[3:], dtype=np.uint8).reshape(1, -1, 3)
    return np.vstack([row, row]) if data.startswith(b"car") else row


class DrawnController:
    """A door that remembers how often it was released, and can be unplugged."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.unplugged = False

    async def release(self, *, seconds: float) -> None:
        del seconds
        if self.unplugged:
            raise ControllerUnavailable("the drawn door is unplugged")
        self.log.append("released")

    def states(self) -> AsyncIterator[DoorState]:
        raise NotImplementedError

    async def close(self) -> None:
        return None


@dataclass
class DrawnAgent:
    """An agent's keys, its number, and its spool in memory, speaking the wire's formats."""

    hub: Services
    sign_private: bytes
    hpke_private: bytes
    enrolled: Enrolled
    log: list[str] = field(default_factory=list)
    entries: list[SpooledEntry] = field(default_factory=list)
    pictures: list[SealedPicture] = field(default_factory=list)
    full: bool = False

    async def append(
        self,
        *,
        kind: Kind,
        day: date,
        plaintext: bytes,
        pictures: Sequence[SealedPicture] = (),
        releases_at: datetime | None = None,
        settles: int | None = None,
    ) -> int:
        del releases_at, settles
        if self.full:
            raise StorageFull("the drawn spool is full")
        seq = len(self.entries) + 1
        site, agent = self.enrolled.site, self.enrolled.agent
        aad = spool_aad(site=site, agent=agent, seq=seq, day=day, kind=kind)
        entry = hybrid.seal_to(self.enrolled.hub_public, plaintext, info=SPOOL_INFO, aad=aad)
        digest = hashlib.sha256(entry).digest()
        signature = signing.sign(
            self.sign_private,
            spool_message(site=site, agent=agent, seq=seq, digest=digest),
            purpose=SPOOL_PURPOSE,
        )
        self.entries.append(
            SpooledEntry(seq=seq, day=day, kind=kind, entry=entry, digest=digest, signature=signature)
        )
        self.pictures += pictures
        self.log.append("recorded")
        return seq

    def request(self, body: bytes = b"{}", *, nonce: str | None = None) -> SignedRequest:
        nonce, time = nonce or secrets.token_hex(8), self.hub.clock.now().isoformat()
        message = request_message(method="POST", path="/agent/v1/hello", time=time, nonce=nonce, body=body)
        signature = signing.sign(self.sign_private, message, purpose=REQUEST_PURPOSE)
        return SignedRequest(
            agent=str(self.enrolled.agent),
            time=time,
            nonce=nonce,
            signature=base64.b64encode(signature).decode(),
            method="POST",
            path="/agent/v1/hello",
            body=body,
        )

    async def known(self) -> KnownAgent:
        return await agents.verify_request(self.hub, self.request())

    async def policy(self) -> Policy:
        """The newest bundle, verified and opened as an agent does."""
        bundle = await agents.bundle_for(self.hub, await self.known(), have=None)
        assert bundle is not None
        site, agent = self.enrolled.site, self.enrolled.agent
        epoch, version = bundle.epoch, bundle.version
        message = policy_message(site=site, agent=agent, epoch=epoch, version=version, sealed=bundle.sealed)
        signing.verify(self.enrolled.policy_public, message, bundle.signature, purpose=POLICY_PURPOSE)
        opened = hybrid.open_from(
            self.hpke_private,
            bundle.sealed,
            info=POLICY_INFO,
            aad=policy_aad(site=site, agent=agent, epoch=epoch, version=version),
        )
        return Policy.from_bytes(opened)
