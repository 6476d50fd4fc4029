"""What is held about a person, for that person: everything, and who looked. Journalled before it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from postern.access import store as access
from postern.access.model import AccessLevel, Credential, CredentialKind, SubjectKind
from postern.clock import utc_day
from postern.ids import SiteId, TenantId
from postern.journal import store as journal
from postern.journal.model import Act
from postern.operations.archive.search import passages_at
from postern.operations.archive.wall import Passing
from postern.operations.attendance.desk import books_of
from postern.operations.operators.members import trace_own
from postern.operations.privacy import lawful_requests
from postern.operations.privacy import texts as privacy_texts
from postern.operations.privacy.jurisdiction import kept_at
from postern.operations.services import Services
from postern.people import employment_store
from postern.people import store as people
from postern.people.employment import Contractor, Employments
from postern.people.model import PersonDetails
from postern.postgres.pool import Transaction
from postern.privacy import request_store
from postern.privacy import store as privacy
from postern.privacy.lawful import LawfulRequest
from postern.privacy.member import JOURNAL_NAME, Member
from postern.privacy.model import Consent
from postern.privacy.requests import OwnRequest
from postern.privacy.texts import Ground
from postern.records.model import Kind
from postern.sites import store as sites
from postern.sites.model import Site

PASSAGE_DAYS = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnCredential:
    """What opens doors for the person; a card's and a QR code's value only by its end."""

    kind: str
    shown: str
    revoked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnAccess:
    """Where it lets them, and for how long."""

    level: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnVehicle:
    """A vehicle they keep."""

    plate: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnEmployment:
    """For whom they work, since when; `employer` empty: the organisation itself."""

    first: date
    last: date | None
    employer: str
    occupation: str
    site: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPassage:
    """A door that was asked to open for them, or for a vehicle they keep (`plate`)."""

    at: datetime
    site: str
    access_point: str
    by: str
    granted: bool
    reason: str
    outcome: str
    has_picture: bool
    plate: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPunch:
    """A time at which they came or went, as hours are kept from it, before corrections."""

    at: datetime
    direction: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnVisit:
    """A visit that names them as its host; who comes is the visitor's own, and not told here."""

    start: datetime | None
    end: datetime | None
    site: str
    state: str
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnLook:
    """An entry of the journal about them."""

    at: datetime
    actor: str
    act: str
    purpose: str
    case: str

    @property
    def by_oneself(self) -> bool:
        """Whether it was the person themself."""
        return self.actor == JOURNAL_NAME


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFor:
    """For how many days a site keeps records and pictures of passages."""

    site: str
    days: int
    picture_days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """All of it as of `made_at`. Passages since `since`, latest first; looks, latest first."""

    made_at: datetime
    organisation: str
    details: PersonDetails
    home_site: str
    consents: tuple[Consent, ...]
    face_references: int
    photo_kept: bool
    credentials: tuple[OwnCredential, ...]
    blocked: bool
    access: tuple[OwnAccess, ...]
    vehicles: tuple[OwnVehicle, ...]
    visits: tuple[OwnVisit, ...]
    employments: tuple[OwnEmployment, ...]
    since: date
    passages: tuple[OwnPassage, ...]
    punches: tuple[OwnPunch, ...]
    kept_for: tuple[KeptFor, ...]
    requests: tuple[OwnRequest, ...]
    authorities: tuple[LawfulRequest, ...]
    grounds: tuple[Ground, ...]
    looks: tuple[OwnLook, ...]


async def held(services: Services, member: Member, *, exported: bool = False) -> Held:
    """Everything about the person, for themself. `exported`: it leaves as a file."""
    tenant, person = member.tenant, member.person
    act = Act.EXPORTED if exported else Act.LOOKED
    async with services.database.transaction(tenant) as tx:
        await trace_own(services, tx, member, act, purpose="own data")
    today = utc_day(services.clock.now())
    since = today - timedelta(days=PASSAGE_DAYS)
    async with services.database.transaction(tenant) as tx:
        found = await people.get(tx, services.keyring, tenant, person)
        places = await sites.sites(tx, services.keyring, tenant)
        names = {one.id: one.name for one in places}
        kept = await people.references(tx, services.keyring, tenant, [person])
        holding = await access.holding(tx, services.keyring, tenant, person, SubjectKind.PERSON)
        levels = {one.id: one.name for one in await access.rules(tx, services.keyring, tenant, AccessLevel)}
        vehicles = await _vehicles(services, tx, tenant, person)
        visits = await _visits(services, tx, member, names)
        consents = await privacy.consents(tx, services.keyring, tenant, person)
        requests = await request_store.of_person(tx, services.keyring, tenant, person)
        authorities = await lawful_requests.concerning(services, tx, tenant, person, today)
        looks = await _looks(services, tx, tenant, person)
        employments = await _employments(services, tx, member, names)
        punches = await _punches(services, tx, member, first=since, last=today)
        kept_for = await _kept_for(services, tx, tenant, places)
        organisation = (await sites.tenant(tx, services.keyring, tenant)).name
    passages = await _passages(services, member, places, vehicles, first=since, last=today)
    return Held(
        made_at=services.clock.now(),
        organisation=organisation,
        details=found.details,
        home_site=names.get(found.details.home_site, "") if found.details.home_site else "",
        consents=tuple(consents),
        face_references=len(kept),
        photo_kept=any(one.photo for one in kept),
        credentials=tuple(_credential(one) for one in holding.credentials),
        blocked=holding.revoked,
        access=tuple(
            OwnAccess(level=levels.get(one.level, "–"), start=one.valid.start, end=one.valid.end)
            for one in holding.grants
        ),
        vehicles=tuple(vehicles.values()),
        visits=visits,
        employments=employments,
        since=since,
        passages=passages,
        punches=punches,
        kept_for=kept_for,
        requests=tuple(requests),
        authorities=tuple(replace(one, subjects=(person,)) for one in authorities),
        grounds=(await privacy_texts.grounds(services, tenant)).every,
        looks=looks,
    )


