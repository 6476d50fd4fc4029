"""`postern.row_marks.RowMarks` in the keystore's database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from postern.ids import TenantId
from postern.postgres.pool import Database, Transaction, written


class PostgresRowMarks:
    """The forms of rows, beside the keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, tenant: TenantId, kind: str, forms: Mapping[UUID, bytes]) -> None:
        if not forms:
            return
        written().update((tenant, kind, id) for id in forms)
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO row_mark (tenant_id, kind, id, form)"
                " SELECT %s, %s, id, form FROM unnest(%s::uuid[], %s::bytea[]) AS noted (id, form)",
                (tenant, kind, list(forms), list(forms.values())),
            )

    async def forget(self, tenant: TenantId, kind: str, ids: Collection[UUID]) -> None:
        if not ids:
            return
        async with self._database.transaction() as tx:
            await tx.execute(
                "DELETE FROM row_mark WHERE tenant_id = %s AND kind = %s AND id = ANY(%s)",
                (tenant, kind, list(ids)),
            )

    async def standing(self, tenant: TenantId, kind: str, forms: Mapping[UUID, bytes]) -> frozenset[UUID]:
        if not forms:
            return frozenset()
        own = written()
        async with self._database.transaction() as tx:
            cursor = await tx.execute(
                "SELECT id, seq, form, seen FROM row_mark"
                " WHERE tenant_id = %s AND kind = %s AND id = ANY(%s) ORDER BY id, seq",
                (tenant, kind, list(forms)),
            )
            found: dict[UUID, int] = {}
            settled: dict[UUID, int] = {}
            older: set[UUID] = set()
            for id, seq, kept, seen in await cursor.fetchall():
                if bytes(kept) == forms[id]:
                    found[id] = seq
                    # What the caller's own transaction wrote is not committed yet: it may still go.
                    if (id in older or not seen) and (tenant, kind, id) not in own:
                        settled[id] = seq
                older.add(id)
            if settled:
                await _settle(tx, tenant, kind, settled)
        return frozenset(found)

    async def seen(self, tenant: TenantId, kind: str) -> frozenset[UUID]:
        async with self._database.transaction() as tx:
            cursor = await tx.execute(
                "SELECT DISTINCT id FROM row_mark WHERE tenant_id = %s AND kind = %s AND seen", (tenant, kind)
            )
            return frozenset(id for (id,) in await cursor.fetchall())

    async def are_kept(self) -> bool:
        async with self._database.transaction() as tx:
            cursor = await tx.execute("SELECT FROM row_marks_kept")
            return await cursor.fetchone() is not None

    async def keep(self) -> None:
        async with self._database.transaction() as tx:
            await tx.execute("INSERT INTO row_marks_kept (one) VALUES (true) ON CONFLICT DO NOTHING")

    async def forget_all(self) -> None:
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM row_marks_kept")
            await tx.execute("DELETE FROM row_mark")


async def _settle(tx: Transaction, tenant: TenantId, kind: str, seen: Mapping[UUID, int]) -> None:
    """These forms were found in their database; those before them never come back."""
    where = {"tenant": tenant, "kind": kind, "ids": list(seen), "seqs": list(seen.values())}
    await tx.execute(
        "UPDATE row_mark AS m SET seen = true FROM unnest(%(ids)s::uuid[], %(seqs)s::bigint[]) AS s (id, seq)"
        " WHERE m.tenant_id = %(tenant)s AND m.kind = %(kind)s AND m.id = s.id AND m.seq = s.seq",
        where,
    )
    await tx.execute(
        "DELETE FROM row_mark AS m USING unnest(%(ids)s::uuid[], %(seqs)s::bigint[]) AS s (id, seq)"
        " WHERE m.tenant_id = %(tenant)s AND m.kind = %(kind)s AND m.id = s.id AND m.seq < s.seq",
        where,
    )
