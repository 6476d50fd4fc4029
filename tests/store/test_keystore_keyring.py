"""Keys are made once, found again, and gone for good when destroyed."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from postern.errors import CannotOpen, Conflict, KeyDestroyed, NotFound
from postern.ids import SiteId, TenantId
from postern.keystore import store
from postern.keystore.keyring import FORGET_SECONDS, PostgresKeyring
from postern.keystore.rootkey import RootKey, UnattendedKeyFile
from postern.postgres.pool import Database
from postern.sealing import hybrid, signing
from postern.sealing.keyring import ALL_PURPOSES, ERASABLE, Keyring, Purpose

TENANT, OTHER = TenantId(1), TenantId(2)
SITE, FAR_SITE = SiteId(10), SiteId(20)
DAY = date(2026, 3, 1)


@pytest.fixture
def root(tmp_path: Path) -> RootKey:
    return UnattendedKeyFile.create(tmp_path / "unattended.key")


@pytest.fixture
async def keyring(keystore_database: Database, root: RootKey) -> PostgresKeyring:
    made = PostgresKeyring(keystore_database, root)
    await made.add_site(TENANT, SITE)
    await made.add_site(OTHER, FAR_SITE)
    return made


def _as_if_restarted(keystore_database: Database, root: RootKey) -> PostgresKeyring:
    return PostgresKeyring(keystore_database, root)


async def test_it_is_the_keyring_that_sealing_describes(keyring: PostgresKeyring) -> None:
    described: Keyring = keyring

    assert len(await described.hub_key()) == 32


async def test_nothing_is_held_of_a_subject_that_was_never_added(keyring: PostgresKeyring) -> None:
    assert await keyring.subject_keys(TENANT, [], Purpose.IDENTITY) == {}
    assert await keyring.subject_keys(TENANT, [uuid4()], Purpose.IDENTITY) == {}
    with pytest.raises(KeyDestroyed, match="cannot be opened by anyone"):
        await keyring.subject_key(TENANT, uuid4(), Purpose.IDENTITY)


async def test_a_subject_has_another_key_for_each_purpose(keyring: PostgresKeyring) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)

    keys = [await keyring.subject_key(TENANT, subject, purpose) for purpose in ALL_PURPOSES]

    assert len({key.secret for key in keys}) == len({key.id for key in keys}) == 4


async def test_every_kind_of_key_is_the_same_after_a_restart(
    keyring: PostgresKeyring, keystore_database: Database, root: RootKey
) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)

    async def all_keys(ring: PostgresKeyring) -> list[object]:
        return [
            await ring.subject_key(TENANT, subject, Purpose.FACE),
            await ring.site_day_key(SITE, DAY),
            await ring.purpose_key(TENANT, "index/vehicle.plate"),
            await ring.signing_key(TENANT, "policy"),
            await ring.hub_key(),
        ]

    first = await all_keys(keyring)
    assert await all_keys(keyring) == first
    assert await all_keys(_as_if_restarted(keystore_database, root)) == first


async def test_adding_a_subject_twice_keeps_its_keys(
    keyring: PostgresKeyring, keystore_database: Database, root: RootKey
) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    first = await keyring.subject_key(TENANT, subject, Purpose.IDENTITY)

    await keyring.new_subject_keys(TENANT, subject)

    assert (
        await _as_if_restarted(keystore_database, root).subject_key(TENANT, subject, Purpose.IDENTITY)
        == first
    )


async def test_withdrawing_consent_destroys_the_face_key_and_nothing_else(keyring: PostgresKeyring) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    face = await keyring.subject_key(TENANT, subject, Purpose.FACE)

    destroyed = await keyring.destroy_subject_keys(TENANT, subject, [Purpose.FACE])

    assert destroyed == (face.id,)
    with pytest.raises(KeyDestroyed):
        await keyring.subject_key(TENANT, subject, Purpose.FACE)
    for purpose in (Purpose.IDENTITY, Purpose.MOVEMENT, Purpose.STATUTORY):
        await keyring.subject_key(TENANT, subject, purpose)


async def test_an_erasure_leaves_only_the_statutory_key(keyring: PostgresKeyring) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)

    assert len(await keyring.destroy_subject_keys(TENANT, subject, ERASABLE)) == 3

    held = [p for p in ALL_PURPOSES if await keyring.subject_keys(TENANT, [subject], p)]
    assert held == [Purpose.STATUTORY]


async def test_destroying_again_is_no_fault_and_returns_nothing(keyring: PostgresKeyring) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    await keyring.destroy_subject_keys(TENANT, subject, ERASABLE)

    assert await keyring.destroy_subject_keys(TENANT, subject, ERASABLE) == ()


async def test_a_new_consent_gets_a_new_key(keyring: PostgresKeyring) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    old = await keyring.subject_key(TENANT, subject, Purpose.FACE)
    await keyring.destroy_subject_keys(TENANT, subject, [Purpose.FACE])

    await keyring.new_subject_keys(TENANT, subject, [Purpose.FACE])

    new = await keyring.subject_key(TENANT, subject, Purpose.FACE)
    assert new.id != old.id
    assert new.secret != old.secret


async def test_keys_of_many_are_made_at_once_and_those_that_exist_stay(keyring: PostgresKeyring) -> None:
    subjects = [uuid4() for _ in range(150)]
    await keyring.new_subject_keys(TENANT, subjects[0], [Purpose.IDENTITY])
    before = await keyring.subject_key(TENANT, subjects[0], Purpose.IDENTITY)
    await keyring.new_keys_of_all(TENANT, subjects, [Purpose.IDENTITY, Purpose.MOVEMENT])
    identity = await keyring.subject_keys(TENANT, subjects, Purpose.IDENTITY)
    movement = await keyring.subject_keys(TENANT, subjects, Purpose.MOVEMENT)
    assert identity[subjects[0]] == before
    assert len({key.secret for key in [*identity.values(), *movement.values()]}) == 300
    assert await keyring.subject_keys(TENANT, subjects, Purpose.FACE) == {}


async def test_another_process_forgets_a_destroyed_key_within_the_stated_time(
    keystore_database: Database, root: RootKey, keyring: PostgresKeyring
) -> None:
    now = 0.0
    elsewhere = PostgresKeyring(keystore_database, root, now=lambda: now)
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    await elsewhere.subject_key(TENANT, subject, Purpose.FACE)

    await keyring.destroy_subject_keys(TENANT, subject, [Purpose.FACE])

    now = FORGET_SECONDS
    with pytest.raises(KeyDestroyed):
        await elsewhere.subject_key(TENANT, subject, Purpose.FACE)


async def test_a_tenant_does_not_get_another_tenants_keys(keyring: PostgresKeyring) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)

    assert await keyring.subject_keys(OTHER, [subject], Purpose.IDENTITY) == {}
    assert await keyring.purpose_key(OTHER, "journal") != await keyring.purpose_key(TENANT, "journal")
    assert await keyring.signing_key(OTHER, "policy") != await keyring.signing_key(TENANT, "policy")


async def test_thousands_of_subjects_are_fetched_at_once(keyring: PostgresKeyring) -> None:
    subjects = [uuid4() for _ in range(1500)]
    for subject in subjects:
        await keyring.new_subject_keys(TENANT, subject, [Purpose.MOVEMENT])
    await keyring.destroy_subject_keys(TENANT, subjects[0], [Purpose.MOVEMENT])

    found = await keyring.subject_keys(TENANT, [*subjects, uuid4()], Purpose.MOVEMENT)

    assert found.keys() == set(subjects[1:])
    assert found == await keyring.subject_keys(TENANT, subjects, Purpose.MOVEMENT)
    assert len({key.secret for key in found.values()}) == 1499


async def test_two_processes_that_make_a_key_at_once_get_the_same_one(
    keystore_database: Database, root: RootKey, keyring: PostgresKeyring
) -> None:
    rings = [PostgresKeyring(keystore_database, root) for _ in range(6)]

    site_days = await asyncio.gather(*(ring.site_day_key(SITE, DAY) for ring in rings))
    purposes = await asyncio.gather(*(ring.purpose_key(OTHER, "journal") for ring in rings))
    signers = await asyncio.gather(*(ring.signing_key(OTHER, "journal") for ring in rings))
    hubs = await asyncio.gather(*(ring.hub_key() for ring in rings))

    assert len({key.secret for key in site_days}) == len({key.secret for key in purposes}) == 1
    assert len(set(signers)) == len(set(hubs)) == 1


async def test_private_keys_work(keyring: PostgresKeyring) -> None:
    private = await keyring.signing_key(TENANT, "policy")
    signing.verify(
        signing.public_of(private),
        b"bundle",
        signing.sign(private, b"bundle", purpose="policy"),
        purpose="policy",
    )

    hub = await keyring.hub_key()
    sealed = hybrid.seal_to(hybrid.public_of(hub), b"entry", info=b"", aad=b"")
    assert hybrid.open_from(hub, sealed, info=b"", aad=b"") == b"entry"


async def test_each_site_and_day_has_its_own_key(keyring: PostgresKeyring) -> None:
    keys = [
        await keyring.site_day_key(site, day)
        for site in (SITE, FAR_SITE)
        for day in (DAY, DAY + timedelta(days=1))
    ]

    assert len({key.secret for key in keys}) == 4


async def test_a_site_that_was_never_added_has_no_keys(keyring: PostgresKeyring) -> None:
    with pytest.raises(NotFound, match="add it with its tenant first"):
        await keyring.site_day_key(SiteId(99), DAY)


async def test_a_site_with_keys_never_changes_its_tenant(keyring: PostgresKeyring) -> None:
    await keyring.site_day_key(SITE, DAY)
    await keyring.add_site(TENANT, SITE)

    with pytest.raises(Conflict):
        await keyring.add_site(OTHER, SITE)


async def test_a_site_number_whose_adding_was_rolled_back_can_be_given_again(
    keyring: PostgresKeyring,
) -> None:
    await keyring.add_site(TENANT, SiteId(30))

    await keyring.add_site(OTHER, SiteId(30))

    await keyring.site_day_key(SiteId(30), DAY)
    with pytest.raises(Conflict):
        await keyring.add_site(TENANT, SiteId(30))


async def test_a_search_over_days_and_sites_makes_no_key(keyring: PostgresKeyring) -> None:
    made = {
        (site, DAY + timedelta(days=n)): await keyring.site_day_key(site, DAY + timedelta(days=n))
        for site in (SITE, FAR_SITE)
        for n in (0, 2, 5)
    }

    found = await keyring.site_day_keys([SITE, FAR_SITE], first=DAY, last=DAY + timedelta(days=4))

    assert found == {name: key for name, key in made.items() if name[1] <= DAY + timedelta(days=4)}
    assert await keyring.site_day_keys([], first=DAY, last=DAY) == {}


async def test_the_end_of_retention_destroys_earlier_days_for_good(
    keyring: PostgresKeyring, keystore_database: Database, root: RootKey
) -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    keys = [await keyring.site_day_key(SITE, day) for day in days]
    other = await keyring.site_day_key(FAR_SITE, DAY)

    destroyed = await keyring.destroy_site_day_keys(SITE, before=days[2])

    assert set(destroyed) == {keys[0].id, keys[1].id}
    for ring in (keyring, _as_if_restarted(keystore_database, root)):
        with pytest.raises(KeyDestroyed):
            await ring.site_day_key(SITE, days[0])
        assert await ring.site_day_key(SITE, days[2]) == keys[2]
        assert await ring.site_day_key(FAR_SITE, DAY) == other


async def test_retention_never_moves_back(keyring: PostgresKeyring) -> None:
    await keyring.destroy_site_day_keys(SITE, before=DAY)
    await keyring.destroy_site_day_keys(SITE, before=DAY - timedelta(days=5))

    with pytest.raises(KeyDestroyed):
        await keyring.site_day_key(SITE, DAY - timedelta(days=1))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE subject_key AS k SET wrapped = o.wrapped FROM subject_key AS o WHERE o.subject <> k.subject",
        "UPDATE subject_key SET wrapped = set_byte(wrapped, 60, get_byte(wrapped, 60) # 1)",
        "UPDATE tenant_key SET wrapped = (SELECT wrapped FROM tenant_key WHERE tenant_id = 2)",
    ],
    ids=["one subject's key put in another's row", "one bit turned over", "another tenant's key"],
)
async def test_a_changed_keystore_gives_no_key(
    keyring: PostgresKeyring, keystore_database: Database, root: RootKey, change: str
) -> None:
    for subject in (UUID(int=1), UUID(int=2)):
        await keyring.new_subject_keys(TENANT, subject, [Purpose.IDENTITY])
    await keyring.purpose_key(OTHER, "journal")
    async with await psycopg.AsyncConnection.connect(keystore_database.conninfo) as connection:
        await connection.execute(change.encode())

    with pytest.raises(CannotOpen):
        await _as_if_restarted(keystore_database, root).subject_key(TENANT, UUID(int=1), Purpose.IDENTITY)


async def test_without_the_root_key_the_keystore_opens_nothing(
    keyring: PostgresKeyring, keystore_database: Database, tmp_path: Path
) -> None:
    await keyring.purpose_key(TENANT, "journal")
    thief = PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "another.key"))

    with pytest.raises(CannotOpen):
        await thief.purpose_key(TENANT, "journal")


async def test_no_secret_lies_in_the_keystore_in_clear(
    keyring: PostgresKeyring, keystore_database: Database
) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    secrets = [
        (await keyring.subject_key(TENANT, subject, Purpose.FACE)).secret,
        (await keyring.site_day_key(SITE, DAY)).secret,
        await keyring.signing_key(TENANT, "policy"),
        await keyring.hub_key(),
    ]
    async with keystore_database.transaction() as tx:
        stored = b""
        for table in ("tenant_key", "subject_key", "site_day_key", "signing_key", "hub_key"):
            cursor = await tx.execute(b"SELECT wrapped FROM " + table.encode())
            stored += b"".join(row[0] for row in await cursor.fetchall())

    assert stored
    assert not any(secret in stored for secret in secrets)
    assert not any(secret[8:24] in stored for secret in secrets)


async def test_an_empty_keystore_knows_that_it_is_empty(keystore_database: Database, root: RootKey) -> None:
    async with keystore_database.transaction() as tx:
        assert await store.is_empty(tx)
    await PostgresKeyring(keystore_database, root).hub_key()
    async with keystore_database.transaction() as tx:
        assert not await store.is_empty(tx)
