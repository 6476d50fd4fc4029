"""Opening the keystore at start: which root key, whether it may be used, and whether it belongs here."""

from __future__ import annotations

import asyncio
from pathlib import Path

from postern.errors import CannotOpen, SettingsInvalid
from postern.keystore import store
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import KeyFile, RootKey, UnattendedKeyFile
from postern.postgres.pool import Database
from postern.settings import Settings

GUARDED = "root.key"
UNATTENDED = "unattended.key"


async def open_keystore(database: Database, settings: Settings, passphrase: str | None) -> PostgresKeyring:
    """The keyring over a migrated keystore `database`, with the root key from the data folder's `keys`.

    The root key is made at the very first start only: where keys exist, a missing root key is a fault,
    never replaced. Raises SettingsInvalid or CannotOpen (wrong passphrase), with what to do.
    """
    folder = settings.folder("keys")
    async with database.transaction() as tx:
        fresh = await store.is_empty(tx)
    if settings.mode == "production":
        root = await asyncio.to_thread(_guarded, folder, passphrase, fresh)
    else:
        root = await asyncio.to_thread(_unattended, folder, fresh)
    keyring = PostgresKeyring(database, root)
    try:
        await keyring.hub_key()
    except CannotOpen as fault:
        raise SettingsInvalid(
            f"The root key in {folder} is not the one that this keystore's keys are wrapped under. "
            "Restore the right key file, or point to the keystore that belongs to it; nothing was changed."
        ) from fault
    await store.sweep(database)
    return keyring


def _guarded(folder: Path, passphrase: str | None, fresh: bool) -> RootKey:
    path = folder / GUARDED
    if (folder / UNATTENDED).exists():
        raise SettingsInvalid(
            f"{folder / UNATTENDED} is a root key that nothing guards, which production does not accept. "
            "Use another data folder (POSTERN_DATA) for production, or start with --demo."
        )
    if passphrase is None:
        raise SettingsInvalid(
            "The root key needs its passphrase: set POSTERN_PASSPHRASE, or start at a terminal to be asked."
        )
    if path.exists():
        return KeyFile.unlock(path, passphrase)
    _refuse_unless(fresh, path)
    return KeyFile.create(path, passphrase)


def _unattended(folder: Path, fresh: bool) -> RootKey:
    path = folder / UNATTENDED
    if (folder / GUARDED).exists():
        raise SettingsInvalid(
            "This data folder is a production one: start without --demo, or set another POSTERN_DATA."
        )
    if path.exists():
        return UnattendedKeyFile.read(path)
    _refuse_unless(fresh, path)
    return UnattendedKeyFile.create(path)


def _refuse_unless(fresh: bool, path: Path) -> None:
    if not fresh:
        raise SettingsInvalid(
            f"The keystore holds keys, but the root key that opens them is missing: restore {path} from its "
            "safe copy. No new one was made, because it would open nothing."
        )
