"""Garages in the database: settings, tariffs, permits, merchants, and how far the books have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar
from uuid import UUID

from postern import sealed_rows as rows
from postern.errors import Conflict, NotFound
from postern.ids import AgentId, SiteId, TenantId
from postern.parking.rules import GarageSettings, MerchantKept, PermitKept, TariffInForce
from postern.parking.tariff_data import dump_tariff, load_tariff
from postern.postgres.pool import Transaction
from postern.records.cursor import Cursor
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring

PERMIT = Table(name="parking_permit", thing="permit", scope="site_id")
MERCHANT = Table(name="parking_merchant", thing="merchant", scope="site_id")
PURPOSE = "parking"
"""The purpose key of permits, merchants, references of the ledger, and receipts of nobody registered."""

Kept = TypeVar("Kept", PermitKept, MerchantKept)

_HOUR = timedelta(hours=1)


async def garage(tx: Transaction, site: SiteId, *, lock: bool = False) -> GarageSettings:
    """The garage's settings; with `lock`, nobody else writes its books until `tx` ends. Raises NotFound."""
    cursor = await tx.execute(
        "SELECT version, bays, currency, vehicle_class, stale_hours, special_days FROM parking_garage"  # noqa: S608
        f" WHERE site_id = %s{' FOR UPDATE' if lock else ''}",
        (site,),
    )
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("this site is no garage; set its bays and its tariff first")
    version, bays, currency, vehicle_class, hours, special_days = found
    return GarageSettings(
        site=site,
        bays=bays,
        currency=currency,
        vehicle_class=vehicle_class,
        stale_after=hours * _HOUR,
        special_days=frozenset(special_days),
        version=version,
    )


async def garages(tx: Transaction) -> list[SiteId]:
    """The sites of the tenant that are garages."""
    cursor = await tx.execute("SELECT site_id FROM parking_garage ORDER BY site_id")
    return [SiteId(site) for (site,) in await cursor.fetchall()]


async def put_garage(tx: Transaction, wanted: GarageSettings) -> GarageSettings:
    """Make the site a garage (version 0), or change it. Conflict when somebody else was faster, or when the
    currency would change under a running ledger."""
    new = replace(wanted, version=wanted.version + 1)
    cursor = await tx.execute(
        "INSERT INTO parking_garage AS g"
        " (site_id, version, bays, currency, vehicle_class, stale_hours, special_days)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (site_id) DO UPDATE SET version = excluded.version, bays = excluded.bays,"
        " vehicle_class = excluded.vehicle_class, stale_hours = excluded.stale_hours,"
        " special_days = excluded.special_days"
        " WHERE g.version = %s AND g.currency = excluded.currency",
        (
            new.site,
            new.version,
            new.bays,
            new.currency,
            new.vehicle_class,
            new.stale_after // _HOUR,
            sorted(new.special_days),
            wanted.version,
        ),
    )
    if cursor.rowcount != 1:
        raise Conflict(
            "the garage was changed meanwhile, or its currency would change under its ledger; reload it"
        )
    return new


async def outdate(tx: Transaction, site: SiteId) -> None:
    """Whoever has the garage's books open reads them again: something was changed beside them."""
    await tx.execute("UPDATE parking_garage SET version = version + 1 WHERE site_id = %s", (site,))


async def tariffs(tx: Transaction, site: SiteId) -> tuple[TariffInForce, ...]:
    """Every tariff that was ever set, in the order in which they came into force."""
    cursor = await tx.execute(
        "SELECT number, since, document FROM parking_tariff WHERE site_id = %s ORDER BY number", (site,)
    )
    return tuple(
        TariffInForce(number=number, since=since, tariff=load_tariff(document))
        for number, since, document in await cursor.fetchall()
    )


async def add_tariff(tx: Transaction, site: SiteId, one: TariffInForce) -> None:
    """Keep another tariff. Conflict when its number is taken."""
    cursor = await tx.execute(
        "INSERT INTO parking_tariff (site_id, number, since, document) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (site, one.number, one.since, dump_tariff(one.tariff)),
    )
    if cursor.rowcount != 1:
        raise Conflict("another tariff was set meanwhile; reload and look at it")


async def permits(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId
) -> tuple[PermitKept, ...]:
    """Every permit of the garage, ended ones too."""
    return await _kept(tx, keyring, tenant, site, PERMIT, kind=PermitKept)


async def put_permit(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, one: PermitKept
) -> PermitKept:
    """Add a permit (version 0) or change one. Conflict when somebody else was faster."""
    return await _put(tx, keyring, tenant, site, PERMIT, one=one)


async def merchants(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId
) -> tuple[MerchantKept, ...]:
    """Every merchant of the garage, ended ones too."""
    return await _kept(tx, keyring, tenant, site, MERCHANT, kind=MerchantKept)


async def put_merchant(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, one: MerchantKept
) -> MerchantKept:
    """Add a merchant (version 0) or change one. Conflict when somebody else was faster."""
    return await _put(tx, keyring, tenant, site, MERCHANT, one=one)


