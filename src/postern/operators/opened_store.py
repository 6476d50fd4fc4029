"""Whom each operator opened in the last day, and which sites are on whose desk, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from postern.ids import OperatorId, SiteId, TenantId
from postern.operators.budget import KEPT
from postern.postgres.pool import Transaction

_LOCK = 0x6C6F6F6B  # "look"; its second half stands for the operator


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedRow:
    """One subject, by its tag. `brought_in`: the operator added it, so that it is on their own desk."""

    tag: bytes
    at: datetime
    looks: int
    brought_in: bool


async def take_turn(tx: Transaction, tenant: TenantId, opened_by: str) -> None:
    """Until `tx` ends nobody else counts for this operator, in whichever process of whichever hub."""
    await tx.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, f"{tenant}|{opened_by}"))


async def opened(
    tx: Transaction, tenant: TenantId, opened_by: str, at: datetime
) -> Mapping[bytes, OpenedRow]:
    """What is remembered of the operator; what is older than a day is forgotten for good."""
    await tx.execute(
        "DELETE FROM opened_subject WHERE tenant_id = %s AND opened_by = %s AND at <= %s",
        (tenant, opened_by, at - KEPT),
    )
    cursor = await tx.execute(
        "SELECT tag, at, looks, brought_in FROM opened_subject WHERE tenant_id = %s AND opened_by = %s",
        (tenant, opened_by),
    )
    rows = [
        OpenedRow(tag=bytes(tag), at=then, looks=looks, brought_in=brought_in)
        for tag, then, looks, brought_in in await cursor.fetchall()
    ]
    return {row.tag: row for row in rows}


async def put(tx: Transaction, tenant: TenantId, opened_by: str, rows: Iterable[OpenedRow]) -> None:
    """Remember these, in place of what was known under the same tags."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO opened_subject (tenant_id, opened_by, tag, at, looks, brought_in)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (tenant_id, opened_by, tag) DO UPDATE"
            " SET at = excluded.at, looks = excluded.looks, brought_in = excluded.brought_in",
            [(tenant, opened_by, row.tag, row.at, row.looks, row.brought_in) for row in rows],
        )


async def forget(tx: Transaction, tenant: TenantId, opened_by: str, tags: Iterable[bytes]) -> None:
    """Forget these."""
    await tx.execute(
        "DELETE FROM opened_subject WHERE tenant_id = %s AND opened_by = %s AND tag = ANY(%s)",
        (tenant, opened_by, list(tags)),
    )


async def desk_of(tx: Transaction, tenant: TenantId, operator: OperatorId) -> frozenset[SiteId]:
    """The sites whose live walls are on the operator's own desk."""
    cursor = await tx.execute(
        "SELECT site_id FROM operator_desk WHERE tenant_id = %s AND operator_id = %s", (tenant, operator)
    )
    return frozenset(SiteId(site) for (site,) in await cursor.fetchall())


async def desks(tx: Transaction, tenant: TenantId) -> dict[OperatorId, frozenset[SiteId]]:
    """The same of everybody who was given any."""
    cursor = await tx.execute(
        "SELECT operator_id, array_agg(site_id) FROM operator_desk WHERE tenant_id = %s GROUP BY operator_id",
        (tenant,),
    )
    return {OperatorId(id): frozenset(map(SiteId, sites)) for id, sites in await cursor.fetchall()}


async def put_desk(tx: Transaction, tenant: TenantId, operator: OperatorId, sites: frozenset[SiteId]) -> None:
    """Make these all that is on the operator's desk."""
    await tx.execute(
        "DELETE FROM operator_desk WHERE tenant_id = %s AND operator_id = %s", (tenant, operator)
    )
    for site in sorted(sites):
        await tx.execute(
            "INSERT INTO operator_desk (tenant_id, operator_id, site_id) VALUES (%s, %s, %s)",
            (tenant, operator, site),
        )
