"""Take the rows of the database as they stand for those in force (`row_marks.py`).

Done where nobody could have marked them before: at the first start of a release that marks, after a restore,
and when somebody who wrote in the database by hand says so.
"""

from __future__ import annotations

from uuid import UUID

from postern import sealed_rows as rows
from postern.access import presence_store
from postern.access import store as access
from postern.ids import TenantId
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.operators import api_keys, provider_store
from postern.operators import store as operators
from postern.people.employment_store import EMPLOYMENT
from postern.postgres.pool import Transaction
from postern.sites import agents
from postern.sites import store as sites

JOB = "job:marks"
Forms = dict[str, dict[UUID, bytes]]
"""Of rows, by kind and id."""


async def mark_once(services: Services) -> None:
    """Mark every row, unless that was done."""
    if not await services.keyring.marks.are_kept():
        await mark_rows(services, why="the first start of a release that remembers rows")


async def mark_rows(services: Services, *, why: str) -> int:
    """Forget what was in force, and mark every row as it stands; how many. In each tenant's journal.

    Cut off, it is done again by `mark_once` at the next start.
    """
    marks = services.keyring.marks
    await marks.forget_all()
    count = 0
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            every = await _of_operators(services, tx, tenant) | await _of_the_registry(services, tx, tenant)
            for kind, forms in every.items():
                await marks.note(tenant, kind, forms)
            marked = sum(len(forms) for forms in every.values())
            await trace_as(
                services,
                tx,
                tenant,
                JOB,
                Act.CHANGED,
                purpose=why,
                detail=f"{marked} rows taken as they stand",
            )
        count += marked
    await marks.keep()
    return count


async def put_back(services: Services, tenant: TenantId, *, registry: bool = False) -> dict[str, int]:
    """How many of the tenant's rows are not in force, by kind; of the registry's, too, if asked for.

    Those that are in force are seen: what was in force before them never comes back.
    """
    async with services.database.transaction(tenant) as tx:
        every = await _of_operators(services, tx, tenant)
        if registry:
            every |= await _of_the_registry(services, tx, tenant)
    found = {
        kind: len(set(forms) - await services.keyring.marks.standing(tenant, kind, forms))
        for kind, forms in every.items()
    }
    return {kind: count for kind, count in found.items() if count}


async def _of_operators(services: Services, tx: Transaction, tenant: TenantId) -> Forms:
    here = [one.id for one in await sites.sites(tx, services.keyring, tenant)]
    return (
        await operators.forms(tx, tenant)
        | await provider_store.forms(tx, tenant)
        | await api_keys.forms(tx, tenant)
        | await agents.forms(tx, here)
    )


async def _of_the_registry(services: Services, tx: Transaction, tenant: TenantId) -> Forms:
    every: Forms = {}
    for table in (access.HOLDING, access.LEVEL, access.SCHEDULE, EMPLOYMENT):
        every[table.name] = rows.forms(await rows.many(tx, table, tenant))
    for site in await sites.sites(tx, services.keyring, tenant):
        for table in (sites.AREA, sites.DOOR, sites.ACCESS_POINT, sites.READER):
            every.setdefault(table.name, {}).update(rows.forms(await rows.many(tx, table, site.id)))
        for kind, forms in (await presence_store.forms(tx, site.id)).items():
            every.setdefault(kind, {}).update(forms)
    return every
