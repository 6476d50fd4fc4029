"""What every operation on hours begins with: whose they are, where, and whether their day is still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.attendance import store
from postern.attendance.books import MonthBook, months_about
from postern.attendance.model import Correction, Punch
from postern.attendance.periods import PeriodEntry, closing_of
from postern.errors import Conflict, NotFound
from postern.ids import PersonId, SiteId, TenantId
from postern.operations.attendance.people import Employed, employed
from postern.operations.attendance.rows import Page, SealedBook, sealed_books
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.sealed_rows import off_the_loop
from postern.sites import store as sites
from postern.sites.model import zone_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """Somebody's punches and corrections of some months, at every site together."""

    months: tuple[MonthBook, ...] = ()

    @property
    def punches(self) -> tuple[Punch, ...]:
        """All of them."""
        return tuple(punch for one in self.months for punch in one.punches)

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """All of them, whatever became of them."""
        return tuple(correction for one in self.months for correction in one.corrections)

    def correction(self, id: UUID) -> tuple[Correction, SiteId]:
        """The one of that id, and at which site it was asked for. Raises NotFound."""
        for book in self.months:
            for one in book.corrections:
                if one.id == id:
                    return one, book.site
        raise NotFound("there is no such correction; reload the page")

    def punch(self, id: UUID) -> Punch | None:
        """The one of that id."""
        return next((one for one in self.punches if one.id == id), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedBooks:
    """Somebody's books as they are stored, with the keys that open them."""

    months: tuple[SealedBook, ...] = ()

    def open(self) -> Books:
        """Raises CannotOpen where one was changed or moved."""
        return Books(months=tuple(one.open() for one in self.months))


@dataclass(frozen=True, kw_only=True, slots=True)
class At:
    """Whose hours, at which site, by which wall clock."""

    employed: Employed
    zone: ZoneInfo
    periods: tuple[PeriodEntry, ...]

    @property
    def site(self) -> SiteId:
        """Which keeps them."""
        return self.employed.site

    def day_of(self, at: datetime) -> date:
        """The day that the site's wall calendar shows then."""
        return at.astimezone(self.zone).date()

    def check_open(self, *days: date) -> None:
        """Raises Conflict for a day whose period is closed."""
        if any(closing_of(self.periods, day) is not None for day in days):
            raise Conflict("the period of this day is closed; whoever closed it has to reopen it first")


async def at_desk(services: Services, tx: Transaction, tenant: TenantId, person: PersonId, day: date) -> At:
    """Where that day of the person belongs. Raises NotFound."""
    found = await employed(services, tx, tenant, person, first=day, last=day)
    place = await sites.site(tx, services.keyring, tenant, found.site)
    return At(
        employed=found,
        zone=zone_of(place.time_zone),
        periods=await store.period_entries(tx, services.keyring, tenant, found.site),
    )


async def books_of(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    people: Sequence[PersonId],
    *,
    first: date,
    last: date,
) -> dict[PersonId, Books]:
    """Everybody's books that tell of these days, at every site that keeps hours."""
    found = await sealed_books_of(services, tx, tenant, people, first=first, last=last)

    def opened(found: Sequence[tuple[PersonId, SealedBooks]]) -> dict[PersonId, Books]:
        return {person: sealed.open() for person, sealed in found}

    return await off_the_loop(opened, list(found.items()))


async def sealed_books_of(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    people: Sequence[PersonId],
    *,
    first: date,
    last: date,
) -> dict[PersonId, SealedBooks]:
    """The same, not opened yet."""
    months, everywhere = months_about(first, last), await store.attendance_sites(tx)
    pages = [
        Page(site=site, person=person, month=month)
        for person in people
        for site in everywhere
        for month in months
    ]
    found = await sealed_books(services, tx, tenant, pages)
    by_person: dict[PersonId, list[SealedBook]] = {}
    for one in sorted(found, key=lambda one: (one.page.month, one.page.site)):
        by_person.setdefault(one.page.person, []).append(one)
    return {person: SealedBooks(months=tuple(by_person.get(person, ()))) for person in people}
