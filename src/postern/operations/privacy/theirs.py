"""What is held of one person, vehicle or visit: gathered before an erasure, and tried again after it.

Trying means: every key that the keyring still gives out for the subject, on every copy taken before. So it
finds out what happened and does not repeat what should have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from psycopg import sql

from postern.attendance.sealed import month_context
from postern.clock import utc_day
from postern.errors import BadInput, CannotOpen, KeyDestroyed, NotFound
from postern.ids import PersonId, SiteId, TenantId
from postern.operations.attendance.rows import every_page, stored_months
from postern.operations.people.enrol import photo_context
from postern.operations.presence import rows as presence_rows
from postern.operations.privacy import lawful_requests
from postern.operations.services import Services
from postern.parking import store as parking
from postern.postgres.pool import Transaction
from postern.privacy.receipt import Tried
from postern.privacy.retention import LONGEST_DAYS
from postern.records import ending
from postern.records.model import (
    AttendanceRecord,
    CorrectionRecord,
    DecisionRecord,
    PresenceRecord,
    SealedRecord,
)
from postern.records.sealed import open_happening
from postern.sealing.envelope import Context, Key, open_sealed
from postern.sealing.keyring import Purpose
from postern.sealing.tags import day_tag
from postern.sites import store as sites
from postern.vehicles.plates import comparison_form

_ROWS = (
    ("person", "id", "id"),
    ("vehicle", "id", "id"),
    ("visit", "id", "id"),
    ("visit_letter", "visit_id", "id"),
    ("visit_reference", "visit_id", "id"),
    ("holding", "subject_id", "subject_id"),
    ("consent", "person_id", "id"),
    ("reference", "person_id", "id"),
    ("member", "person_id", "person_id"),
    ("member_link", "person_id", "id"),
    ("member_login", "person_id", "id"),
    ("member_request", "person_id", "id"),
    ("employment", "person_id", "person_id"),
    ("attendance_assignment", "person_id", "person_id"),
)
"""Tables with rows of a subject: the column that says whose, and the one whose value binds the seal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedCopy:
    """A sealed field as it was stored, and its place."""

    what: str
    context: Context
    sealed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedRecord:
    """A record of theirs. `picture`: the name of its evidence, where one was kept.

    `named`: it names their plate under the site's key alone, since the plate was nobody's at that time.
    """

    record: SealedRecord
    site_day: Key
    quarantined: bool
    picture: str | None = None
    named: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Theirs:
    """Everything that is held of a subject."""

    tenant: TenantId
    subject: UUID
    copies: tuple[SealedCopy, ...]
    records: tuple[ArchivedRecord, ...]
    photos: tuple[str, ...]
    plate: str | None = None
    """A vehicle's, where it is known still."""
    on_a_permit: bool = False
    """Whether a garage's permit names the plate."""
    in_the_register: bool = False
    """Whether a request of an authority in the register concerns them."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of everything in the picture store: enrolment photos and evidence."""
        evidence = {one.picture for one in self.records if one.picture is not None}
        return tuple(sorted(evidence | set(self.photos)))


async def gather(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    subject: UUID,
    *,
    photos: Sequence[str],
    plate: str | None,
    purposes: Sequence[Purpose],
) -> Theirs:
    """All that is sealed under the subject's keys of these purposes, and what names its plate."""
    tables = (
        {"reference", "visit_reference"} if Purpose.IDENTITY not in purposes else {name for name, *_ in _ROWS}
    )
    copies = [
        copy for table in _ROWS if table[0] in tables for copy in await _rows(tx, tenant, subject, table)
    ]
    if Purpose.MOVEMENT in purposes:
        copies += await _months(services, tx, tenant, subject)
    for name in photos:
        try:
            sealed = await services.pictures.get(name)
        except NotFound:
            continue
        copies.append(SealedCopy(what="photo", context=photo_context(tenant, name), sealed=sealed))
    if Purpose.MOVEMENT in purposes:
        known = await presence_rows.copies_of(services, tx, tenant, subject)
        copies += [SealedCopy(what="whereabouts", context=context, sealed=it) for context, it in known]
    records = await _records(services, tx, tenant, subject, plate) if Purpose.MOVEMENT in purposes else []
    return Theirs(
        tenant=tenant,
        subject=subject,
        copies=tuple(copies),
        records=tuple(records),
        photos=tuple(photos),
        plate=plate,
        on_a_permit=plate is not None and await _is_on_a_permit(services, tx, tenant, plate),
        in_the_register=await lawful_requests.is_named(services, tx, tenant, subject),
    )


async def _months(services: Services, tx: Transaction, tenant: TenantId, subject: UUID) -> list[SealedCopy]:
    """Their punches of every month, at every site."""
    pages = await every_page(services, tx, PersonId(subject))
    return [
        SealedCopy(what="hours", context=month_context(tenant, one.id), sealed=one.sealed)
        for one in await stored_months(services, tx, tenant, pages)
    ]


async def _is_on_a_permit(services: Services, tx: Transaction, tenant: TenantId, plate: str) -> bool:
    compared = comparison_form(plate)
    kept = [
        one.permit
        for site in await parking.garages(tx)
        for one in await parking.permits(tx, services.keyring, tenant, site)
    ]
    return any(comparison_form(named) == compared for permit in kept for named in permit.plates)


