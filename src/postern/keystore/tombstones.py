"""Tombstones: the ids of destroyed keys, by which a restored keystore destroys them again before it serves.

They are kept outside the keystore's backups: in a file beside the databases, and by every agent. An id tells
nothing of whose key it was. Whoever holds one also holds its proof, a keyed hash that only this hub can make,
so that nobody can have keys destroyed by naming them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from postern.errors import BadInput, StorageFull
from postern.ids import TenantId
from postern.postgres.pool import Database, Transaction

_KEY_ID_BYTES = 8
_PROOF_BYTES = 32

_DESTROY = """
WITH gone AS (
    DELETE FROM {table} AS k WHERE key_id = ANY(%(keys)s) AND {own}
    RETURNING key_id, (SELECT relname::text FROM pg_class WHERE oid = k.tableoid) AS part)
INSERT INTO tombstone AS t (tenant_id, key_id, part) SELECT %(tenant)s, key_id, part FROM gone
ON CONFLICT (tenant_id, key_id) DO UPDATE
    SET part = excluded.part, xid = pg_current_xact_id()::xid, swept = false
RETURNING key_id"""

_TABLES = (
    _DESTROY.format(table="subject_key", own="tenant_id = %(tenant)s"),
    _DESTROY.format(
        table="site_day_key", own="site_id IN (SELECT site_id FROM site WHERE tenant_id = %(tenant)s)"
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """One destroyed key's id, whose it was, and the proof that this hub said so."""

    tenant: TenantId
    key: bytes
    proof: bytes

    def __post_init__(self) -> None:
        if len(self.key) != _KEY_ID_BYTES or len(self.proof) != _PROOF_BYTES:
            raise BadInput(f"a tombstone has a key id of {_KEY_ID_BYTES} bytes and a proof of {_PROOF_BYTES}")

    @property
    def line(self) -> str:
        """As it stands in a file."""
        return f"{self.tenant} {self.key.hex()} {self.proof.hex()}\n"

    @classmethod
    def parse(cls, line: str) -> Tombstone:
        """Raises BadInput unless `line` is one."""
        try:
            tenant, key, proof = line.split()
            return cls(tenant=TenantId(int(tenant)), key=bytes.fromhex(key), proof=bytes.fromhex(proof))
        except ValueError:
            raise BadInput("a line of the tombstones cannot be read; restore that file from a copy") from None


async def apply(tx: Transaction, tenant: TenantId, keys: Collection[bytes]) -> tuple[bytes, ...]:
    """Destroy those of `keys` that are here (again) and remember all; the ids that were. Then `sweep`."""
    destroyed: list[bytes] = []
    values = {"tenant": tenant, "keys": list(keys)}
    for statement in _TABLES:
        cursor = await tx.execute(statement, values)
        destroyed += [bytes(key) for (key,) in await cursor.fetchall()]
    await tx.execute(
        "INSERT INTO tombstone (tenant_id, key_id, part, swept)"
        " SELECT %(tenant)s, key, '', true FROM unnest(%(keys)s::bytea[]) AS key ON CONFLICT DO NOTHING",
        values,
    )
    return tuple(destroyed)


async def listed(database: Database, tenant: TenantId) -> set[bytes]:
    """The ids of all keys of the tenant that were destroyed, as this keystore knows them."""
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT key_id FROM tombstone WHERE tenant_id = %s", (tenant,))
        return {bytes(key) for (key,) in await cursor.fetchall()}


class TombstoneFile:
    """The copy beside the databases: one line each, only ever appended to.

    Never restore it together with the keystore: it is what such a restore is corrected by.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Tombstone]:
        """Every tombstone; none before the first. A line that a power cut left unfinished is left out."""
        try:
            whole = self._path.read_text("ascii")
        except FileNotFoundError:
            return []
        return [Tombstone.parse(line) for line in whole.split("\n")[:-1] if line]

    def append(self, made: Iterable[Tombstone]) -> None:
        """Durable on return. Raises StorageFull when the disk takes no more."""
        lines = "".join(one.line for one in made).encode("ascii")
        if not lines:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                _finish_line(descriptor)
                os.write(descriptor, lines)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _sync(self._path.parent)
        except OSError as fault:
            raise StorageFull(
                f"{self._path} cannot be written ({fault.strerror}); free some space or mend the disk"
            ) from fault


def _finish_line(descriptor: int) -> None:
    """Cut off what a power cut left of a line: the keystore still lists that key, and writes it anew."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return
    tail = os.pread(descriptor, 256, max(0, size - 256))
    if not tail.endswith(b"\n"):
        os.ftruncate(descriptor, size - (len(tail) - (tail.rfind(b"\n") + 1)))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
