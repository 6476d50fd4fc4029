"""Rows of the hub's database as its owner reads and writes them, past every operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from postern.prove.scratch import DrawnSite


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A row as it once was."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[Any, ...]

    async def put_back(self, site: DrawnSite) -> None:
        """In the place of what is there now."""
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
            sql.Identifier(self.table),
            sql.SQL(", ").join(map(sql.Identifier, self.columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(self.columns)),
            sql.SQL(", ").join(map(sql.Identifier, self.key)),
            sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(one)) for one in self.columns
            ),
        )
        async with site.owner.transaction() as tx:
            await tx.execute(statement, self.values)


async def copied(site: DrawnSite, table: str, **key: object) -> Copy:
    """The row of that key, as it is now."""
    where = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in key
    )
    async with site.owner.transaction() as tx:
        cursor = await tx.execute(
            sql.SQL("SELECT * FROM {} WHERE {}").format(sql.Identifier(table), where), list(key.values())
        )
        found = await cursor.fetchone()
        assert found is not None
        assert cursor.description is not None
        columns = tuple(one.name for one in cursor.description)
    return Copy(table=table, key=tuple(key), columns=columns, values=found)


async def write(site: DrawnSite, statement: Any, *values: object) -> None:
    async with site.owner.transaction() as tx:
        await tx.execute(statement, values)
