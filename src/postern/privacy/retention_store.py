"""Retention in the database: each site's times, and the report of every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from postern import documents
from postern import sealed_rows as rows
from postern.ids import SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.privacy.retention import Retention
from postern.records.model import Kind
from postern.sealed_rows import Row, Table
from postern.sealing.envelope import Context, open_sealed, seal
from postern.sealing.keyring import Keyring

RETENTION = Table(name="retention", thing="retention", scope="site_id")
PURPOSE = "retention"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How many records of one kind of one site's day went."""

    site: SiteId
    day: date
    kind: Kind
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteEnd:
    """Where a site stands after a run: pictures and keys of days before these are gone.

    `unreadable` rows went without their pictures being known, because their own key did not open them.
    """

    site: SiteId
    pictures_before: date
    keys_before: date
    pictures: int = 0
    keys: int = 0
    quarantined: int = 0
    unreadable: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionReport:
    """One run over a tenant's sites. `partitions` are the archive's months that were dropped whole."""

    id: UUID
    tenant: TenantId
    at: datetime
    ended: tuple[Ended, ...] = ()
    sites: tuple[SiteEnd, ...] = ()
    partitions: tuple[str, ...] = ()
    statutory_keys: int = 0
    visits: int = 0
    """Visits erased; each has a receipt of its own."""

    @property
    def rows(self) -> int:
        """Records that went."""
        return sum(one.rows for one in self.ended)


async def retention(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> Retention:
    """The site's times, or the defaults (version 0)."""
    found = await rows.many(tx, RETENTION, site, [UUID(int=site)])
    if not found:
        return Retention(site=site)
    return rows.open_document(
        await keyring.purpose_key(tenant, PURPOSE), tenant, RETENTION, found[0], Retention
    )


async def put_retention(tx: Transaction, keyring: Keyring, tenant: TenantId, wanted: Retention) -> Retention:
    """Store what was read at `wanted.version`, changed. Conflict when somebody else was faster."""
    stored = replace(wanted, version=wanted.version + 1)
    id = UUID(int=stored.site)
    sealed = rows.seal_document(await keyring.purpose_key(tenant, PURPOSE), tenant, RETENTION, id, stored)
    row = Row(scope=stored.site, id=id, version=stored.version, sealed=sealed)
    await (rows.insert if wanted.version == 0 else rows.update)(tx, RETENTION, row)
    return stored


async def put_report(tx: Transaction, keyring: Keyring, report: RetentionReport, day: date) -> None:
    """Keep the report of a run of that day."""
    key = await keyring.purpose_key(report.tenant, PURPOSE)
    sealed = seal(key, documents.to_bytes(report), _context(report.tenant, report.id))
    await tx.execute(
        "INSERT INTO retention_report (tenant_id, id, day, sealed) VALUES (%s, %s, %s, %s)",
        (report.tenant, report.id, day, sealed),
    )


async def reports(
    tx: Transaction, keyring: Keyring, tenant: TenantId, *, limit: int = 30
) -> Sequence[RetentionReport]:
    """The latest reports, newest first."""
    cursor = await tx.execute(
        "SELECT id, sealed FROM retention_report WHERE tenant_id = %s ORDER BY day DESC, id LIMIT %s",
        (tenant, limit),
    )
    key = await keyring.purpose_key(tenant, PURPOSE)
    found = [
        documents.from_bytes(RetentionReport, open_sealed(key, bytes(sealed), _context(tenant, id)))
        for id, sealed in await cursor.fetchall()
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _context(tenant: TenantId, id: UUID) -> Context:
    return Context(tenant=tenant, table="retention_report", column="sealed", row=id.bytes)
