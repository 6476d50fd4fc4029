"""admit(): from what a reader saw to a door that moves, in the order that makes it safe.

Inwards, the decision is sealed and durable in the spool BEFORE the door moves: what cannot be recorded does
not open. A way out opens first and is recorded after; a failed write is told to the caller, who
raises the alarm.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from postern.access.controller import DoorController
from postern.access.decision import (
    CodePresented,
    Decision,
    FacePresented,
    Granted,
    PinPresented,
    PlatePresented,
    Request,
    counted,
    decide,
)
from postern.access.model import CredentialKind
from postern.access.pins import NO_ATTEMPTS, PinAttempts
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.biometrics.comparison import Match
from postern.clock import Clock, utc_day
from postern.errors import ControllerUnavailable, PosternError
from postern.ids import DoorId
from postern.operations.ports import SealedPicture, Spool
from postern.records.model import DecisionRecord, Kind, PictureRef
from postern.records.sealed import encode
from postern.sealing.envelope import Context, Key, seal
from postern.sites.model import Door
from postern.vehicles.plates import normalise


@dataclass(kw_only=True, slots=True)
class Tried:
    """The wrong attempts at PINs, as they stand now."""

    attempts: PinAttempts = NO_ATTEMPTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrance:
    """What one site's agent admits with: its spool, its doors' controllers, its clock, wrong PINs so far."""

    spool: Spool
    controllers: Mapping[DoorId, DoorController]
    clock: Clock
    tried: Tried = field(default_factory=Tried)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """What came of a request.

    `seq` is the decision's entry in the spool, None when a way out opened and could not be recorded
    (`fault` says why: raise an alarm). `released`: the controller confirmed that the door was let go.
    """

    at: datetime
    decision: Decision
    door: Door | None
    seq: int | None
    released: bool
    fault: PosternError | None = None


async def admit(
    entrance: Entrance, policy: Policy, request: Request, evidence: bytes | None = None
) -> Admitted:
    """Judge, record and open. `evidence` is a JPEG to keep sealed with the decision, or None.

    Raises StorageFull or another fault of the spool for a way in that cannot be recorded: the door stays
    shut. A controller that does not answer is told in `fault`, never raised.
    """
    at = entrance.clock.now()
    seen = _Seen(at=at, evidence=evidence)
    decision = decide(request, policy, at, entrance.tried.attempts)
    # Before anything is awaited: whoever tries at two doors at once is counted twice.
    entrance.tried.attempts = counted(entrance.tried.attempts, request, decision, at)
    door = _door(policy, request)
    controller = entrance.controllers.get(door.id) if door is not None else None
    if decision.reason is Reason.WAY_OUT:
        fault = await _release(controller, door)
        released = fault is None
        try:
            seq: int | None = await _record(entrance, policy, request, decision, seen)
        except PosternError as unrecorded:
            seq, fault = None, unrecorded
    else:
        seq = await _record(entrance, policy, request, decision, seen)
        granted = isinstance(decision, Granted)
        fault = await _release(controller, door) if granted else None
        released = granted and fault is None
    return Admitted(at=at, decision=decision, door=door, seq=seq, released=released, fault=fault)


def _door(policy: Policy, request: Request) -> Door | None:
    access_point = policy.access_point(request.access_point)
    return policy.door_of(access_point) if access_point is not None else None


async def _release(controller: DoorController | None, door: Door | None) -> PosternError | None:
    """Let the door go; the fault, when it could not be."""
    if controller is None or door is None:
        return ControllerUnavailable(
            "this access point's door has no controller here; set one up for the door"
        )
    try:
        await controller.release(seconds=door.release_seconds)
    except PosternError as fault:
        return fault
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    at: datetime
    evidence: bytes | None


async def _record(
    entrance: Entrance, policy: Policy, request: Request, decision: Decision, seen: _Seen
) -> int:
    """Write the decision to the spool, with its picture where one may be kept."""
    keep = seen.evidence if _picture_may_be_kept(request) else None
    reference, pictures = _sealed_picture(policy, keep) if keep is not None else (None, ())
    record = _decision_record(policy, request, decision, seen.at, reference)
    door = _door(policy, request)
    opens = isinstance(decision, Granted) and door is not None and door.id in entrance.controllers
    return await entrance.spool.append(
        kind=Kind.DECISION,
        day=utc_day(seen.at),
        plaintext=encode(record),
        pictures=pictures,
        releases_at=seen.at if opens else None,
    )


def _picture_may_be_kept(request: Request) -> bool:
    """A face that matches nobody is not stored, not even as a picture of evidence."""
    presented = request.presented
    return not isinstance(presented, FacePresented) or isinstance(presented.result, Match)


def _sealed_picture(policy: Policy, jpeg: bytes) -> tuple[PictureRef, tuple[SealedPicture, ...]]:
    name = os.urandom(16).hex()
    reference = PictureRef(name=name, key=os.urandom(32))
    sealed = seal(picture_key(reference), jpeg, picture_context(policy.tenant, name))
    return reference, (SealedPicture(name=name, sealed=sealed),)


def picture_key(reference: PictureRef) -> Key:
    """The key of one picture: its secret is in the record, its id the first half of the random name."""
    return Key(id=bytes.fromhex(reference.name)[:8], secret=reference.key)


def picture_context(tenant: int, name: str) -> Context:
    """Where a sealed picture belongs: to its own name."""
    return Context(tenant=tenant, table="picture", column="jpeg", row=bytes.fromhex(name))


def _decision_record(
    policy: Policy, request: Request, decision: Decision, at: datetime, picture: PictureRef | None
) -> DecisionRecord:
    access_point = policy.access_point(request.access_point)
    kind, plate, score = _presented(request)
    return DecisionRecord(
        at=at,
        access_point=request.access_point,
        door=access_point.door if access_point is not None else DoorId(request.access_point),
        reader=request.reader,
        direction_out=access_point is not None and access_point.leads_out,
        credential_kind=kind,
        subject=decision.holder.subject if decision.holder is not None else None,
        subject_kind=decision.holder.kind if decision.holder is not None else None,
        plate=plate,
        granted=isinstance(decision, Granted),
        reason=decision.reason.value,
        score=score,
        policy=decision.policy,
        picture=picture,
    )


def _presented(request: Request) -> tuple[CredentialKind, str | None, float | None]:
    """The kind presented, the plate if it is one, and the score of somebody known."""
    match request.presented:
        case FacePresented(result=Match(score=score)):
            return CredentialKind.FACE, None, score
        case FacePresented():
            return CredentialKind.FACE, None, None
        case PlatePresented(text=text, score=score):
            return CredentialKind.PLATE, normalise(text) or None, score
        case CodePresented(kind=kind):
            return kind, None, None
        case PinPresented():
            return CredentialKind.PIN, None, None