async def _kept(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, table: Table, *, kind: type[Kept]
) -> tuple[Kept, ...]:
    key = await keyring.purpose_key(tenant, PURPOSE)
    found = await rows.many(tx, table, site)
    opened = [(row, rows.open_document(key, tenant, table, row, kind)) for row in found]
    return tuple(replace(one, version=row.version) for row, one in opened)


async def _put(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, table: Table, *, one: Kept
) -> Kept:
    key = await keyring.purpose_key(tenant, PURPOSE)
    new = replace(one, version=one.version + 1)
    sealed = rows.seal_document(key, tenant, table, one.id, new)
    row = Row(scope=site, id=one.id, version=new.version, sealed=sealed)
    await (rows.insert if one.version == 0 else rows.update)(tx, table, row)
    return new


async def cursors(tx: Transaction, site: SiteId) -> dict[AgentId, Cursor]:
    """How far the books have come with each agent."""
    cursor = await tx.execute(
        "SELECT agent_id, upto, missing FROM parking_cursor WHERE site_id = %s", (site,)
    )
    return {
        AgentId(agent): Cursor(agent=AgentId(agent), upto=upto, missing=tuple(missing))
        for agent, upto, missing in await cursor.fetchall()
    }


async def put_cursors(tx: Transaction, site: SiteId, moved: Sequence[Cursor]) -> None:
    """The books have come so far: in the very transaction in which they are written."""
    statement = (
        "INSERT INTO parking_cursor (site_id, agent_id, upto, missing) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (site_id, agent_id) DO UPDATE SET upto = excluded.upto, missing = excluded.missing"
    )
    for one in moved:
        await tx.execute(statement, (site, one.agent, one.upto, list(one.missing)))


async def note_once(tx: Transaction, site: SiteId, tag: bytes, day: date) -> bool:
    """Whether this is the first time; from now on it is not."""
    cursor = await tx.execute(
        "INSERT INTO parking_notice (site_id, tag, day) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (site, tag, day),
    )
    return cursor.rowcount == 1


async def was_noted(tx: Transaction, site: SiteId, tags: Sequence[bytes]) -> bool:
    """Whether any of these was noted."""
    statement = "SELECT 1 FROM parking_notice WHERE site_id = %s AND tag = ANY(%s) LIMIT 1"
    cursor = await tx.execute(statement, (site, list(tags)))
    return await cursor.fetchone() is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptRow:
    """A receipt as stored. `whose`: the sealed id of the vehicle whose key sealed it, or of none."""

    id: UUID
    day: date
    whose: bytes
    sealed: bytes


async def add_receipts(tx: Transaction, site: SiteId, receipts: Sequence[ReceiptRow]) -> None:
    """Keep receipts; one that is there already stays as it is."""
    statement = (
        "INSERT INTO parking_receipt (site_id, id, day, whose, sealed) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING"
    )
    async with tx.cursor() as cursor:
        await cursor.executemany(
            statement, [(site, one.id, one.day, one.whose, one.sealed) for one in receipts]
        )


async def receipt(tx: Transaction, site: SiteId, id: UUID) -> ReceiptRow:
    """The receipt. Raises NotFound."""
    cursor = await tx.execute(
        "SELECT day, whose, sealed FROM parking_receipt WHERE site_id = %s AND id = %s", (site, id)
    )
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such receipt")
    return ReceiptRow(id=id, day=found[0], whose=bytes(found[1]), sealed=bytes(found[2]))


async def receipts_of(tx: Transaction, site: SiteId, *, first: date, last: date) -> list[UUID]:
    """The receipts of these days."""
    cursor = await tx.execute(
        "SELECT id FROM parking_receipt WHERE site_id = %s AND day BETWEEN %s AND %s ORDER BY day, id",
        (site, first, last),
    )
    return [id for (id,) in await cursor.fetchall()]


async def recorder(tx: Transaction, site: SiteId) -> tuple[AgentId, int] | None:
    """The number under which the hub records at the site, and its last seq."""
    cursor = await tx.execute("SELECT agent_id, seq FROM hub_recorder WHERE site_id = %s", (site,))
    found = await cursor.fetchone()
    return None if found is None else (AgentId(found[0]), int(found[1]))


async def make_recorder(tx: Transaction, site: SiteId, agent: AgentId) -> None:
    """Let the hub record under that number, unless it has one already."""
    await tx.execute(
        "INSERT INTO hub_recorder (site_id, agent_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (site, agent)
    )


async def take_seqs(tx: Transaction, site: SiteId, count: int) -> tuple[AgentId, int] | None:
    """The hub's number at the site and the first of `count` seqs for it; others wait until `tx` ends."""
    cursor = await tx.execute(
        "UPDATE hub_recorder SET seq = seq + %s WHERE site_id = %s RETURNING agent_id, seq", (count, site)
    )
    found = await cursor.fetchone()
    return None if found is None else (AgentId(found[0]), int(found[1]) - count + 1)
