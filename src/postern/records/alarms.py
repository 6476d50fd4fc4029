"""What an operator must look at: stored without subject or time of day, told in words by the console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from uuid import UUID

from postern.ids import AgentId, SiteId, new_id
from postern.postgres.pool import Transaction


class AlarmKind(IntEnum):
    """Why. Stored in clear; a number is never reused."""

    RECORD_CONTRADICTED = 1
    """An agent sent a second, different record under a key that is taken."""
    AGENT_ROLLED_BACK = 2
    """An agent came back with an older spool than the hub has seen of it."""
    JOURNAL_TAMPERED = 3
    """The journal is not what was signed: found by the hub itself, or by the agent named, as a witness."""
    RECORD_OUT_OF_TIME = 4
    """An agent sent records of days that cannot be; they are in the quarantine."""
    RECORD_UNREADABLE = 5
    """An agent sent records that nobody can read; the agent keeps them."""
    ARCHIVE_TAMPERED = 6
    """Records of that day and agent are not what was stored: they do not open where they lie."""
    KEYSTORE_RESTORED = 7
    """An older keystore was put back; keys that were destroyed since were destroyed again."""
    EXPOSED = 8
    """Something of this installation stands open to others: found by the hub, or by the agent named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """One alarm; `sealed` is detail under the site's key of the day, where there is any."""

    site: SiteId
    id: UUID
    kind: AlarmKind
    day: date
    agent: AgentId | None
    sealed: bytes | None


async def put_alarm(
    tx: Transaction,
    site: SiteId,
    kind: AlarmKind,
    *,
    day: date,
    agent: AgentId | None = None,
    sealed: bytes | None = None,
) -> UUID:
    """Raise an alarm; its id."""
    identifier = new_id()
    await tx.execute(
        "INSERT INTO alarm (site_id, id, kind, day, agent_id, sealed) VALUES (%s, %s, %s, %s, %s, %s)",
        (site, identifier, int(kind), day, agent, sealed),
    )
    return identifier


async def put_alarm_of_day(
    tx: Transaction, site: SiteId, kind: AlarmKind, *, day: date, agent: AgentId | None = None
) -> bool:
    """Raise an alarm unless the site has this one of that day; whether it was raised."""
    known = await alarms(tx, site, since=day, limit=1000)
    if any((one.kind, one.agent, one.day) == (kind, agent, day) for one in known):
        return False
    await put_alarm(tx, site, kind, day=day, agent=agent)
    return True


async def alarms(tx: Transaction, site: SiteId, *, since: date, limit: int = 100) -> list[Alarm]:
    """The site's alarms from the day `since` on, newest day first."""
    cursor = await tx.execute(
        "SELECT id, kind, day, agent_id, sealed FROM alarm WHERE site_id = %s AND day >= %s"
        " ORDER BY day DESC, id LIMIT %s",
        (site, since, limit),
    )
    return [
        Alarm(
            site=site,
            id=identifier,
            kind=AlarmKind(kind),
            day=day,
            agent=AgentId(agent) if agent is not None else None,
            sealed=bytes(sealed) if sealed is not None else None,
        )
        for identifier, kind, day, agent, sealed in await cursor.fetchall()
    ]
