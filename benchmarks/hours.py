"""Timesheets of many people for one month, from their sealed books: seconds, and memory on top.

    python -m benchmarks.hours [PEOPLE]

Both databases are embedded, with fsync. Everybody works by a roster in March 2026, four punches a day, with
February's books and April's first days beside them, as a real month has. Read, opened and reckoned is all of
it, as a period is closed. Beside it, in the same run: the pure function alone over books that are open
already, the limit that sealing and the database could reach at best.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from uuid import UUID

from benchmarks.measure import say
from postern.access.model import DaySpan
from postern.attendance import store
from postern.attendance.books import MonthBook, next_month
from postern.attendance.model import Direction, Punch, PunchSource
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.roster import BreakPattern, Roster, ShiftPattern, WeeklyShift
from postern.attendance.settings import Assigned, Assignment, AttendanceSettings, RosterKept
from postern.attendance.timesheet import Terms, grounds
from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.ids import PersonId, SiteId, TenantId, new_id
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.attendance.people import employed_at
from postern.operations.attendance.reckon import reckoned, rules_of
from postern.operations.attendance.rows import Page, keep_books
from postern.operations.services import Services
from postern.operations.sites import places as sites
from postern.operators.model import Actor, Role
from postern.people import store as people_store
from postern.people.model import Person, PersonDetails
from postern.postgres.embedded import Cluster
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database
from postern.sites.model import zone_of

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 3, 8, tzinfo=UTC)
ZONE = "Europe/Berlin"
PAY = PayProfile(jurisdiction=Jurisdiction("de"))
ROSTER = Roster(
    weekly=(
        WeeklyShift(
            weekdays=frozenset(range(5)),
            pattern=ShiftPattern(
                name="Day",
                hours=DaySpan(start=clock_time(8), end=clock_time(16, 30)),
                breaks=(BreakPattern(hours=DaySpan(start=clock_time(12), end=clock_time(12, 30))),),
            ),
        ),
    )
)
_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Works:
    """A site with its people's hours."""

    services: Services
    tenant: TenantId
    site: SiteId
    people: tuple[PersonId, ...]
    sample: tuple[Punch, ...]


async def run(people: int = 10_000) -> None:
    """Measure and print."""
    async with services() as hub:
        works = await filled(hub, people)
        async with hub.database.transaction(works.tenant) as tx:
            rules = await rules_of(hub, tx, works.tenant, works.site)
            began = time.perf_counter()
            who = await employed_at(hub, tx, works.tenant, works.site, first=FIRST, last=LAST)
        opened = time.perf_counter() - began
        before, began, worked = _peak_anew_mb(), time.perf_counter(), time.process_time()
        minutes = days = 0
        async for one in reckoned(hub, works.tenant, rules, who, first=FIRST, last=LAST):
            minutes += one.timesheet.totals.worked
            days += len(one.timesheet.days)
        whole, worked = time.perf_counter() - began, time.process_time() - worked
        more = _peak_mb() - before
        say(f"hours: timesheets of {people:,} people, one month, from sealed books")
        say(f"  the registry opened, once in a hub's life      {opened:>8.1f} s")
        say(f"  read, opened and reckoned                      {whole:>8.1f} s   {more:,.0f} MB on top")
        say(f"  of it this process at work                     {worked:>8.1f} s")
        say(f"  a timesheet, this process at work              {1000 * worked / people:>8.2f} ms")
        say(f"  the pure function alone, over open books       {_limit(works.sample):>8.2f} ms")
        if not minutes or days != people * 31:
            raise SystemExit("hours are missing: look at what was filled in")


def _limit(punches: tuple[Punch, ...]) -> float:
    terms = Terms(roster=ROSTER, zone=zone_of(ZONE), pairing=_settings(SiteId(1)).pairing, profile=PAY)
    shared = grounds(terms, FIRST, LAST)
    began = time.process_time()
    for _ in range(100):
        shared.timesheet(PersonId(UUID(int=1)), punches, (), at=NOW)
    return (time.process_time() - began) * 1000 / 100


def _settings(site: SiteId) -> AttendanceSettings:
    return AttendanceSettings(site=site, pay=PAY)


