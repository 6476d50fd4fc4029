"""What arrived at once shows when it was; what the same agent recorded after it was not earlier.

So an agent's clock that ran behind shows, also when it was put right before anything was handed in, and
whatever batch the records came in: its records are later by their numbers, and earlier by their time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.ids import AgentId, SiteId, TenantId
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.records.model import DecisionRecord, Kind, RecordKey
from postern.records.store import COLUMNS, record_of

LATE = timedelta(minutes=10)
"""After that a record was kept and handed in later, and did not come at once."""
FARTHEST = 500
"""Decisions of an agent before a late one, among which one that came at once is looked for."""
_DAYS = timedelta(days=40)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """A decision by its agent's clock and by the hub's."""

    key: RecordKey
    at: datetime
    received_at: datetime

    @property
    def came_at_once(self) -> bool:
        """Whether the hub's clock vouches for its time."""
        return abs(self.received_at - self.at) <= LATE


def floors(decisions: Iterable[OpenedRecord]) -> dict[RecordKey, datetime]:
    """The earliest moment that each late decision can have happened at, as far as these show it.

    What came in the same delivery vouches for nothing: there a clock that was ahead before looks the same.
    """
    found: dict[RecordKey, datetime] = {}
    anchors: dict[AgentId, _Seen] = {}
    for one in sorted(_seen(decisions), key=lambda one: one.key.seq):
        anchor = anchors.get(one.key.agent)
        if one.came_at_once:
            anchors[one.key.agent] = one
        elif anchor is not None and anchor.received_at < one.received_at and one.at < anchor.at:
            found[one.key] = anchor.at
    return found


async def before_late_ones(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, decisions: Sequence[OpenedRecord]
) -> list[OpenedRecord]:
    """What the agents decided before these, where any of these came late: from earlier deliveries."""
    first: dict[AgentId, _Seen] = {}
    for one in _seen(decisions):
        known = first.get(one.key.agent)
        if not one.came_at_once and (known is None or one.key.seq < known.key.seq):
            first[one.key.agent] = one
    found: list[OpenedRecord] = []
    for agent, late in first.items():
        today = late.received_at.date()
        rows = await tx.execute(
            f"SELECT {COLUMNS} FROM record WHERE site_id = %s AND day BETWEEN %s AND %s"  # noqa: S608 - ours
            " AND agent_id = %s AND seq < %s AND kind = %s ORDER BY seq DESC LIMIT %s",
            (site, today - _DAYS, today + timedelta(days=1), agent, late.key.seq, Kind.DECISION, FARTHEST),
        )
        sealed = [record_of(row) for row in await rows.fetchall()]
        found += await opened(services, tx, tenant, sealed)
    return found


def _seen(decisions: Iterable[OpenedRecord]) -> list[_Seen]:
    unique: Mapping[RecordKey, OpenedRecord] = {one.key: one for one in decisions}
    return [
        _Seen(key=key, at=one.happening.at, received_at=one.happening.received_at)
        for key, one in unique.items()
        if isinstance(one.happening, DecisionRecord) and one.happening.received_at is not None
    ]
