"""decide(): may this request pass here and now?

A request names an access point and what was presented there. The answer is a value: Granted, or Denied with
the reason of the first step that refused. Refusing is the default; the way out is the one exception.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.access.lanes import FRESH, Approach, Standing, lane_reason
from postern.access.lockdown import distances_out, refuses
from postern.access.model import Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.access.pins import NO_ATTEMPTS, PinAttempts, pin_matches
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.access.schedule import Openness, openness
from postern.biometrics.comparison import Match, NoMatch, NoMatchReason
from postern.biometrics.model import NOT_CHECKED, Pad, PadResult
from postern.ids import AccessPointId, ReaderId
from postern.sites.model import AccessPoint, LaneKind, zone_of
from postern.spans import Span

LEAST_PLATE_SCORE = 0.5
"""Below this a reading of a plate is too uncertain to open on; recognition's score is a probability."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FacePresented:
    """A face at a camera, already compared with the site's own gallery."""

    result: Match | NoMatch
    pad: Pad = NOT_CHECKED


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatePresented:
    """A plate at a camera, voted over the frames of one vehicle. Empty: there is one that cannot be read."""

    text: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CodePresented:
    """A card's number or a QR code's text."""

    kind: CredentialKind
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PinPresented:
    """What was typed at a keypad: the holder's keypad number, then the PIN."""

    keypad_number: str
    pin: str


Presented = FacePresented | PlatePresented | CodePresented | PinPresented


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Somebody presents something at an access point. `standing` is of a vehicle at a lane's barrier."""

    access_point: AccessPointId
    presented: Presented
    reader: ReaderId | None = None
    standing: Standing = FRESH

    @property
    def where(self) -> UUID:
        """Where wrong tries are counted: at the reader, or at an access point that does not say."""
        return self.reader or self.access_point


@dataclass(frozen=True, kw_only=True, slots=True)
class Granted:
    """The door opens. `holder` is None when an unknown person leaves by a way out."""

    reason: Reason
    policy: str
    holder: Holding | None = None
    credential: Credential | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied:
    """The door stays shut, for `reason`; `holder` as far as the request was resolved."""

    reason: Reason
    policy: str
    holder: Holding | None = None
    credential: Credential | None = None


Decision = Granted | Denied


def decide(request: Request, policy: Policy, at: datetime, attempts: PinAttempts = NO_ATTEMPTS) -> Decision:
    """Judge `request` by `policy` at the instant `at`, after these wrong `attempts` at PINs."""
    # 1. The access point is one of this site's.
    access_point = policy.access_point(request.access_point)
    if access_point is None:
        return Denied(reason=Reason.UNKNOWN_ACCESS_POINT, policy=policy.name)

    # 2. What was presented is resolved to its holder, as far as that goes.
    refusal, holder, credential = (
        _resolved(request.presented, policy)
        if not _comes_too_early(request, attempts, at)
        else (Reason.TOO_MANY_ATTEMPTS, None, None)
    )

    # 3. People may always leave: no rule that follows can hold a way out shut.
    if access_point.way_out:
        return Granted(reason=Reason.WAY_OUT, policy=policy.name, holder=holder, credential=credential)

    # 4. A lockdown lets nobody further in; on this holder's own way out it refuses nothing.
    if _is_locked_down(access_point, holder, policy, at):
        return Denied(reason=Reason.LOCKED_DOWN, policy=policy.name, holder=holder, credential=credential)

    # 5. A vehicle at a garage's lane: the garage is open to all, and lets out what is settled.
    if access_point.lane is not None and isinstance(request.presented, PlatePresented):
        return _decide_at_lane(request, request.presented, access_point, policy, at)

    # 6. The policy is still in force, 7. the presentation was sound, 8. the credential is live,
    # 9. and one of the holder's grants opens this access point now.
    reason = (
        _policy_refuses(policy, at)
        or refusal
        or _credential_refuses(holder, credential, at)
        or _grants_refuse(holder.grants if holder else (), access_point, policy, at)
    )
    if reason is not None:
        return Denied(reason=reason, policy=policy.name, holder=holder, credential=credential)
    return Granted(reason=Reason.GRANTED, policy=policy.name, holder=holder, credential=credential)


def _decide_at_lane(
    request: Request, plate: PlatePresented, access_point: AccessPoint, policy: Policy, at: datetime
) -> Decision:
    """By the rules of `access.lanes`. An expired policy lets nobody in; out, it keeps nobody."""
    lane = access_point.lane
    if lane is None:
        raise ValueError("only a lane is decided as one")
    # A plate that was not read surely identifies nobody: it may be anybody's.
    sure = bool(plate.text) and plate.score >= lane.least_score
    found = policy.holder_of(CredentialKind.PLATE, plate.text) if sure else None
    holder, credential = found or (None, None)
    entering = lane.kind is LaneKind.ENTRY
    reason = _policy_refuses(policy, at) if entering else None
    if reason is None:
        approach = Approach(
            score=plate.score if plate.text else 0.0,
            barred=holder is not None and holder.revoked,
            own_right=_has_own_right(holder, credential, access_point, policy, at),
        )
        reason = lane_reason(lane, approach, request.standing)
    answer = Granted if reason.grants else Denied
    return answer(reason=reason, policy=policy.name, holder=holder, credential=credential)


