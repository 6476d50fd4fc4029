"""New records of a site as happenings of its garage: read past the cursors, opened, and put together.

A decision at a lane becomes a happening with its passage, which may arrive in a later batch, or from the
archive after a restart. The order in which records arrive changes nothing: a happening has the time of its
decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from postern.access.model import CredentialKind, SubjectKind
from postern.access.reasons import Reason
from postern.ids import AgentId, SiteId
from postern.money import Money
from postern.operations.archive.arrivals import FARTHEST_AHEAD, FARTHEST_BACK
from postern.operations.archive.opening import OpenedRecord
from postern.operations.parking.erase import Link
from postern.parking.cases import Resolution
from postern.parking.happenings import (
    AskedForHelp,
    CameLate,
    Corrected,
    Entered,
    GarageHappening,
    Left,
    LetThrough,
    Paid,
    Refunded,
    Stood,
    TurnedBack,
    Validated,
)
from postern.parking.rules import Rules
from postern.parking.session import NOBODY, Who
from postern.postgres.pool import Transaction
from postern.records.cursor import Cursor
from postern.records.model import (
    CommandRecord,
    CorrectionRecord,
    DecisionRecord,
    Deed,
    Outcome,
    PassageRecord,
    PaymentRecord,
    RecordKey,
    SealedRecord,
)
from postern.records.store import COLUMNS, record_of
from postern.vehicles.plates import normalise

BATCH = 2000
"""Records of one agent in one transaction."""
MOST_MISSING = 256
BY_HAND = "by-hand"
"""The provider of what an operator takes in cash or by invoice."""
_DAY = timedelta(days=1)
_STANDS = (Reason.NOT_PAID, Reason.AWAITING_ANSWER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """New records. `full`: agents that have more of them."""

    records: tuple[SealedRecord, ...] = ()
    full: frozenset[AgentId] = frozenset()


def in_step(records: Sequence[OpenedRecord], full: frozenset[AgentId]) -> list[OpenedRecord]:
    """Without what is later than the last of an agent that has more: its next ones come before those.

    Of each agent it leaves a beginning, so that the cursors stay simple.
    """
    last = {
        agent: max(
            (one.happening.at for one in records if one.key.agent == agent and one.happening is not None),
            default=None,
        )
        for agent in full
    }
    known = [at for at in last.values() if at is not None]
    if not known:
        return list(records)
    kept: list[OpenedRecord] = []
    ended: set[AgentId] = set()
    for one in records:
        if one.happening is not None and one.happening.at > min(known):
            ended.add(one.key.agent)
        if one.key.agent not in ended:
            kept.append(one)
    return kept


async def arrived(tx: Transaction, site: SiteId, cursors: Mapping[AgentId, Cursor], today: date) -> Arrived:
    """The next records of every agent that the books have not taken in, in the order of their numbers."""
    rows = await tx.execute(
        "SELECT agent_id, highest_seq FROM record_progress WHERE site_id = %s ORDER BY agent_id", (site,)
    )
    days = [today + n * _DAY for n in range(-(FARTHEST_BACK // _DAY) - 1, FARTHEST_AHEAD // _DAY + 2)]
    found: list[SealedRecord] = []
    full: list[AgentId] = []
    for agent, highest in await rows.fetchall():
        cursor = cursors.get(AgentId(agent), Cursor(agent=AgentId(agent)))
        if highest <= cursor.upto and not cursor.missing:
            continue
        records = await _after(tx, site, cursor, days)
        if records:
            found += records
            full += [cursor.agent] if len(records) == BATCH else []
    return Arrived(records=tuple(found), full=frozenset(full))


async def nothing_new(tx: Transaction, site: SiteId, cursors: Mapping[AgentId, Cursor]) -> bool:
    """Whether the books have come to these cursors, and every agent's records no further."""
    rows = await tx.execute(
        "SELECT agent_id, coalesce(p.highest_seq, 0), c.upto, coalesce(cardinality(c.missing), 0)"
        " FROM (SELECT * FROM record_progress WHERE site_id = %s) p"
        " FULL JOIN (SELECT * FROM parking_cursor WHERE site_id = %s) c USING (agent_id)",
        (site, site),
    )
    found = await rows.fetchall()
    known = {AgentId(agent): upto for agent, _, upto, _ in found if upto is not None}
    return known == {agent: one.upto for agent, one in cursors.items()} and all(
        highest <= (upto or 0) and not missing for _, highest, upto, missing in found
    )


