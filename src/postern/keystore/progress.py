"""How far a rotation is, read from the keystore itself: whichever process runs it, and when none does."""

from __future__ import annotations

from dataclasses import dataclass

from postern.ids import TenantId
from postern.keystore.rotation_store import LOCK
from postern.postgres.pool import Database, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How many keys (or indexes) of `total` are under the new key; at the end the old rows are swept."""

    done: int
    total: int

    @property
    def sweeping(self) -> bool:
        """Whether nothing is under the old key any more."""
        return self.done == self.total


async def is_running(database: Database) -> bool:
    """Whether some process works on a rotation now."""
    async with database.transaction() as tx:
        cursor = await tx.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0"
            " AND objid = %s AND objsubid = 1"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            (LOCK,),
        )
        row = await cursor.fetchone()
        return row is not None and bool(row[0])


async def of_tenant_key(tx: Transaction, tenant: TenantId) -> Progress:
    """How many of the tenant's keys are wrapped under its newest key."""
    cursor = await tx.execute(
        "WITH held AS ("
        " SELECT wrapped FROM subject_key WHERE tenant_id = %(tenant)s"
        " UNION ALL SELECT wrapped FROM signing_key WHERE tenant_id = %(tenant)s"
        " UNION ALL SELECT wrapped FROM site_day_key JOIN site USING (site_id) WHERE tenant_id = %(tenant)s"
        "), newest AS (SELECT key_id FROM tenant_key WHERE tenant_id = %(tenant)s"
        " ORDER BY version DESC LIMIT 1)"
        " SELECT count(*) FILTER (WHERE substring(wrapped FROM 2 FOR 8) = (SELECT key_id FROM newest)),"
        " count(*) FROM held",
        {"tenant": tenant},
    )
    return _progress(await cursor.fetchone())


async def of_root_key(tx: Transaction) -> Progress:
    """How many keys are wrapped under the root key in force."""
    cursor = await tx.execute(
        "WITH held AS (SELECT wrapped FROM tenant_key UNION ALL SELECT wrapped FROM hub_key)"
        " SELECT count(*) FILTER (WHERE substring(wrapped FROM 2 FOR 8) = (SELECT id FROM root_key)),"
        " count(*) FROM held"
    )
    return _progress(await cursor.fetchone())


def _progress(row: tuple[int, int] | None) -> Progress:
    done, total = row if row is not None else (0, 0)
    return Progress(done=done, total=total)
