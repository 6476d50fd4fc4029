"""Keys are rotated under a hub that holds people, passages and a journal: all opens, nothing is rewritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind
from postern.ids import TenantId
from postern.journal import store as journal
from postern.keystore import open_keystore
from postern.keystore.keyring import PostgresKeyring
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.keys.rotate_keys import rotate_root_key, rotate_tenant_key
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.postgres.pool import Database
from postern.settings import Settings
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent

TABLES = ("record", "person", "vehicle", "holding", "reference", "person_index", "vehicle_index", "consent")


def quietly(_: str) -> None:
    """No word."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Whose root key is the one that the hub of these tests already uses."""
    made = Settings(data=tmp_path / "data", mode="demo")
    (tmp_path / "unattended.key").rename(made.folder("keys") / "unattended.key")
    return made


async def physical(database: Database, tenant: TenantId) -> dict[str, list[tuple[object, ...]]]:
    """Where every row of the data lies and who wrote it: another ctid or xmin means that it was rewritten."""
    found = {}
    async with database.transaction(tenant) as tx:
        for table in TABLES:
            query = sql.SQL("SELECT tableoid, ctid::text, xmin::text, t::text FROM {} AS t ORDER BY 1, 2")
            cursor = await tx.execute(query.format(sql.Identifier(table)))
            found[table] = await cursor.fetchall()
        cursor = await tx.execute("SELECT tableoid, ctid::text, xmin::text FROM journal_entry ORDER BY idx")
        found["journal_entry"] = await cursor.fetchall()
    return found


async def test_rotating_tenant_and_root_keys_rewrites_no_row_of_the_data_and_is_journalled(
    hub: Services,
    demo: Demo,
    admin: Actor,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    keystore_database: Database,
    settings: Settings,
) -> None:
    way = next(one.id for one in places.access_points if one.name == "Front door, in")
    presented = CodePresented(kind=CredentialKind.CARD, value="0410A1B2C3")
    await admit(entrance, await agent.policy(), Request(access_point=way, presented=presented))
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    before = await physical(hub.database, demo.tenant)
    assert before["record"]
    assert before["person"]
    keyring = hub.keyring
    assert isinstance(keyring, PostgresKeyring)

    await rotate_tenant_key(hub, keyring, demo.tenant, progress=quietly)
    rotated = await open_keystore(keystore_database, settings, None)
    await rotate_root_key(hub, rotated, settings, None, progress=quietly)

    after = await physical(hub.database, demo.tenant)
    entries = len(before["journal_entry"])
    assert after["journal_entry"][:entries] == before["journal_entry"]
    assert {t: r for t, r in after.items() if t != "journal_entry"} == {
        t: r for t, r in before.items() if t != "journal_entry"
    }
    again = await open_keystore(keystore_database, settings, None)
    (row,) = (await look.wall(replace(hub, keyring=again), admin, demo.site)).rows
    assert isinstance(row, look.Passing)
    assert row.who == "Ada Nowak"
    async with hub.database.transaction(demo.tenant) as tx:
        told = await journal.read(tx, again, demo.tenant, before=None, limit=entries + 9)
    told = [one for one in told if one.entry.actor == "job:keys"]
    details = [one.entry.detail for one in reversed(told)]
    assert details == [
        "tenant key: rotation begins",
        "tenant key: version 2 holds, the old rows are swept",
        "root key: rotation begins",
        "root key: a new one in unattended holds, the old rows are swept",
    ]