async def _rows(
    tx: Transaction, tenant: TenantId, subject: UUID, table: tuple[str, str, str]
) -> list[SealedCopy]:
    name, whose, bound = table
    query = sql.SQL("SELECT {}, sealed FROM {} WHERE tenant_id = %s AND {} = %s")
    cursor = await tx.execute(query.format(*map(sql.Identifier, (bound, name, whose))), (tenant, subject))
    return [
        SealedCopy(
            what=name,
            context=Context(tenant=tenant, table=name, column="sealed", row=id.bytes),
            sealed=bytes(sealed),
        )
        for id, sealed in await cursor.fetchall()
    ]


async def _records(
    services: Services, tx: Transaction, tenant: TenantId, subject: UUID, plate: str | None
) -> list[ArchivedRecord]:
    """By the tags of every day that has a key, at every site: the subject's, and its plate's own."""
    today = utc_day(services.clock.now())
    every = [one.id for one in await sites.sites(tx, services.keyring, tenant)]
    first, last = today - timedelta(days=LONGEST_DAYS), today + timedelta(days=2)
    keys = await services.keyring.site_day_keys(every, first=first, last=last)
    try:
        movement = await services.keyring.subject_key(tenant, subject, Purpose.MOVEMENT)
    except KeyDestroyed:
        movement = None
    wanted = [subject.bytes] + ([comparison_form(plate).encode()] if plate else [])
    found: list[ArchivedRecord] = []
    for site in every:
        days = {day: key for (one, day), key in keys.items() if one == site}
        for number, tagged in enumerate(wanted):
            found += await _tagged(tx, tenant, site, days, tagged, movement=movement, named=number > 0)
    return found


async def _tagged(
    tx: Transaction,
    tenant: TenantId,
    site: SiteId,
    days: Mapping[date, Key],
    tagged: bytes,
    *,
    movement: Key | None,
    named: bool,
) -> list[ArchivedRecord]:
    tags = [(day, day_tag(key, tagged)) for day, key in days.items()]
    found = []
    for quarantined in (False, True):
        for record in await ending.carrying(tx, site, tags, quarantined=quarantined):
            key = days[record.day]
            found.append(
                ArchivedRecord(
                    record=record,
                    site_day=key,
                    quarantined=quarantined,
                    picture=_picture(tenant, record, key, movement),
                    named=named,
                )
            )
    return found


def _picture(tenant: TenantId, record: SealedRecord, site_day: Key, movement: Key | None) -> str | None:
    try:
        opened = open_happening(
            record.sealed, tenant=tenant, key=record.key, site_day=site_day, movement=movement
        )
    except (CannotOpen, BadInput):
        return None  # changed by somebody: an alarm of whoever looks at it, not an obstacle here
    happening = opened.happening
    if isinstance(happening, DecisionRecord) and happening.picture is not None:
        return happening.picture.name
    return None


async def try_to_open(services: Services, theirs: Theirs, pictures: Sequence[str]) -> tuple[Tried, ...]:
    """Try everything gathered, and every picture by its name, with whatever is left."""
    keys: list[Key] = []
    for purpose in Purpose:
        try:
            keys.append(await services.keyring.subject_key(theirs.tenant, theirs.subject, purpose))
        except KeyDestroyed:
            continue
    tried: Counter[str] = Counter()
    opened: Counter[str] = Counter()
    for copy in theirs.copies:
        tried[copy.what] += 1
        opened[copy.what] += any(_opens(key, copy) for key in keys)
    for one in theirs.records:
        tried["record"] += 1
        opened["record"] += await _tells(services, theirs, one, keys)
    for name in pictures:
        tried["picture"] += 1
        opened["picture"] += await _is_there(services, name)
    return tuple(Tried(what=what, tried=tried[what], opened=opened[what]) for what in sorted(tried))


def _opens(key: Key, copy: SealedCopy) -> bool:
    try:
        open_sealed(key, copy.sealed, copy.context)
    except CannotOpen:
        return False
    return True


async def _tells(services: Services, theirs: Theirs, one: ArchivedRecord, keys: Sequence[Key]) -> bool:
    """Whether the archive, as it is now, still tells of this record whose it was."""
    async with services.database.transaction(theirs.tenant) as tx:
        found = await ending.find(tx, one.record, quarantined=one.quarantined)
    if found is None:
        return False
    if found.tag is not None and found.tag == one.record.tag:
        return True  # whoever knows the subject's id finds it among the others
    return any(_names(theirs.tenant, found, one.site_day, movement) for movement in (None, *keys))


def _names(tenant: TenantId, record: SealedRecord, site_day: Key, movement: Key | None) -> bool:
    try:
        opened = open_happening(
            record.sealed, tenant=tenant, key=record.key, site_day=site_day, movement=movement
        ).happening
    except (CannotOpen, BadInput):
        return False
    if isinstance(opened, CorrectionRecord):
        return bool(opened.plate)
    if isinstance(opened, PresenceRecord):
        return opened.subject is not None
    if isinstance(opened, AttendanceRecord):
        return opened.person is not None
    named = isinstance(opened, DecisionRecord) and (opened.subject or opened.plate or opened.picture)
    return bool(named)


async def _is_there(services: Services, name: str) -> bool:
    try:
        await services.pictures.get(name)
    except NotFound:
        return False
    return True