def _credential(one: Credential) -> OwnCredential:
    hidden = one.kind in (CredentialKind.CARD, CredentialKind.QR)
    return OwnCredential(
        kind=one.kind.value, shown=f"…{one.value[-4:]}" if hidden else one.value, revoked=one.revoked
    )


async def _vehicles(
    services: Services, tx: Transaction, tenant: TenantId, person: UUID
) -> Mapping[UUID, OwnVehicle]:
    every = await services.registry.vehicles.all(tx, tenant)
    return {
        id: OwnVehicle(plate=one.details.plate, description=one.details.description)
        for id, one in every.items()
        if one.details.keeper == person
    }


async def _visits(
    services: Services, tx: Transaction, member: Member, places: Mapping[SiteId, str]
) -> tuple[OwnVisit, ...]:
    every = (await services.registry.visits.all(tx, member.tenant)).values()
    found = [
        OwnVisit(
            start=one.details.valid.start,
            end=one.details.valid.end,
            site=places.get(one.details.site, ""),
            state=one.state.value,
            made_at=one.made_at,
        )
        for one in every
        if one.details.host == member.person
    ]
    return tuple(sorted(found, key=lambda one: one.made_at, reverse=True))


async def _employments(
    services: Services, tx: Transaction, member: Member, places: Mapping[SiteId, str]
) -> tuple[OwnEmployment, ...]:
    found: Employments = await employment_store.employments(
        tx, services.keyring, member.tenant, member.person
    )
    contractors = await employment_store.units(tx, services.keyring, member.tenant, Contractor)
    names = {one.id: one.name for one in contractors}
    return tuple(
        OwnEmployment(
            first=one.terms.first,
            last=one.terms.last,
            employer=names.get(one.terms.contractor, "") if one.terms.contractor else "",
            occupation=one.terms.occupation,
            site=places.get(one.terms.site, "") if one.terms.site else "",
        )
        for one in found.every
    )


async def _looks(services: Services, tx: Transaction, tenant: TenantId, person: UUID) -> tuple[OwnLook, ...]:
    found = await journal.read_about(tx, services.keyring, tenant, person)
    return tuple(
        OwnLook(
            at=one.entry.at,
            actor=one.entry.actor,
            act=one.entry.act.value,
            purpose=one.entry.purpose,
            case=one.entry.case or "",
        )
        for one in reversed(found)
    )


async def _punches(
    services: Services, tx: Transaction, member: Member, *, first: date, last: date
) -> tuple[OwnPunch, ...]:
    books = await books_of(services, tx, member.tenant, [member.person], first=first, last=last)
    found = [one for month in books[member.person].months for one in month.punches]
    return tuple(
        OwnPunch(at=one.at, direction=one.direction.value, source=one.source.value)
        for one in sorted(found, key=lambda one: one.at, reverse=True)
    )


async def _kept_for(
    services: Services, tx: Transaction, tenant: TenantId, places: Sequence[Site]
) -> tuple[KeptFor, ...]:
    lines = []
    for site in places:
        kept = await kept_at(services, tx, tenant, site.id)
        lines.append(KeptFor(site=site.name, days=kept.days(Kind.DECISION), picture_days=kept.picture_days))
    return tuple(lines)


async def _passages(
    services: Services,
    member: Member,
    places: Sequence[Site],
    vehicles: Mapping[UUID, OwnVehicle],
    *,
    first: date,
    last: date,
) -> tuple[OwnPassage, ...]:
    plates = {member.person: ""} | {id: one.plate for id, one in vehicles.items()}
    found = [
        _passage(row, site.name, plates[subject])
        for site in places
        for subject in plates
        for row in await passages_at(
            services, member.tenant, site.id, first=first, last=last, tagged=subject.bytes
        )
        if isinstance(row, Passing)
    ]
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def _passage(row: Passing, site: str, plate: str) -> OwnPassage:
    return OwnPassage(
        at=row.at,
        site=site,
        access_point=row.access_point,
        by=row.credential_kind,
        granted=row.granted,
        reason=row.reason.value,
        outcome=row.outcome.value if row.outcome is not None else "",
        has_picture=row.has_picture,
        plate=plate,
    )