def _peak_anew_mb() -> float:
    """The memory in use, from which on a peak is seen: filling in needed more than reckoning does."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak_mb()


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@asynccontextmanager
async def services() -> AsyncIterator[Services]:
    """A hub on two embedded clusters, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        folder = Path(name)
        (folder / "pictures").mkdir(mode=0o700)
        made = [
            Cluster(folder / kind, name=kind, sockets=folder / "run", logs=folder / "log")
            for kind in ("data", "keystore")
        ]
        for cluster in made:
            await cluster.start()
        try:
            async with (
                Database.open(made[0].conninfo()) as database,
                Database.open(made[1].conninfo()) as keystore,
            ):
                await migrate(database, "hub")
                await migrate(keystore, "keystore")
                root = UnattendedKeyFile.create(folder / "root.key")
                yield Services(
                    database=database,
                    keyring=PostgresKeyring(keystore, root),
                    pictures=PictureFolder(folder / "pictures"),
                    clock=SetClock(NOW),
                )
        finally:
            for cluster in made:
                await cluster.stop()


async def filled(hub: Services, count: int) -> Works:
    """People with a roster, and the books of three months of each."""
    tenant = (await sites.create_tenant(hub, "Works")).id
    actor = Actor(tenant=tenant, name="bench", role=Role.ADMINISTRATOR)
    site = (await sites.create_site(hub, actor, name="Works", time_zone=ZONE, country="DE")).id
    roster = RosterKept(id=new_id(), name="Day", roster=ROSTER)
    async with hub.database.transaction(tenant) as tx:
        await store.put_settings(tx, hub.keyring, tenant, _settings(site))
        await store.put_roster(tx, hub.keyring, tenant, site, roster)
    people = [PersonId(new_id()) for _ in range(count)]
    chance = random.Random(31)  # noqa: S311 - drawn punches
    sample: tuple[Punch, ...] = ()
    for start in range(0, count, _AT_ONCE):
        some = people[start : start + _AT_ONCE]
        await hub.keyring.new_keys_of_all(tenant, some)
        books = {page: book for one in some for page, book in drawn(site, one, chance).items()}
        sample = sample or tuple(
            punch for page, book in books.items() if page.person == some[0] for punch in book.punches
        )
        async with hub.database.transaction(tenant) as tx:
            persons = [
                Person(
                    id=one,
                    tenant=tenant,
                    version=1,
                    details=PersonDetails(name=f"Worker {number}", home_site=site),
                )
                for number, one in enumerate(some, start)
            ]
            await people_store.add_all(tx, hub.keyring, tenant, persons)
            assigned = (Assigned(since=date(2026, 1, 1), roster=roster.id),)
            fresh = [Assignment(person=one, rosters=assigned) for one in some]
            await store.add_assignments(tx, hub.keyring, tenant, fresh)
            await keep_books(hub, tx, tenant, site, books)
    return Works(services=hub, tenant=tenant, site=site, people=tuple(people), sample=sample)


def drawn(site: SiteId, person: PersonId, chance: random.Random) -> dict[Page, MonthBook]:
    """Four punches on each weekday from February to the second of April."""
    books: dict[Page, MonthBook] = {}
    month = date(2026, 2, 1)
    while month <= NOW.date():
        ending = min(next_month(month), NOW.date())
        days = [month + timedelta(days=n) for n in range((ending - month).days)]
        punches = [punch for day in days if day.weekday() < 5 for punch in _of_day(site, day, chance)]
        book = MonthBook(site=site, person=person, month=month, punches=tuple(punches))
        books[Page(site=site, person=person, month=month)] = book
        month = next_month(month)
    return books


def _of_day(site: SiteId, day: date, chance: random.Random) -> list[Punch]:
    moments = ((8, 0, Direction.IN), (12, 0, Direction.OUT), (12, 30, Direction.IN), (16, 30, Direction.OUT))
    return [
        Punch(
            id=UUID(int=chance.getrandbits(128), version=4),
            at=datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone_of(ZONE)).astimezone(UTC)
            + timedelta(seconds=chance.randrange(-240, 240)),
            direction=direction,
            source=PunchSource.CARD,
            site=site,
        )
        for hour, minute, direction in moments
    ]


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
