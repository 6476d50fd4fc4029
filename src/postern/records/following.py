"""What an agent recorded right after something: the passage that follows a decision."""

from __future__ import annotations

from datetime import timedelta

from postern.postgres.pool import Transaction
from postern.records.model import Kind, RecordKey, SealedRecord
from postern.records.store import COLUMNS, record_of

WITHIN = 500
"""Numbers after its decision within which a passage is looked for: at a busy site some minutes."""


async def passages_after(tx: Transaction, decision: RecordKey) -> list[SealedRecord]:
    """The agent's passages of that day and the next that follow the decision, its own among them if any."""
    days = [decision.day, decision.day + timedelta(days=1)]
    cursor = await tx.execute(
        f"SELECT {COLUMNS} FROM record WHERE site_id = %s AND day = ANY(%s) AND agent_id = %s"  # noqa: S608
        " AND seq > %s AND seq <= %s AND kind = %s ORDER BY seq",
        (decision.site, days, decision.agent, decision.seq, decision.seq + WITHIN, int(Kind.PASSAGE)),
    )
    return [record_of(row) for row in await cursor.fetchall()]
