"""MonthBooks as rows of the projection: found by who and when with the tenant's key, sealed per person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from postern.attendance import store
from postern.attendance.books import MonthBook, months_about
from postern.attendance.sealed import open_month, seal_month
from postern.clock import utc_day
from postern.ids import PersonId, SiteId, TenantId
from postern.operations.services import Services
from postern.parking.naming import Naming
from postern.postgres.pool import Transaction
from postern.privacy.retention import LONGEST_DAYS
from postern.sealed_rows import off_the_loop
from postern.sealing.envelope import Key
from postern.sealing.keyring import Purpose

MONTHS = 30
"""The kind of projection."""
NAMES = "attendance/names"

_PUT = """
INSERT INTO projection AS p (site_id, kind, id, version, sealed) VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (site_id, kind, id) DO UPDATE SET version = p.version + 1, sealed = excluded.sealed"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Which book: whose, of which site and month."""

    site: SiteId
    person: PersonId
    month: date


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMonth:
    """A month as it is stored, sealed."""

    id: UUID
    sealed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedBook:
    """A stored month, with the page that it is and the key that opens it."""

    tenant: TenantId
    page: Page
    stored: StoredMonth
    key: Key

    def open(self) -> MonthBook:
        """Raises CannotOpen where it was changed or moved."""
        return open_month(self.stored.sealed, tenant=self.tenant, id=self.stored.id, movement=self.key)


async def naming(services: Services, tenant: TenantId) -> Naming:
    """Gives each page the id of its row; nobody without the key tells whose a row is."""
    return Naming(key=await services.keyring.purpose_key(tenant, NAMES))


def page_id(names: Naming, page: Page) -> UUID:
    """The id of the page's row."""
    return names.named(f"month|{page.site}|{page.person}|{page.month}")


async def load_books(
    services: Services, tx: Transaction, tenant: TenantId, pages: Iterable[Page]
) -> dict[Page, MonthBook]:
    """Those that are there and whose person's key is."""

    def opened(found: Sequence[SealedBook]) -> dict[Page, MonthBook]:
        return {one.page: one.open() for one in found}

    return await off_the_loop(opened, await sealed_books(services, tx, tenant, pages))


async def sealed_books(
    services: Services, tx: Transaction, tenant: TenantId, pages: Iterable[Page]
) -> list[SealedBook]:
    """The same, not opened yet."""
    by_site = _by_site(await naming(services, tenant), pages)
    found = [
        (by_id[stored.id], stored)
        for site, by_id in by_site.items()
        for stored in await _stored(tx, site, by_id)
    ]
    people = list({page.person for page, _ in found})
    keys = await services.keyring.subject_keys(tenant, people, Purpose.MOVEMENT)
    return [
        SealedBook(tenant=tenant, page=page, stored=stored, key=keys[page.person])
        for page, stored in found
        if page.person in keys
    ]


async def keep_books(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, books: Mapping[Page, MonthBook]
) -> None:
    """Put each in place of what was there; whoever was erased meanwhile is left out."""
    names = await naming(services, tenant)
    people = list({page.person for page in books})
    keys = await services.keyring.subject_keys(tenant, people, Purpose.MOVEMENT)

    def sealed(books: Sequence[tuple[Page, MonthBook]]) -> list[tuple[SiteId, int, UUID, bytes]]:
        made = []
        for page, book in books:
            if page.person in keys:
                id = page_id(names, page)
                whole = seal_month(book, tenant=tenant, id=id, movement=keys[page.person])
                made.append((site, MONTHS, id, whole))
        return made

    made = await off_the_loop(sealed, list(books.items()))
    async with tx.cursor() as cursor:
        await cursor.executemany(_PUT, made)


async def every_page(services: Services, tx: Transaction, person: PersonId) -> list[Page]:
    """Every page that the person may have, at every site that keeps hours."""
    today = utc_day(services.clock.now())
    months = months_about(today - timedelta(days=LONGEST_DAYS), today)
    found = await store.attendance_sites(tx)
    return [Page(site=site, person=person, month=month) for site in found for month in months]


async def stored_months(
    services: Services, tx: Transaction, tenant: TenantId, pages: Iterable[Page]
) -> list[StoredMonth]:
    """Their rows, unopened."""
    by_site = _by_site(await naming(services, tenant), pages)
    return [stored for site, by_id in by_site.items() for stored in await _stored(tx, site, by_id)]


async def _stored(tx: Transaction, site: SiteId, ids: Iterable[UUID]) -> list[StoredMonth]:
    rows = await tx.execute(
        "SELECT id, sealed FROM projection WHERE site_id = %s AND kind = %s AND id = ANY(%s)",
        (site, MONTHS, list(ids)),
    )
    return [StoredMonth(id=id, sealed=bytes(it)) for id, it in await rows.fetchall()]


def _by_site(names: Naming, pages: Iterable[Page]) -> dict[SiteId, dict[UUID, Page]]:
    found: dict[SiteId, dict[UUID, Page]] = {}
    for page in pages:
        found.setdefault(page.site, {})[page_id(names, page)] = page
    return found


async def remove_books(services: Services, tx: Transaction, tenant: TenantId, pages: Iterable[Page]) -> int:
    """Delete these rows, whether they open or not; how many there were."""
    names = await naming(services, tenant)
    gone = 0
    for site, ids in _by_site(names, pages).items():
        deleted = await tx.execute(
            "DELETE FROM projection WHERE site_id = %s AND kind = %s AND id = ANY(%s)",
            (site, MONTHS, list(ids)),
        )
        gone += deleted.rowcount
    return gone
