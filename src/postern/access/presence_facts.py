"""What records say of who is where: at the hub, out of the archive, and at an agent, as it writes them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from postern.access.model import SubjectKind
from postern.access.presence import Call, Evidence, Fact, Load, Mark, Order, Ride, Sighting
from postern.ids import AccessPointId, AreaId
from postern.records.model import DecisionRecord, Outcome, PassageRecord, PresenceDeed, PresenceRecord
from postern.sites.model import AccessPoint, Area

_EVIDENCE = {
    Outcome.TAKEN: Evidence.PASSED,
    Outcome.HELD_OPEN: Evidence.PASSED,
    Outcome.PRESUMED: Evidence.PRESUMED,
}


def sightings(
    order: Order,
    passage: PassageRecord,
    decision: DecisionRecord,
    points: Mapping[AccessPointId, AccessPoint],
    areas: Mapping[AreaId, Area],
) -> list[Fact]:
    """Who got where by a passage: nothing when nobody passed, or nobody registered."""
    point = points.get(decision.access_point)
    evidence = _EVIDENCE.get(passage.outcome)
    if point is None or evidence is None or decision.subject is None or decision.subject_kind is None:
        return []
    area = areas.get(point.to_area)
    kind = SubjectKind(decision.subject_kind)
    return [
        Sighting(
            order=order,
            subject=decision.subject,
            kind=kind,
            area=point.to_area,
            outside=point.leads_out or (area is not None and area.outside),
            evidence=evidence,
            via=point.id,
            presented=decision.credential_kind,
            asks=point.asks_aboard if kind is SubjectKind.VEHICLE else None,
        )
    ]


def statements(order: Order, one: PresenceRecord, areas: Mapping[AreaId, Area]) -> list[Fact]:
    """What a person stated. Of whoever was erased nothing is stated any more."""
    if one.deed in (PresenceDeed.CALLED, PresenceDeed.ENDED):
        over = one.deed is PresenceDeed.ENDED
        return [Call(order=order, by=one.by, drill=one.drill, over=over, reason=one.reason)]
    if one.subject is None or one.subject_kind is None:
        return []
    kind = SubjectKind(one.subject_kind)
    if one.deed is PresenceDeed.STATED and one.area is not None:
        area = areas.get(one.area)
        return [
            Sighting(
                order=order,
                subject=one.subject,
                kind=kind,
                area=one.area,
                outside=area is None or area.outside,
                evidence=Evidence.STATED,
                by=one.by,
            )
        ]
    return _of_subject(order, one, one.subject, kind)


def _of_subject(order: Order, one: PresenceRecord, subject: UUID, kind: SubjectKind) -> list[Fact]:
    match one.deed:
        case PresenceDeed.ABOARD if kind is SubjectKind.VEHICLE:
            return [Load(order=order, subject=subject, more=one.more, by=one.by)]
        case PresenceDeed.ABOARD if one.vehicle is not None:
            return [Ride(order=order, subject=subject, vehicle=one.vehicle, by=one.by)]
        case PresenceDeed.SAFE | PresenceDeed.NOT_SAFE:
            safe = one.deed is PresenceDeed.SAFE
            return [Mark(order=order, subject=subject, by=one.by, safe=safe, place=one.place)]
        case _:
            return []