def _is_locked_down(access_point: AccessPoint, holder: Holding | None, policy: Policy, at: datetime) -> bool:
    if not policy.lockdowns.in_earnest:
        return False
    # The way out is measured along what this holder may open: another's shorter one is no use to them.
    grants = holder.grants if holder is not None else ()
    drives = holder is not None and holder.kind is SubjectKind.VEHICLE
    ways = [
        one
        for one in policy.access_points
        if one.way_out
        or (drives and one.leads_out)
        or (one.lane is None and _grants_refuse(grants, one, policy, at) is None)
    ]
    return refuses(policy.lockdowns, access_point, distances_out(policy.areas, ways))


def _has_own_right(
    holder: Holding | None,
    credential: Credential | None,
    access_point: AccessPoint,
    policy: Policy,
    at: datetime,
) -> bool:
    if holder is None or _policy_refuses(policy, at) is not None:
        return False
    refusal = _credential_refuses(holder, credential, at)
    return refusal is None and _grants_refuse(holder.grants, access_point, policy, at) is None


def counted(attempts: PinAttempts, request: Request, decision: Decision, at: datetime) -> PinAttempts:
    """The attempts after `decision` on `request`."""
    if not isinstance(request.presented, PinPresented):
        return attempts
    number = request.presented.keypad_number
    if decision.reason is Reason.WRONG_PIN:
        return attempts.wrong(number, request.where, at)
    return attempts.right(number) if decision.holder is not None else attempts


def _comes_too_early(request: Request, attempts: PinAttempts, at: datetime) -> bool:
    presented = request.presented
    return isinstance(presented, PinPresented) and attempts.waits(presented.keypad_number, request.where, at)


_Resolved = tuple[Reason | None, Holding | None, Credential | None]


def _resolved(presented: Presented, policy: Policy) -> _Resolved:
    """Whose credential it is, and why it cannot be trusted if it cannot."""
    match presented:
        case FacePresented():
            return _resolved_face(presented, policy)
        case PlatePresented():
            refusal = Reason.UNCERTAIN_READ if presented.score < LEAST_PLATE_SCORE else None
            return _resolved_code(CredentialKind.PLATE, presented.text, policy, refusal)
        case CodePresented():
            return _resolved_code(presented.kind, presented.value, policy, None)
        case PinPresented():
            found = policy.holder_of(CredentialKind.PIN, presented.keypad_number)
            right = pin_matches(found[1].secret if found is not None else None, presented.pin)
            return (None, *found) if found is not None and right else (Reason.WRONG_PIN, None, None)


def _resolved_face(presented: FacePresented, policy: Policy) -> _Resolved:
    if isinstance(presented.result, NoMatch):
        ambiguous = presented.result.reason is NoMatchReason.AMBIGUOUS
        return Reason.UNCERTAIN_READ if ambiguous else Reason.NO_MATCH, None, None
    found = policy.holder_of_face(presented.result.person)
    if found is None:
        return Reason.UNKNOWN_CREDENTIAL, None, None
    attack = presented.pad.result is PadResult.ATTACK
    return Reason.PAD_ATTACK if attack else None, *found


def _resolved_code(kind: CredentialKind, value: str, policy: Policy, refusal: Reason | None) -> _Resolved:
    found = policy.holder_of(kind, value)
    if found is None:
        return refusal or Reason.UNKNOWN_CREDENTIAL, None, None
    return refusal, *found


def _policy_refuses(policy: Policy, at: datetime) -> Reason | None:
    return Reason.POLICY_EXPIRED if policy.valid_until <= at else None


def _credential_refuses(holder: Holding | None, credential: Credential | None, at: datetime) -> Reason | None:
    if holder is None or credential is None:
        return Reason.UNKNOWN_CREDENTIAL
    if holder.revoked or credential.revoked:
        unconsented = credential.kind is CredentialKind.FACE and not holder.revoked
        return Reason.NO_CONSENT if unconsented else Reason.CREDENTIAL_REVOKED
    return _span_refuses(credential.valid, at)


def _span_refuses(valid: Span, at: datetime) -> Reason | None:
    if valid.contains(at):
        return None
    return Reason.EXPIRED if valid.is_before(at) else Reason.NOT_YET_VALID


def _grants_refuse(
    grants: Iterable[Grant], access_point: AccessPoint, policy: Policy, at: datetime
) -> Reason | None:
    """None as soon as one grant opens; else the refusal that came closest to opening."""
    refusals = [_grant_refuses(grant, access_point, policy, at) for grant in grants]
    if None in refusals:
        return None
    return max((one for one in refusals if one), key=_CLOSENESS.index, default=Reason.NO_ACCESS_LEVEL)


_CLOSENESS = [
    Reason.NO_ACCESS_LEVEL,
    Reason.EXPIRED,
    Reason.NOT_YET_VALID,
    Reason.OUTSIDE_SCHEDULE,
    Reason.SPECIAL_DAY,
]


def _grant_refuses(grant: Grant, access_point: AccessPoint, policy: Policy, at: datetime) -> Reason | None:
    level = policy.level(grant.level)
    if level is None or access_point.id not in level.access_points:
        return Reason.NO_ACCESS_LEVEL
    if (refusal := _span_refuses(grant.valid, at)) is not None:
        return refusal
    if level.schedule is None:
        return None
    schedule = policy.schedule(level.schedule)
    if schedule is None:
        return Reason.OUTSIDE_SCHEDULE
    return _OPENNESS_REFUSES[openness(schedule, at, zone_of(policy.site.time_zone))]


_OPENNESS_REFUSES = {
    Openness.OPEN: None,
    Openness.CLOSED: Reason.OUTSIDE_SCHEDULE,
    Openness.CLOSED_SPECIALLY: Reason.SPECIAL_DAY,
}
