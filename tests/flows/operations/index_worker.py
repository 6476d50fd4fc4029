"""A process that rotates index keys and is killed, by SIGKILL, at a step that the test names.

A step is the end of a transaction on either database, just before it is committed: what is left then is what
is left just after the one before. `mutant` names a fault put into the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from postern import blind_indexes
from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.ids import TenantId
from postern.keystore import rotate_index as keystore_part
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.keys import rotate_index
from postern.operations.keys.rotate_keys import rotate_index_key
from postern.operations.services import Services
from postern.postgres.isolation import RUNTIME
from postern.postgres.pool import Database, Transaction
from tests.flows.operations.drawn import NOON
from tests.store.rotation_worker import Steps

BATCH = 3


class SteppedDatabase(Database):
    """The database whose transactions are steps."""

    steps = Steps(0)

    @asynccontextmanager
    async def transaction(self, tenant: TenantId | None = None) -> AsyncIterator[Transaction]:
        async with super().transaction(tenant) as tx:
            yield tx
            self.steps.step()


def rotate(hub: str, keystore: str, folder: str, tenant: int, last: int, mutant: str | None) -> None:
    """Rotate the tenant's index keys; be killed at step `last`."""
    if mutant is not None:
        _MUTANTS[mutant]()
    asyncio.run(_rotate(hub, keystore, Path(folder), TenantId(tenant), Steps(last)))


async def _rotate(hub: str, keystore: str, folder: Path, tenant: TenantId, steps: Steps) -> None:
    runtime = make_conninfo(hub, user=RUNTIME)
    async with (
        SteppedDatabase.open(runtime, size=2) as database,
        SteppedDatabase.open(keystore, size=2) as keys,
    ):
        keyring = PostgresKeyring(keys, UnattendedKeyFile.read(folder / "unattended.key"))
        services = Services(
            database=database,
            keyring=keyring,
            pictures=PictureFolder(folder / "pictures"),
            clock=SetClock(NOON),
        )
        SteppedDatabase.steps = steps
        await rotate_index_key(services, keyring, tenant, batch=BATCH, progress=lambda _: None)


def _forgets_the_old_version() -> None:
    """Look-ups try the coming version alone, from the beginning on."""
    real = blind_indexes.begin

    async def begin(tx: Transaction, tenant: TenantId, version: int) -> None:
        await real(tx, tenant, version)
        await tx.execute("UPDATE index_version SET formers = '{}' WHERE tenant_id = %s", (tenant,))

    blind_indexes.begin = begin


def _destroys_the_old_key_first() -> None:
    """The old version is destroyed before what lies under it was moved."""
    real = rotate_index._move_all

    async def move_all(services: Services, tenant: TenantId, *rest: Any) -> int:
        assert isinstance(services.keyring, PostgresKeyring)
        await keystore_part.retire(services.keyring, tenant, below=rest[0])
        return await real(services, tenant, *rest)

    rotate_index._move_all = move_all


def _leaves_rows_behind() -> None:
    """The end is noted without a look at what still lies under the old version."""
    real = rotate_index._walk

    async def walk(*given: Any, **named: Any) -> int:
        return 0 if given[2].name == "vehicle_index" else await real(*given, **named)

    async def finish(tx: Transaction, tables: Any, tenant: TenantId, version: int) -> bool:
        await tx.execute("UPDATE index_version SET formers = '{}' WHERE tenant_id = %s", (tenant,))
        return True

    rotate_index._walk = walk
    blind_indexes.finish = finish


_MUTANTS = {
    "forgets the old version": _forgets_the_old_version,
    "destroys the old key first": _destroys_the_old_key_first,
    "leaves rows behind": _leaves_rows_behind,
}
