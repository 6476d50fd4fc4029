"""What keys there are, how old, and when they were last rotated: for the console's page and `postern keys`.

Of a person's, vehicle's or visit's keys only the number is told: the keystore holds no day beside a subject.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import LiteralString

from postern.ids import TenantId
from postern.keystore.rotation_store import NO_TENANT, Rotation, rotations
from postern.postgres.pool import Database, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyAge:
    """One kind of key: `kind` is root, tenant, index, signing, site-day or subject.

    `oldest` and `newest` are the days on which they were made, of site-day keys the days that they are for.
    `rotated` is when the last rotation ended; `under_way`: one has begun and not ended. `holder`: what holds
    the root key, where known. `due`: when it should be rotated next; None for what is never rotated.
    """

    kind: str
    count: int
    version: int | None = None
    oldest: date | None = None
    newest: date | None = None
    rotated: date | None = None
    under_way: bool = False
    holder: str | None = None
    due: date | None = None


ROTATED_EVERY = {
    "root": timedelta(days=730),
    "tenant": timedelta(days=365),
    "index": timedelta(days=365),
}
"""How long a key should serve at most. Signing keys stay, because what they signed must remain provable; keys
of people and of days are not rotated but destroyed."""


_COUNTS: tuple[tuple[str, LiteralString], ...] = (
    (
        "tenant",
        "SELECT count(*), max(version), min(made), max(made) FROM tenant_key WHERE tenant_id = %(tenant)s",
    ),
    (
        "index",  # version 1 is as old as the tenant's first key, whose day a rotation has taken along
        "SELECT 1, coalesce(max(version), 1), coalesce(max(made), (SELECT min(made) FROM tenant_key"
        " WHERE tenant_id = %(tenant)s)), max(made) FROM derivation_key WHERE tenant_id = %(tenant)s",
    ),
    (
        "signing",
        "SELECT count(*), NULL, min(made), max(made) FROM signing_key WHERE tenant_id = %(tenant)s",
    ),
    (
        "site-day",
        "SELECT count(*), NULL, min(day), max(day) FROM site_day_key JOIN site USING (site_id)"
        " WHERE tenant_id = %(tenant)s",
    ),
    (
        "subject",
        "SELECT count(*), NULL, NULL, NULL FROM subject_key WHERE tenant_id = %(tenant)s",
    ),
)


async def key_ages(database: Database, tenant: TenantId) -> list[KeyAge]:
    """The root key, then the tenant's keys by kind."""
    async with database.transaction() as tx:
        last = {one.kind.value: one for one in await rotations(tx) if one.tenant in (NO_TENANT, tenant)}
        found = [await _root(tx)]
        for kind, query in _COUNTS:
            cursor = await tx.execute(query, {"tenant": tenant})
            row = await cursor.fetchone()
            count, version, oldest, newest = row if row is not None else (0, None, None, None)
            found.append(
                KeyAge(kind=kind, count=count, version=version, oldest=oldest, newest=newest or oldest)
            )
    return [_with_rotation(one, last.get(one.kind)) for one in found]


def _with_rotation(age: KeyAge, last: Rotation | None) -> KeyAge:
    if last is not None:
        age = replace(age, rotated=last.ended, under_way=last.ended is None)
    since, every = age.rotated or age.newest, ROTATED_EVERY.get(age.kind)
    return replace(age, due=since + every) if since is not None and every is not None else age


async def _root(tx: Transaction) -> KeyAge:
    cursor = await tx.execute("SELECT since, provider FROM root_key")
    row = await cursor.fetchone()
    since, holder = row if row is not None else (None, None)
    return KeyAge(kind="root", count=int(row is not None), oldest=since, newest=since, holder=holder)
