"""What may not enter the archive and must not be lost: kept aside, sealed under the day it came in on.

`records.store.append` puts records here that contradict a stored one; those that state an impossible day are
put here by whoever receives them. No partition is made for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from postern.ids import AgentId, SiteId
from postern.postgres.pool import Transaction
from postern.records.model import RecordKey, SealedRecord
from postern.records.store import find

# Whatever the day it was sent on before: the same entry is kept once.
_KEEP = """
INSERT INTO record_quarantine (site_id, day, agent_id, seq, digest, kind, tag, sealed)
SELECT %(site)s, %(day)s, %(agent)s, %(seq)s, %(digest)s, %(kind)s, %(tag)s, %(sealed)s
WHERE NOT EXISTS (
    SELECT FROM record_quarantine WHERE site_id = %(site)s AND agent_id = %(agent)s AND seq = %(seq)s
        AND digest = %(digest)s)
ON CONFLICT DO NOTHING"""

# The last day, by which the wall looks for an agent's records, stays what the archive made it.
_NOTE = """
INSERT INTO record_progress (site_id, agent_id, highest_seq, last_day) VALUES (%s, %s, %s, %s)
ON CONFLICT (site_id, agent_id) DO UPDATE SET
    highest_seq = greatest(record_progress.highest_seq, excluded.highest_seq)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAside:
    """How many records of one agent came in on `day` and were kept aside."""

    day: date
    agent: AgentId
    count: int


async def kept_aside(tx: Transaction, site: SiteId) -> list[KeptAside]:
    """What is in the site's quarantine, the latest day first. Nothing is opened."""
    cursor = await tx.execute(
        "SELECT day, agent_id, count(*) FROM record_quarantine WHERE site_id = %s"
        " GROUP BY day, agent_id ORDER BY day DESC, agent_id LIMIT 100",
        (site,),
    )
    return [
        KeptAside(day=day, agent=AgentId(agent), count=int(count))
        for day, agent, count in await cursor.fetchall()
    ]


async def keep_aside(tx: Transaction, records: Sequence[SealedRecord]) -> None:
    """Keep each of these once, however often it is sent."""
    for one in records:
        await tx.execute(
            _KEEP,
            {
                "site": one.site,
                "day": one.day,
                "agent": one.agent,
                "seq": one.seq,
                "digest": one.digest,
                "kind": int(one.kind),
                "tag": one.tag,
                "sealed": one.sealed,
            },
        )


async def archived_already(tx: Transaction, entries: Iterable[tuple[RecordKey, bytes]]) -> frozenset[int]:
    """The seqs of those (key, digest) that the archive took when their day was still possible."""
    found = [(key.seq, await find(tx, key), digest) for key, digest in entries]
    return frozenset(seq for seq, record, digest in found if record is not None and record.digest == digest)


async def note_seqs(tx: Transaction, site: SiteId, agent: AgentId, seqs: Iterable[int], day: date) -> None:
    """The agent has used these numbers, though the archive holds nothing under them.

    Without it, the hub would ask for them at every greeting.
    """
    highest = max(seqs, default=0)
    if highest:
        await tx.execute(_NOTE, (site, agent, highest, day))
