"""Try a picture: what recognition saw, and what the decision would be. No door moves; nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.access.decision import Decision, FacePresented, PlatePresented, Presented, Request, decide
from postern.access.policy import Policy
from postern.biometrics.comparison import Gallery, Match, NoMatch, identify
from postern.biometrics.model import Box, SeenFace
from postern.biometrics.quality import FaceQuality
from postern.errors import NotFound, Unavailable
from postern.ids import AccessPointId, SiteId
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.ports import RecognitionPort
from postern.operations.services import Services
from postern.operations.sites.publish_policy import build
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.vehicles.plates import PlateReading


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedFace:
    """A face in the picture. `score` is the best comparison score, `threshold` what it takes to be named."""

    box: Box
    quality: FaceQuality
    result: Match | NoMatch
    threshold: float
    who: str | None
    decision: Decision


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedPlate:
    """A plate in the picture. `who` describes the registered vehicle, if it is one."""

    reading: PlateReading
    who: str | None
    decision: Decision


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What the access point's reader would have seen and decided at `at`."""

    at: datetime
    width: int
    height: int
    faces: tuple[TriedFace, ...]
    plates: tuple[TriedPlate, ...]


async def try_picture(
    services: Services,
    actor: Actor,
    picture: bytes,
    *,
    site: SiteId,
    access_point: AccessPointId,
    at: datetime | None = None,
) -> Tried:
    """Judge a picture at an access point as of `at` (None: now). Raises BadPicture when it is none.

    Whoever is recognised in it is in the journal before the answer is given.
    """
    require(actor, Duty.TRY_PICTURE)
    port = services.recognition
    if port is None:
        raise Unavailable("recognition is not running on this hub; start it with `postern up`")
    rgb = await port.load_picture(picture)
    async with services.database.transaction(actor.tenant) as tx:
        policy = await build(services, tx, actor.tenant, site, version=0)
    if policy.access_point(access_point) is None:
        raise NotFound("the site has no such access point")
    faces = await port.recognise.faces(rgb)
    plates = await port.recognise.plates(rgb, policy.site.country)
    moment = at if at is not None else services.clock.now()
    judged = _judged(port, policy, access_point=access_point, faces=faces, plates=plates, at=moment)
    who = await _journalled_names(services, actor, judged)
    height, width = rgb.shape[:2]
    return Tried(
        at=moment,
        width=width,
        height=height,
        faces=tuple(_face(port, seen, shown, decision, who) for seen, shown, decision in judged.faces),
        plates=tuple(
            TriedPlate(reading=reading, who=_who(decision, who), decision=decision)
            for reading, decision in judged.plates
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judged:
    faces: list[tuple[SeenFace, FacePresented, Decision]]
    plates: list[tuple[PlateReading, Decision]]

    @property
    def subjects(self) -> list[UUID]:
        decisions = [decision for _, _, decision in self.faces] + [decision for _, decision in self.plates]
        return sorted({one.holder.subject for one in decisions if one.holder is not None})


def _judged(
    port: RecognitionPort,
    policy: Policy,
    *,
    access_point: AccessPointId,
    faces: Sequence[SeenFace],
    plates: Sequence[PlateReading],
    at: datetime,
) -> _Judged:
    gallery = Gallery(port.card, policy.references(port.card.id))

    def judge(presented: Presented) -> Decision:
        return decide(Request(access_point=access_point, presented=presented), policy, at)

    shown = [(seen, FacePresented(result=identify(gallery, seen.template))) for seen in faces]
    return _Judged(
        faces=[(seen, presented, judge(presented)) for seen, presented in shown],
        plates=[
            (reading, judge(PlatePresented(text=reading.text, score=reading.score))) for reading in plates
        ],
    )


async def _journalled_names(services: Services, actor: Actor, judged: _Judged) -> dict[UUID, str]:
    async with looking(services, actor) as tx:
        people = await services.registry.people.everyone(tx, actor.tenant)
        vehicles = await services.registry.vehicles.all(tx, actor.tenant)
        opening = Opening(act=Act.LOOKED, purpose="try a picture", subjects=judged.subjects)
        await open_subjects(services, tx, actor, opening)
    names = {id: person.details.name for id, person in people.items()}
    return names | {id: one.details.description or one.details.plate for id, one in vehicles.items()}


def _face(
    port: RecognitionPort, seen: SeenFace, shown: FacePresented, decision: Decision, who: dict[UUID, str]
) -> TriedFace:
    return TriedFace(
        box=seen.sighting.box,
        quality=seen.sighting.quality,
        result=shown.result,
        threshold=port.card.threshold,
        who=_who(decision, who),
        decision=decision,
    )


def _who(decision: Decision, who: dict[UUID, str]) -> str | None:
    return who.get(decision.holder.subject) if decision.holder is not None else None
