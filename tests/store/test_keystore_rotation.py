"""Keys are rotated while the program runs, and nothing that they sealed is lost or rewritten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from postern.errors import CannotOpen, Conflict, KeyDestroyed, RootKeyUnavailable, SettingsInvalid
from postern.ids import SiteId, TenantId
from postern.keystore import open_keystore, rotation_store
from postern.keystore import rotate_tenant as rotate_tenant_module
from postern.keystore.keyring import FORGET_SECONDS, PostgresKeyring
from postern.keystore.providers import Provider
from postern.keystore.rootkey import UnattendedKeyFile
from postern.keystore.rotate_root import RootRotated, rotate_root
from postern.keystore.rotate_tenant import TenantRotated, rotate_tenant
from postern.keystore.rotation_store import Kind
from postern.postgres.embedded import Cluster
from postern.postgres.pool import Database, Transaction
from postern.sealing.keyring import ALL_PURPOSES, Purpose
from postern.settings import Settings

TENANT, OTHER = TenantId(1), TenantId(2)
SITE, FAR_SITE = SiteId(10), SiteId(20)
DAY = date(2026, 3, 1)
PASSPHRASE = "correct horse battery staple"


def quietly(_: str) -> None:
    """No word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Everything that a keyring gives out, to be compared before and after."""

    keys: dict[object, object]


async def filled(keyring: PostgresKeyring, subjects: list[UUID]) -> None:
    for tenant, site in ((TENANT, SITE), (OTHER, FAR_SITE)):
        await keyring.add_site(tenant, site)
        for n in range(4):
            await keyring.site_day_key(site, DAY + timedelta(days=n))
    for subject in subjects:
        await keyring.new_subject_keys(TENANT, subject)
    await keyring.new_subject_keys(OTHER, subjects[0])
    await held(keyring, subjects)


async def held(keyring: PostgresKeyring, subjects: list[UUID]) -> Held:
    keys: dict[object, object] = {"hub": await keyring.hub_key()}
    for purpose in ALL_PURPOSES:
        for tenant in (TENANT, OTHER):
            found = await keyring.subject_keys(tenant, subjects, purpose)
            keys |= {(tenant, purpose, subject): key for subject, key in found.items()}
    keys |= dict(await keyring.site_day_keys([SITE, FAR_SITE], first=DAY, last=DAY + timedelta(days=9)))
    for tenant in (TENANT, OTHER):
        for name in ("journal", "policy"):
            keys[tenant, "signing", name] = await keyring.signing_key(tenant, name)
        for name in ("index/vehicle.plate", "operators"):
            keys[tenant, "purpose", name] = await keyring.purpose_key(tenant, name)
    return Held(keys=keys)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", mode="demo")


@pytest.fixture
def subjects() -> list[UUID]:
    return [UUID(int=n + 1) for n in range(7)]


@pytest.fixture
async def keyring(keystore_database: Database, settings: Settings, subjects: list[UUID]) -> PostgresKeyring:
    made = await open_keystore(keystore_database, settings, PASSPHRASE)
    await filled(made, subjects)
    return made


async def restarted(database: Database, settings: Settings) -> PostgresKeyring:
    return await open_keystore(database, settings, PASSPHRASE)


async def _rotate_tenant(keyring: PostgresKeyring, **given: int) -> TenantRotated:
    return await rotate_tenant(keyring, TENANT, progress=quietly, **given)


async def _rotate_root(database: Database, settings: Settings, to: str | None = None) -> RootRotated:
    target = None if to is None else Provider.parse(to)
    return await rotate_root(database, settings, PASSPHRASE, to=target, progress=quietly)


async def wrapped(database: Database, table: str) -> set[bytes]:
    async with database.transaction() as tx:
        cursor = await tx.execute(sql.SQL("SELECT wrapped FROM {}").format(sql.Identifier(table)))
        return {bytes(row[0]) for row in await cursor.fetchall()}


TABLES = ("tenant_key", "subject_key", "site_day_key", "signing_key", "hub_key")


async def test_a_tenant_s_rotation_rewraps_all_of_its_keys_and_changes_none(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    before, rows = await held(keyring, subjects), {t: await wrapped(keystore_database, t) for t in TABLES}

    done = await _rotate_tenant(keyring, batch=5)

    assert (done.version, done.rewrapped, done.swept) == (2, 7 * 4 + 4 + 2, True)
    assert await held(keyring, subjects) == before
    assert await held(await restarted(keystore_database, settings), subjects) == before
    after = {table: await wrapped(keystore_database, table) for table in TABLES}
    kept = {table: len(rows[table] & after[table]) for table in TABLES}
    assert kept == {"tenant_key": 1, "subject_key": 4, "site_day_key": 4, "signing_key": 2, "hub_key": 1}


async def test_a_tenant_s_key_is_rotated_again_and_again(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    before = await held(keyring, subjects)

    versions = [(await _rotate_tenant(keyring)).version for _ in range(3)]

    assert versions == [2, 3, 4]
    assert await held(await restarted(keystore_database, settings), subjects) == before


async def test_whoever_has_the_old_tenant_key_opens_nothing_of_the_rewrapped_keystore(
    keyring: PostgresKeyring, keystore_database: Database
) -> None:
    stolen = (await keyring._tenant_keys(TENANT)).newest

    await _rotate_tenant(keyring)

    for table in ("subject_key", "site_day_key", "signing_key", "derivation_key", "tenant_key"):
        assert all(stolen.id not in one[:9] for one in await wrapped(keystore_database, table))


async def test_old_wrappings_leave_no_byte_in_the_keystore_s_files(
    keyring: PostgresKeyring, keystore_database: Database, cluster: Cluster
) -> None:
    tables = ("tenant_key", "subject_key", "site_day_key", "signing_key")
    rows = [await wrapped(keystore_database, table) for table in tables]
    async with keystore_database.transaction() as tx:
        name = tx.info.dbname
    assert await _found(cluster, name, rows) == len(set.union(*rows))

    await _rotate_tenant(keyring)
    now = set.union(*[await wrapped(keystore_database, table) for table in tables])

    assert [await _found(cluster, name, [one - now]) for one in rows] == [0, 0, 0, 0]


async def _found(cluster: Cluster, name: str, rows: list[set[bytes]]) -> int:
    """How many of the wrappings' last 32 bytes lie somewhere in the database's files."""
    supervisor = cluster.conninfo(database=name, role="supervisor")
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        await connection.execute("CHECKPOINT")
        cursor = await connection.execute(
            "SELECT pg_read_binary_file(folder || '/' || name, 0, 1 << 28, true)"
            " FROM (SELECT 'base/' || oid AS folder FROM pg_database WHERE datname = current_database()),"
            " LATERAL pg_ls_dir(folder) AS name"
        )
        files = b"".join(row[0] for row in await cursor.fetchall() if row[0] is not None)
    return sum(one[-32:] in files for one in set.union(*rows))


async def test_another_process_goes_on_through_a_tenant_s_rotation_reading_and_making_keys(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    elsewhere = await restarted(keystore_database, settings)
    before = await held(elsewhere, subjects)
    made = [uuid4() for _ in range(30)]

    async def works() -> None:
        for n, subject in enumerate(made):
            await elsewhere.new_subject_keys(TENANT, subject)
            await elsewhere.site_day_key(SITE, DAY - timedelta(days=n + 1))

    await asyncio.gather(works(), _rotate_tenant(keyring, batch=2))
    late = uuid4()
    await elsewhere.new_subject_keys(TENANT, late)  # it may hold the retired key still

    again = await restarted(keystore_database, settings)
    assert await held(again, subjects) == before
    assert await held(elsewhere, subjects) == before
    for purpose in ALL_PURPOSES:
        assert len(await again.subject_keys(TENANT, [*made, late], purpose)) == 31


async def test_a_key_made_under_a_retired_tenant_key_is_refused_not_lost(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings
) -> None:
    elsewhere = await restarted(keystore_database, settings)
    retired = (await elsewhere._tenant_keys(TENANT)).newest
    await _rotate_tenant(keyring)
    assert (await elsewhere._tenant_keys(TENANT)).newest == retired

    subject = uuid4()
    await elsewhere.new_subject_keys(TENANT, subject, [Purpose.FACE])

    assert await (await restarted(keystore_database, settings)).subject_key(TENANT, subject, Purpose.FACE)


async def test_an_erasure_during_a_rotation_is_not_undone(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    elsewhere = await restarted(keystore_database, settings)

    async def erase() -> None:
        for subject in subjects:
            await elsewhere.destroy_subject_keys(TENANT, subject, [Purpose.FACE])

    await asyncio.gather(erase(), _rotate_tenant(keyring, batch=1))

    again = await restarted(keystore_database, settings)
    assert await again.subject_keys(TENANT, subjects, Purpose.FACE) == {}
    assert len(await again.subject_keys(TENANT, subjects, Purpose.MOVEMENT)) == 7


async def test_a_damaged_key_stops_a_rotation_in_words_and_loses_nothing_else(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    async with keystore_database.transaction() as tx:
        await tx.execute(
            "UPDATE subject_key SET wrapped = set_byte(wrapped, 60, get_byte(wrapped, 60) # 1)"
            " WHERE subject = %s AND purpose = 2 AND tenant_id = 1",
            (subjects[3],),
        )

    with pytest.raises(CannotOpen):
        await _rotate_tenant(keyring, batch=1)

    again = await restarted(keystore_database, settings)
    assert len(await again.subject_keys(TENANT, subjects, Purpose.MOVEMENT)) == 7


async def test_one_rotation_runs_at_a_time(keyring: PostgresKeyring, keystore_database: Database) -> None:
    async with rotation_store.one_at_a_time(keystore_database):
        with pytest.raises(Conflict, match="being rotated by another process"):
            await _rotate_tenant(keyring)


async def test_a_sweep_that_a_dump_holds_up_is_made_by_the_next_run(
    keyring: PostgresKeyring, keystore_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation_store, "_SWEEP_PAUSE_SECONDS", 0.01)
    async with await psycopg.AsyncConnection.connect(keystore_database.conninfo) as dump:
        await dump.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await dump.execute("SELECT count(*) FROM subject_key")
        assert not (await _rotate_tenant(keyring)).swept

    done = await _rotate_tenant(keyring)

    assert (done.version, done.rewrapped, done.swept) == (2, 0, True)


async def test_a_root_key_s_rotation_changes_no_key(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    before, old = await held(keyring, subjects), keyring.roots.newest
    file = (settings.data / "keys" / "unattended.key").read_bytes()
    rows = {table: await wrapped(keystore_database, table) for table in TABLES}

    done = await _rotate_root(keystore_database, settings)

    assert (done.rewrapped, done.swept) == (3, True)
    again = await restarted(keystore_database, settings)
    assert again.roots.newest.id != old.id
    assert await held(again, subjects) == before
    assert (settings.data / "keys" / "unattended.key").read_bytes() != file
    assert [one.name for one in (settings.data / "keys").iterdir()] == ["unattended.key"]
    after = {table: await wrapped(keystore_database, table) for table in TABLES}
    same = {table for table in TABLES if rows[table] == after[table]}
    assert same == {"subject_key", "site_day_key", "signing_key"}
    assert not rows["tenant_key"] & after["tenant_key"]
    with pytest.raises(CannotOpen):
        await old.unwrap(after["hub_key"].pop(), label="hub")


async def test_a_root_key_moves_to_another_holder_and_back(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    before = await held(keyring, subjects)

    done = await _rotate_root(keystore_database, settings, "file")

    guarded = settings.model_copy(update={"root_key": "file"})
    assert done.holder.kind == "file"
    assert [one.name for one in (settings.data / "keys").iterdir()] == ["root.key"]
    assert await held(await restarted(keystore_database, guarded), subjects) == before
    with pytest.raises(CannotOpen, match="passphrase"):
        await open_keystore(keystore_database, guarded, "another long passphrase")
    with pytest.raises(SettingsInvalid, match="production"):
        await restarted(keystore_database, settings)

    await _rotate_root(keystore_database, guarded, "unattended")
    assert await held(await restarted(keystore_database, settings), subjects) == before


async def test_a_running_hub_learns_of_a_new_root_key_by_itself(
    keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    now = 0.0
    opened = await open_keystore(keystore_database, settings, PASSPHRASE)
    running = PostgresKeyring(keystore_database, opened.roots, now=lambda: now)
    await filled(running, subjects)
    before = await held(running, subjects)

    await _rotate_root(keystore_database, settings)

    await running.new_subject_keys(TenantId(3), uuid4())  # a tenant key made now must be under the new one
    now += FORGET_SECONDS
    assert await held(running, subjects) == before
    assert await (await restarted(keystore_database, settings)).purpose_key(TenantId(3), "journal")


async def test_a_hub_that_cannot_open_the_new_root_key_makes_no_key_under_the_old_one(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings
) -> None:
    await _rotate_root(keystore_database, settings, "file")

    with pytest.raises(RootKeyUnavailable, match="Start Postern anew"):
        await keyring.purpose_key(TenantId(3), "journal")

    async with keystore_database.transaction() as tx:
        assert await rotation_store.all_tenant_keys(tx) == [
            one for one in await rotation_store.all_tenant_keys(tx) if one[0] != 3
        ]


async def test_production_does_not_move_its_root_key_to_where_nothing_guards_it(
    keystore_database: Database, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path / "data", mode="production")
    await open_keystore(keystore_database, settings, PASSPHRASE)

    with pytest.raises(SettingsInvalid, match="which production does not accept"):
        await _rotate_root(keystore_database, settings, "unattended")


async def test_a_rotation_into_a_holder_that_is_away_leaves_all_as_it_was(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    before = await held(keyring, subjects)

    with pytest.raises(RootKeyUnavailable):
        await _rotate_root(keystore_database, settings, "tpm:device=device:/nowhere/tpmrm0")

    assert await held(await restarted(keystore_database, settings), subjects) == before
    await _rotate_root(keystore_database, settings)


async def test_the_old_root_key_stays_when_the_new_one_does_not_open_everything(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that loses what it is given: the check before the old root key goes."""
    file = (settings.data / "keys" / "unattended.key").read_bytes()
    real = UnattendedKeyFile.unwrap

    async def forgets(self: UnattendedKeyFile, wrapped: bytes, *, label: str) -> bytes:
        if wrapped[1:9] == self.id and label == "tenant|2" and (settings.data / "keys" / "next").exists():
            raise CannotOpen("forgotten")
        return await real(self, wrapped, label=label)

    monkeypatch.setattr(UnattendedKeyFile, "unwrap", forgets)
    with pytest.raises(CannotOpen):
        await _rotate_root(keystore_database, settings)
    assert (settings.data / "keys" / "unattended.key").read_bytes() == file