async def _after(tx: Transaction, site: SiteId, cursor: Cursor, days: Sequence[date]) -> list[SealedRecord]:
    # The days as a list: the key begins with them, and so each is one look into the index.
    rows = await tx.execute(
        f"SELECT {COLUMNS} FROM record WHERE site_id = %s AND day = ANY(%s) AND agent_id = %s"  # noqa: S608
        " AND (seq > %s OR seq = ANY(%s)) ORDER BY seq LIMIT %s",
        (site, list(days), cursor.agent, cursor.upto, list(cursor.missing), BATCH),
    )
    return [record_of(row) for row in await rows.fetchall()]


def moved(cursor: Cursor, seqs: Sequence[int]) -> Cursor:
    """The cursor after these. Numbers that were passed over may still come, when an agent sends once more."""
    taken = set(seqs)
    missing = [one for one in cursor.missing if one not in taken]
    before = cursor.upto
    for seq in sorted(one for one in taken if one > cursor.upto):
        missing += range(max(before + 1, seq - MOST_MISSING), seq)
        before = seq
    return replace(cursor, upto=before, missing=tuple(missing[-MOST_MISSING:]))


async def of_days(
    tx: Transaction, site: SiteId, cursors: Mapping[AgentId, Cursor], *, since: date, until: date
) -> list[SealedRecord]:
    """Everything of these days that the books have taken in already."""
    found: list[SealedRecord] = []
    day = since
    while day <= until:
        rows = await tx.execute(
            f"SELECT {COLUMNS} FROM record WHERE site_id = %s AND day = %s",  # noqa: S608 - ours
            (site, day),
        )
        records = [record_of(row) for row in await rows.fetchall()]
        found += [one for one in records if _is_taken(one, cursors)]
        day += _DAY
    return found


def _is_taken(record: SealedRecord, cursors: Mapping[AgentId, Cursor]) -> bool:
    cursor = cursors.get(record.agent)
    return cursor is not None and record.seq <= cursor.upto and record.seq not in cursor.missing


