"""What the page of keys tells: how many, since when, and when they were rotated."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

from postern.clock import SystemClock, utc_day
from postern.ids import SiteId, TenantId
from postern.keystore import open_keystore
from postern.keystore.ages import KeyAge, key_ages
from postern.keystore.rotate_root import rotate_root
from postern.keystore.rotate_tenant import rotate_tenant
from postern.postgres.pool import Database
from postern.sealing.keyring import ERASABLE
from postern.settings import Settings

TENANT, OTHER = TenantId(1), TenantId(2)
DAY = date(2026, 3, 1)


async def _ages(database: Database) -> dict[str, KeyAge]:
    return {one.kind: one for one in await key_ages(database, TENANT)}


async def test_a_fresh_keystore_has_no_keys_to_tell_of(keystore_database: Database) -> None:
    found = await _ages(keystore_database)

    assert {kind: one.count for kind, one in found.items() if kind != "index"} == {
        "root": 0, "tenant": 0, "signing": 0, "site-day": 0, "subject": 0,
    }  # fmt: skip


async def test_every_kind_of_key_is_counted_with_its_age(keystore_database: Database, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", mode="demo")
    keyring = await open_keystore(keystore_database, settings, None)
    await keyring.add_site(TENANT, SiteId(10))
    for n in range(3):
        await keyring.site_day_key(SiteId(10), DAY + timedelta(days=n))
        await keyring.new_subject_keys(TENANT, uuid4(), ERASABLE)
    await keyring.new_subject_keys(OTHER, uuid4())
    await keyring.signing_key(TENANT, "journal")

    found = await _ages(keystore_database)

    today = utc_day(SystemClock().now())
    made = {"oldest": today, "newest": today}

    def in_days(days: int) -> date:
        return today + timedelta(days=days)

    assert found == {
        "root": KeyAge(kind="root", count=1, holder="unattended", due=in_days(730), **made),
        "tenant": KeyAge(kind="tenant", count=1, version=1, due=in_days(365), **made),
        "index": KeyAge(kind="index", count=1, version=1, due=in_days(365), **made),
        "signing": KeyAge(kind="signing", count=1, **made),
        "site-day": KeyAge(kind="site-day", count=3, oldest=DAY, newest=DAY + timedelta(days=2)),
        "subject": KeyAge(kind="subject", count=9),
    }


async def test_rotations_are_told_of(keystore_database: Database, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", mode="demo")
    keyring = await open_keystore(keystore_database, settings, None)
    await keyring.purpose_key(TENANT, "journal")
    await rotate_tenant(keyring, TENANT, progress=lambda _: None)
    await rotate_root(keystore_database, settings, None, progress=lambda _: None)

    found = await _ages(keystore_database)

    today = utc_day(SystemClock().now())
    assert (found["tenant"].version, found["tenant"].rotated, found["root"].rotated) == (2, today, today)
    assert found["index"].rotated is None
    async with keystore_database.transaction() as tx:
        await tx.execute("UPDATE rotation SET ended = NULL WHERE kind = 'tenant'")
    assert (await _ages(keystore_database))["tenant"].under_way
