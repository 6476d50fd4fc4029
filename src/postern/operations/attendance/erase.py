"""What sites hold of somebody's hours, taken away: rosters and open months. Closed periods stay by law."""

from __future__ import annotations

from postern.attendance import store
from postern.ids import PersonId, TenantId
from postern.operations.attendance.rows import every_page, remove_books
from postern.operations.services import Services
from postern.postgres.pool import Transaction


async def forget_hours(services: Services, tx: Transaction, tenant: TenantId, person: PersonId) -> None:
    """As part of `tx`; nobody writes the books of a site meanwhile. Repeating it changes nothing."""
    for site in await store.attendance_sites(tx):
        await store.settings(tx, services.keyring, tenant, site, lock=True)
    await store.remove_assignment(tx, tenant, person)
    await remove_books(services, tx, tenant, await every_page(services, tx, person))
