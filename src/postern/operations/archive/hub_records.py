"""What the hub itself records at a site: corrections and payments, in the archive beside the agents' records.

The hub has a number of its own at each site, new like an agent's. Its records are written in the transaction
of what they tell of, so that neither is there without the other; the row with its last seq is their lock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from postern.clock import utc_day
from postern.ids import AgentId, SiteId, TenantId
from postern.operations.archive.arrivals import wall_channel
from postern.operations.services import Services
from postern.parking import store
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.records.model import (
    AttendanceRecord,
    CorrectionRecord,
    DecisionRecord,
    Happening,
    PaymentRecord,
    PresenceRecord,
    RecordKey,
    SealedRecord,
    kind_of,
    subject_of,
)
from postern.records.sealed import seal_happening
from postern.sealing.envelope import Key
from postern.sealing.keyring import Purpose
from postern.sites import agents
from postern.vehicles.plates import comparison_form

HubRecord = CorrectionRecord | PaymentRecord | PresenceRecord | AttendanceRecord


async def record(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, happenings: Sequence[HubRecord]
) -> list[RecordKey]:
    """Add them to the archive as part of `tx`; where each one lies."""
    agent, first = await _seqs(tx, site, len(happenings))
    rows = [
        await _sealed(services, tenant, RecordKey(site=site, day=utc_day(one.at), agent=agent, seq=seq), one)
        for seq, one in enumerate(happenings, first)
    ]
    await records.append(tx, site, rows)
    await services.database.notify(tx, wall_channel(site), str(agent))
    return [one.key for one in rows]


async def _seqs(tx: Transaction, site: SiteId, count: int) -> tuple[AgentId, int]:
    taken = await store.take_seqs(tx, site, count)
    while taken is None:
        await store.make_recorder(tx, site, await agents.next_agent_id(tx))
        taken = await store.take_seqs(tx, site, count)
    return taken


async def _sealed(services: Services, tenant: TenantId, key: RecordKey, happening: HubRecord) -> SealedRecord:
    subject = subject_of(happening)
    # Raises KeyDestroyed for whoever was erased: nothing more is written about them.
    movement = (
        await services.keyring.subject_key(tenant, subject, Purpose.MOVEMENT) if subject is not None else None
    )
    site_day = await services.keyring.site_day_key(key.site, key.day)
    return sealed_row(tenant, key, happening, site_day, movement)


def sealed_row(
    tenant: TenantId, key: RecordKey, happening: Happening, site_day: Key, movement: Key | None = None
) -> SealedRecord:
    """A row of the archive written at the hub and not in an agent's spool; `movement` is its subject's key.

    A plate that is nobody's, read or typed, is found by its tag of the day.
    """
    plate = happening.plate if isinstance(happening, CorrectionRecord | DecisionRecord) else None
    sealed, tag = seal_happening(
        happening,
        tenant=tenant,
        key=key,
        site_day=site_day,
        movement=movement,
        compared_plate=comparison_form(plate) if plate else None,
    )
    return SealedRecord(
        site=key.site,
        day=key.day,
        agent=key.agent,
        seq=key.seq,
        kind=kind_of(happening),
        tag=tag,
        # Of the sealed bytes: a digest of what they say could be guessed at.
        digest=hashlib.sha256(sealed).digest(),
        sealed=sealed,
    )
