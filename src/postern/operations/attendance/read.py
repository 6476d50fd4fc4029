"""Records of a site as entries of its people's months.

A passage at an attendance point is a punch of whoever the decision before it was about, at the decision's
time. The decision may lie in an earlier batch: then it is looked up in the archive, so that nothing needs to
be kept in memory between two runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from postern.access.model import CredentialKind, SubjectKind
from postern.attendance import store
from postern.attendance.books import Approval, Decided, Entry
from postern.attendance.model import (
    Correction,
    CorrectionDeed,
    CorrectionState,
    Direction,
    Punch,
    PunchSource,
)
from postern.attendance.settings import AttendanceSettings
from postern.ids import AccessPointId, AgentId, PersonId, SiteId, TenantId
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.attendance.anchors import LATE, before_late_ones, floors
from postern.operations.attendance.rows import naming
from postern.operations.privacy.jurisdiction import hours_by_face
from postern.operations.services import Services
from postern.parking import store as recorders
from postern.parking.naming import Naming
from postern.postgres.pool import Transaction
from postern.records.model import (
    AttendanceDeed,
    AttendanceRecord,
    DecisionRecord,
    Outcome,
    PassageRecord,
    RecordKey,
)
from postern.records.store import COLUMNS, record_of

_DAY = timedelta(days=1)
_Seen = tuple[AgentId, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An entry, and in whose book it belongs."""

    person: PersonId
    entry: Entry


async def joined(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    settings: AttendanceSettings,
    records: Sequence[OpenedRecord],
) -> list[Told]:
    """What these records say of people's hours. What is whose that was erased says nothing any more."""
    if not records:
        return []
    site = settings.site
    recorder = await recorders.recorder(tx, site)
    points = {one.access_point: one.direction for one in await store.points(tx, site)}
    # The jurisdiction may have been chosen after the site's settings were.
    faces = settings.faces and await hours_by_face(services, tx, tenant, site)
    settings = replace(settings, faces=faces)
    names = await naming(services, tenant)
    told = told_before(records)
    decisions = {(one.key.agent, one.key.seq): one for one in records if _is_decision(one)}
    passages = [one for one in records if isinstance(one.happening, PassageRecord)] if points else []
    decisions |= await _looked_up(services, tx, tenant, site, _without(passages, decisions))
    every = list(decisions.values())
    earliest = (
        floors([*await before_late_ones(services, tx, tenant, site, every), *every]) if passages else {}
    )
    found: list[Told] = []
    for one in passages:
        decided = decisions.get(_of(one))
        punch = _punch(names, settings, points, decided, one) if decided is not None else None
        if punch is not None and decided is not None:
            found.append(_with_arrival(punch, decided, told.get(decided.key), earliest.get(decided.key)))
    for one in records:
        if recorder is not None and one.key.agent == recorder[0]:
            stated = _stated(names, site, one)
            found += [stated] if stated is not None else []
    return found


def told_before(records: Sequence[OpenedRecord]) -> dict[RecordKey, datetime]:
    """The earliest moment of what each decision's agent recorded after it: the decision was not later.

    An agent numbers what it records in the order in which it happened, so that a clock that was ahead shows
    once it is put right, however late the records come.
    """
    found: dict[RecordKey, datetime] = {}
    later: dict[AgentId, datetime] = {}
    for one in sorted(records, key=lambda one: one.key.seq, reverse=True):
        happening = one.happening
        if happening is None:
            continue
        told = later.get(one.key.agent, happening.at)
        if isinstance(happening, DecisionRecord):
            found[one.key] = told
        later[one.key.agent] = min(told, happening.at)
    return found


def _arrival(decision: DecisionRecord, told: datetime | None, earliest: datetime | None) -> datetime | None:
    """The time of arrival, where it says something about the clock of the agent.

    What an agent kept while its line was down arrives late by no fault of its clock: the hub hears no agent
    whose clock is wrong by more than minutes when it hands something in (`wire.TIME_WINDOW`).
    """
    if told is not None and told < decision.at:
        return told
    if earliest is not None:
        return earliest
    arrived = decision.received_at
    return arrived if arrived is not None and arrived <= decision.at + LATE else None


def _with_arrival(
    punch: Told, decided: OpenedRecord, told: datetime | None, earliest: datetime | None
) -> Told:
    if not isinstance(punch.entry, Punch) or not isinstance(decided.happening, DecisionRecord):
        return punch
    arrival = _arrival(decided.happening, told, earliest)
    return replace(punch, entry=replace(punch.entry, received_at=arrival))


