"""Projections: the newest version is kept, a stale writer is told."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from postern.errors import Conflict
from postern.ids import SiteId
from postern.postgres.pool import Database
from postern.records.projections import Projection, delete_projection, load_projections, put_projection

SITE = SiteId(1)
FIRST = Projection(site=SITE, kind=2, id=UUID(int=5), version=1, sealed=b"one")


async def put(database: Database, projection: Projection) -> None:
    async with database.transaction() as tx:
        await put_projection(tx, projection)


async def loaded(database: Database, kind: int = 2) -> list[Projection]:
    async with database.transaction() as tx:
        return await load_projections(tx, SITE, kind)


async def test_a_site_without_projections_has_none(database: Database) -> None:
    assert await loaded(database) == []


async def test_a_newer_version_takes_the_place_of_the_older(database: Database) -> None:
    newer = replace(FIRST, version=2, sealed=b"two")
    await put(database, FIRST)
    await put(database, newer)
    assert await loaded(database) == [newer]
    assert await loaded(database, kind=3) == []


async def test_a_stale_version_is_refused(database: Database) -> None:
    await put(database, replace(FIRST, version=2))
    for stale in (1, 2):
        with pytest.raises(Conflict, match="load it again"):
            await put(database, replace(FIRST, version=stale, sealed=b"lost"))


async def test_a_deleted_projection_is_gone(database: Database) -> None:
    await put(database, FIRST)
    for _ in range(2):
        async with database.transaction() as tx:
            await delete_projection(tx, SITE, FIRST.kind, FIRST.id)
    assert await loaded(database) == []
