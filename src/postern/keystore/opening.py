"""Opening the keystore at start: which root key, whether it may be used, and whether it belongs here."""

from __future__ import annotations

from postern.errors import CannotOpen, SettingsInvalid
from postern.keystore import store
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.providers import FILES, Kind, chosen
from postern.keystore.roots import open_roots, read_plan
from postern.postgres.pool import Database
from postern.settings import Settings

UNATTENDED = FILES[Kind.UNATTENDED]


async def open_keystore(database: Database, settings: Settings, passphrase: str | None) -> PostgresKeyring:
    """The keyring over a migrated keystore `database`, with the root key that `settings` choose.

    The root key is made at the very first start only: where keys exist, a missing root key is a fault,
    never replaced. Raises SettingsInvalid, CannotOpen (wrong passphrase) or RootKeyUnavailable (a device
    or server that is away), with what to do.
    """
    async with database.transaction() as tx:
        fresh = await store.is_empty(tx)
    roots = await open_roots(settings, passphrase, fresh=fresh)
    keyring = PostgresKeyring(database, roots)
    try:
        await keyring.hub_key()
    except CannotOpen as fault:
        raise SettingsInvalid(
            f"The root key in {settings.folder('keys')} is not the one that this keystore's keys are wrapped "
            "under. Restore the right key file, or point to the keystore that belongs to it; nothing was "
            "changed."
        ) from fault
    async with database.transaction() as tx:
        await store.root_in_force(tx, roots.newest.id)
        if read_plan(settings.folder("keys")) is None:
            await store.note_holder(tx, roots.newest.id, chosen(settings).kind)
    await store.sweep(database)
    return keyring