async def test_a_tenant_s_and_the_root_s_rotations_are_noted(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings
) -> None:
    await _rotate_tenant(keyring)
    await _rotate_root(keystore_database, settings)

    async with keystore_database.transaction() as tx:
        noted = await rotation_store.rotations(tx)
    assert [(one.kind, one.tenant, one.ended is not None) for one in noted] == [
        (Kind.ROOT, 0, True),
        (Kind.TENANT, TENANT, True),
    ]


async def test_a_destroyed_key_stays_destroyed_through_every_rotation(
    keyring: PostgresKeyring, keystore_database: Database, settings: Settings, subjects: list[UUID]
) -> None:
    await keyring.destroy_subject_keys(TENANT, subjects[0], [Purpose.FACE])

    await _rotate_tenant(keyring)
    await _rotate_root(keystore_database, settings)

    with pytest.raises(KeyDestroyed):
        await (await restarted(keystore_database, settings)).subject_key(TENANT, subjects[0], Purpose.FACE)


async def test_a_job_that_retires_the_old_key_too_early_is_noticed(
    keyring: PostgresKeyring,
    keystore_database: Database,
    settings: Settings,
    subjects: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mutant: it forgets a table, and does not look whether anything is left."""

    async def at_once(tx: Transaction, tenant: TenantId, newest: bytes) -> bool:
        await tx.execute("DELETE FROM tenant_key WHERE tenant_id = %s AND key_id <> %s", (tenant, newest))
        return True

    monkeypatch.setattr(rotate_tenant_module, "SHELVES", rotation_store.SHELVES[1:])
    monkeypatch.setattr(rotation_store, "retire_tenant_keys", at_once)
    await _rotate_tenant(keyring)

    with pytest.raises(CannotOpen):
        await held(await restarted(keystore_database, settings), subjects)


async def test_a_job_that_forgets_a_table_does_not_end(
    keyring: PostgresKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_tenant_module, "SHELVES", rotation_store.SHELVES[1:])
    monkeypatch.setattr(rotate_tenant_module, "_ATTEMPTS", 2)

    with pytest.raises(Conflict, match="run the rotation again"):
        await _rotate_tenant(keyring)