@dataclass(kw_only=True)
class Joining:
    """Puts records together to happenings. `waiting` decisions have no passage yet."""

    rules: Rules
    recorder: AgentId | None = None
    waiting: dict[tuple[AgentId, int], OpenedRecord] = field(default_factory=dict)
    links: dict[RecordKey, Link] = field(default_factory=dict)
    """Sessions by the records of their entry and exit, where those do not tell any more whose they were."""

    def joined(self, records: Sequence[OpenedRecord]) -> tuple[list[GarageHappening], list[OpenedRecord]]:
        """The happenings, and passages whose decision is not at hand."""
        for one in records:
            if self._waits(one):
                self.waiting[one.key.agent, one.key.seq] = one
        made: list[GarageHappening] = []
        lone: list[OpenedRecord] = []
        for one in records:
            happening = one.happening
            if isinstance(happening, PassageRecord):
                decision = self.waiting.pop((one.key.agent, happening.decision_seq), None)
                if decision is None:
                    lone.append(one)
                else:
                    made += self.passed(decision, happening)
            elif isinstance(happening, DecisionRecord):
                made += self._standing(one, happening)
            elif isinstance(happening, CorrectionRecord | PaymentRecord) and one.key.agent == self.recorder:
                made += of_the_hub(one.key, happening)
        return made, lone

    def _waits(self, one: OpenedRecord) -> bool:
        match one.happening:
            case DecisionRecord(granted=True, access_point=lane):
                return lane in self.rules.lanes
            case CommandRecord(done=True, door=door):
                return bool(self.rules.lanes_of(door))
            case _:
                return False

    def passed(self, one: OpenedRecord, passage: PassageRecord) -> list[GarageHappening]:
        """What a decision or a command became by its passage."""
        taken = passage.outcome is not Outcome.NOT_TAKEN
        match one.happening:
            case CommandRecord(at=at, door=door) if taken:
                return [LetThrough(key=one.key, at=at, lanes=self.rules.lanes_of(door))]
            case DecisionRecord() as decision if decision.access_point in self.rules.lanes:
                return [self._drove(one, decision, passage, taken=taken)]
            case _:
                return []

    def _drove(
        self, one: OpenedRecord, decision: DecisionRecord, passage: PassageRecord, *, taken: bool
    ) -> GarageHappening:
        known = self.links.get(one.key)
        erased = one.withheld or known is not None
        lane, who = decision.access_point, NOBODY if erased else self.who(decision)
        way_out = self.rules.lanes[lane].way_out
        if not taken:
            return TurnedBack(key=one.key, at=decision.at, lane=lane, way_out=way_out, who=who)
        if not way_out:
            return Entered(
                key=one.key,
                at=decision.at,
                lane=lane,
                who=who,
                opening=passage.at,
                erased=erased,
                permit=known.permit if known is not None else None,
                near_a_permit=known is not None and known.near_a_permit,
            )
        return Left(
            key=one.key,
            at=decision.at,
            lane=lane,
            who=who,
            opening=passage.at,
            session=known.session if known is not None else None,
            erased=erased,
        )

    def _standing(self, one: OpenedRecord, decision: DecisionRecord) -> list[GarageHappening]:
        lane = self.rules.lanes.get(decision.access_point)
        if lane is None or decision.granted or decision.reason not in _STANDS:
            return []
        return [
            Stood(
                key=one.key,
                at=decision.at,
                lane=decision.access_point,
                way_out=lane.way_out,
                who=self.who(decision),
                waiting=decision.reason == Reason.AWAITING_ANSWER,
            )
        ]

    def who(self, decision: DecisionRecord) -> Who:
        """What was seen at the lane."""
        if decision.credential_kind != CredentialKind.PLATE:
            return Who(picture=decision.picture)
        plate, score = normalise(decision.plate or ""), decision.score or 0.0
        least = self.rules.lanes[decision.access_point].least_score
        return Who(
            plate=plate,
            score=score,
            sure=bool(plate) and score >= least,
            vehicle=decision.subject if decision.subject_kind == SubjectKind.VEHICLE else None,
            picture=decision.picture,
        )


def of_the_hub(key: RecordKey, record: CorrectionRecord | PaymentRecord) -> list[GarageHappening]:
    """What the hub recorded itself."""
    if isinstance(record, PaymentRecord):
        return [_money(key, record)]
    match record.deed:
        case Deed.RESOLVED if record.resolution is not None:
            who = Who(plate=record.plate, score=1.0, sure=True, stated=True) if record.plate else Who()
            return [
                Corrected(
                    key=key,
                    at=record.at,
                    resolution=Resolution(record.resolution),
                    operator=record.operator,
                    reason=record.reason,
                    case=record.case,
                    session=record.session,
                    who=who,
                )
            ]
        case Deed.VALIDATED if record.session is not None and record.validation is not None:
            return [Validated(key=key, at=record.at, session=record.session, validation=record.validation)]
        case Deed.HELP:
            return [AskedForHelp(key=key, at=record.at, lane=record.access_point, session=record.session)]
        case Deed.CAME_LATE if record.access_point is not None:
            who = Who(plate=record.plate or "")
            late = CameLate(key=key, at=record.at, lane=record.access_point, way_out=False, who=who)
            return [late]
        case _:
            return []


def _money(key: RecordKey, record: PaymentRecord) -> GarageHappening:
    amount = Money(record.amount, record.currency)
    if record.deed in (Deed.REFUNDED, Deed.REFUND_FAILED):
        return Refunded(
            key=key,
            at=record.at,
            session=record.session,
            amount=amount,
            reference=record.reference,
            by_hand=record.provider == BY_HAND,
            done=record.deed is Deed.REFUNDED,
        )
    return Paid(
        key=key,
        at=record.at,
        session=record.session,
        amount=amount,
        reference=record.reference,
        quoted_at=record.quoted_at,
        by_hand=record.provider == BY_HAND,
        doubtful=record.deed is Deed.PAID_IN_DOUBT,
    )
