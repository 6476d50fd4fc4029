"""What retention means for hours: books stand on their own before records go, and months go when the time of
such records is over. Hours of closed periods stay: the law keeps them."""

from __future__ import annotations

from datetime import date, timedelta

from postern.attendance import store
from postern.attendance.books import months_about, next_month
from postern.errors import NotFound
from postern.ids import PersonId, SiteId, TenantId
from postern.operations.attendance.rows import Page, remove_books
from postern.operations.attendance.settle import settle_hours
from postern.operations.services import Services

_LOOKED_BACK = timedelta(days=400)
"""A hub that was off for so long still finds the months that ended meanwhile."""


async def take_in_hours(services: Services, tenant: TenantId, site: SiteId) -> None:
    """Settle, so that no record is needed any more."""
    try:
        await settle_hours(services, tenant, site)
    except NotFound:
        return  # no hours are kept there


async def end_months(services: Services, tenant: TenantId, site: SiteId, *, before: date) -> int:
    """Delete the books of months of which every day is over; how many there were."""
    months = [one for one in months_about(before - _LOOKED_BACK, before) if next_month(one) <= before]
    async with services.database.transaction(tenant) as tx:
        if site not in await store.attendance_sites(tx):
            return 0
        await store.settings(tx, services.keyring, tenant, site, lock=True)
        people = await services.registry.people.everyone(tx, tenant)
        pages = [
            Page(site=site, person=PersonId(person), month=month) for person in people for month in months
        ]
        return await remove_books(services, tx, tenant, pages)
