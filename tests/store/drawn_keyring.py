"""A keyring on a scratch keystore, for the tests of stores."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from postern.ids import TenantId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.postgres.pool import Database

TENANT = TenantId(1)


async def keyring_with(database: Database, folder: Path, *subjects: UUID) -> PostgresKeyring:
    """A keyring that holds all four keys of each of `subjects`."""
    made = PostgresKeyring(database, UnattendedKeyFile.create(folder / "unattended.key"))
    for subject in subjects:
        await made.new_subject_keys(TENANT, subject)
    return made