def _is_decision(one: OpenedRecord) -> bool:
    return isinstance(one.happening, DecisionRecord)


def _of(passage: OpenedRecord) -> _Seen:
    """Which decision the passage followed."""
    happening = passage.happening
    return passage.key.agent, happening.decision_seq if isinstance(happening, PassageRecord) else 0


def _without(passages: Sequence[OpenedRecord], decisions: dict[_Seen, OpenedRecord]) -> list[OpenedRecord]:
    return [one for one in passages if _of(one) not in decisions]


async def _looked_up(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, lone: Sequence[OpenedRecord]
) -> dict[_Seen, OpenedRecord]:
    """The decisions of passages that came in an earlier batch."""
    if not lone:
        return {}
    days = {one.key.day + n * _DAY for one in lone for n in (-1, 0, 1)}
    agents, seqs = zip(*(_of(one) for one in lone), strict=True)
    rows = await tx.execute(
        f"SELECT {COLUMNS} FROM record WHERE site_id = %s AND day = ANY(%s)"  # noqa: S608 - ours
        " AND (agent_id, seq) IN (SELECT * FROM unnest(%s::int[], %s::bigint[]))",
        (site, sorted(days), list(agents), list(seqs)),
    )
    sealed = [record_of(row) for row in await rows.fetchall()]
    read = await opened(services, tx, tenant, sealed)
    return {(one.key.agent, one.key.seq): one for one in read if _is_decision(one)}


def _punch(
    names: Naming,
    settings: AttendanceSettings,
    points: dict[AccessPointId, Direction],
    decided: OpenedRecord,
    passed: OpenedRecord,
) -> Told | None:
    """The punch that a passage is, if it is one."""
    decision, passage = decided.happening, passed.happening
    if not isinstance(decision, DecisionRecord) or not isinstance(passage, PassageRecord):
        return None
    direction = points.get(decision.access_point)
    if direction is None or not decision.granted or passage.outcome is Outcome.NOT_TAKEN:
        return None
    if decision.subject is None or decision.subject_kind != SubjectKind.PERSON:
        return None
    if decision.credential_kind == CredentialKind.FACE and not settings.faces:
        return None
    punch = Punch(
        id=punch_id(names, decided.key),
        at=decision.at,
        direction=direction,
        source=PunchSource(decision.credential_kind),
        site=settings.site,
        point=decision.access_point,
        device_at=decision.at,
    )
    return Told(person=PersonId(decision.subject), entry=punch)


def punch_id(names: Naming, record: RecordKey) -> UUID:
    """The id of the punch that follows from this record."""
    return names.of(record, "punch")


def _stated(names: Naming, site: SiteId, one: OpenedRecord) -> Told | None:
    """What the hub recorded of somebody's hours."""
    record = one.happening
    if not isinstance(record, AttendanceRecord) or record.person is None:
        return None
    entry: Entry | None = None
    match record.deed:
        case AttendanceDeed.PUNCHED:
            entry = _punched(names, site, one.key, record)
        case AttendanceDeed.ASKED:
            entry = _asked(record)
        case AttendanceDeed.APPROVED | AttendanceDeed.REFUSED if record.correction and record.day:
            approved = record.deed is AttendanceDeed.APPROVED
            entry = Decided(
                correction=record.correction,
                day=record.day,
                state=CorrectionState.APPROVED if approved else CorrectionState.REFUSED,
                by=record.by,
                at=record.at,
            )
        case AttendanceDeed.MONTH_APPROVED if record.concerns and record.day:
            entry = Approval(month=record.day, hours=record.concerns, by=record.by, at=record.at)
    return Told(person=PersonId(record.person), entry=entry) if entry is not None else None


def _punched(names: Naming, site: SiteId, key: RecordKey, record: AttendanceRecord) -> Punch:
    return Punch(
        id=punch_id(names, key),
        at=record.moment or record.at,
        direction=Direction(record.direction or Direction.EITHER),
        source=PunchSource(record.source or PunchSource.PHONE),
        site=site,
    )


def _asked(record: AttendanceRecord) -> Correction | None:
    if record.correction is None or record.day is None or record.person is None or record.change is None:
        return None
    return Correction(
        id=record.correction,
        person=PersonId(record.person),
        day=record.day,
        deed=CorrectionDeed(record.change),
        reason=record.reason,
        by=record.by or record.person,
        asked_at=record.at,
        punch=record.concerns,
        at=record.moment,
        direction=Direction(record.direction) if record.direction else None,
    )
