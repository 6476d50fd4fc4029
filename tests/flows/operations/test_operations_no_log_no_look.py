"""No log, no look: when the entry cannot be made durable, nothing is opened, by any operation that opens."""

from __future__ import annotations

import ast
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

import pytest
from pyrage import x25519

from postern import operations
from postern.access.decision import PlatePresented, Request
from postern.access.model import SubjectKind
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.settings import AttendanceSettings
from postern.clock import SetClock
from postern.errors import DatabaseUnavailable, PosternError, StorageFull, Unavailable
from postern.ids import ContractorId, PersonId, SiteId, TeamId, TenantId, VehicleId
from postern.journal import store as journal
from postern.journal.browse import Wanted as Browsed
from postern.journal.model import Act
from postern.operations import look, trace
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.archive.try_picture import try_picture
from postern.operations.attendance import close_period, own_hours, timesheets
from postern.operations.attendance import setup as attendance_setup
from postern.operations.demo import Demo
from postern.operations.insiders import alarms as insider_alarms
from postern.operations.insiders import approvals
from postern.operations.journal import browse as browse_journal
from postern.operations.operators import operators, sign_ins, who_they_are
from postern.operations.parking import cases as parking_cases
from postern.operations.parking import garage_day, garage_ledger, garage_look, garage_receipts, garage_setup
from postern.operations.parking import views as parking_views
from postern.operations.people import employments, export, import_csv, register, teams
from postern.operations.people.enrol import enrol
from postern.operations.presence import muster
from postern.operations.presence.aboard import own_questions
from postern.operations.presence.derive import present
from postern.operations.privacy import breach, consent, lawful_requests, own_requests
from postern.operations.privacy import desk as privacy_desk
from postern.operations.privacy import looked_at as looked_at_module
from postern.operations.privacy.held import held
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.sites import places as sites
from postern.operations.visitors import look as visit_look
from postern.operations.visitors import page as visit_page
from postern.operations.visitors import visits
from postern.operations.visitors.visits import Invited
from postern.operators.model import Actor, Role
from postern.people.employment import Terms
from postern.postgres.pool import Database, Transaction
from postern.privacy.member import Member
from postern.prove.parked import Parked, parked
from postern.prove.visited import visited
from postern.records.model import RecordKey
from postern.sites.model import AccessPoint
from postern.sites.store import SitePlan
from postern.visitors import store as visit_store
from tests.flows.operations.drawn import NOON, DrawnAgent

TODAY = NOON.date()
RECIPIENT = str(x25519.Identity.generate().to_public())
FACE = b"pic" + bytes((200, 10, 30))


@dataclass(kw_only=True)
class Place:
    """A site at which somebody passed, with a picture kept, and somebody is enrolled with a photo.

    `owner` is the same database as its owner reaches it, to make it fail.
    """

    hub: Services
    owner: Database
    actor: Actor
    demo: Demo
    places: SitePlan
    person: PersonId
    vehicle: VehicleId
    record: RecordKey
    asked: UUID
    garage: Parked
    team: TeamId
    contractor: ContractorId
    visit: Invited

    @property
    def member(self) -> Member:
        return Member(tenant=self.actor.tenant, person=self.person, name="drawn")

    @property
    def garage_site(self) -> SiteId:
        return self.garage.driven.site

    async def last(self) -> int:
        async with self.owner.transaction() as tx:
            found = await tx.execute("SELECT coalesce(max(idx), -1) FROM journal_entry")
            row = await found.fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
async def place(
    hub: Services,
    database: Database,
    admin: Actor,
    demo: Demo,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    clock: SetClock,
    tmp_path: Path,
) -> Place:
    drive = next(one for one in places.access_points if one.name == "Driveway barrier, in")
    request = Request(access_point=drive.id, presented=PlatePresented(text="P-DM 1001", score=0.9))
    await admit(entrance, await agent.policy(), request, evidence=b"a jpeg")
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    person = (await look.find_people(hub, admin)).rows[0].person.id
    await consent.give_consent(hub, admin, person=person, keep_photo=True)
    await enrol(hub, admin, person=person, photos=[FACE])
    wanted = approvals.Asked(kind=approvals.Kind.SEARCH, exactly=b"", words="", subjects=(person,))
    asked = await approvals.ask(hub, admin, wanted, purpose="a complaint", case="C-2")
    await _hours_are_kept(hub, admin, demo.site, person)
    await _drivers_are_asked(hub, admin, drive, person)
    visit = await visited(hub, admin, demo.site, name="Vera Gast", host=person)
    async with hub.database.transaction(admin.tenant) as tx:
        digest = visits.digest_of(visit.link.partition("-")[2])
        await visit_store.put_host_link(tx, admin.tenant, visit.visit.id, digest)
    return Place(
        visit=visit,
        asked=asked.id,
        team=(await teams.add_team(hub, admin, name="Roof")).id,
        contractor=(await teams.add_contractor(hub, admin, name="Nord Bau")).id,
        garage=await parked(hub, admin, clock, tmp_path / "slips"),
        hub=hub,
        owner=database,
        actor=admin,
        demo=demo,
        places=places,
        person=person,
        vehicle=(await look.find_vehicles(hub, admin)).rows[0].vehicle.id,
        record=RecordKey(site=demo.site, day=TODAY, agent=agent.enrolled.agent, seq=1),
    )


async def _hours_are_kept(hub: Services, admin: Actor, site: SiteId, person: PersonId) -> None:
    """At the site, of the person, and closed for yesterday."""
    pay = PayProfile(jurisdiction=Jurisdiction("de"))
    await attendance_setup.set_attendance(hub, admin, AttendanceSettings(site=site, pay=pay))
    terms = Terms(first=TODAY - timedelta(days=30), site=site)
    await employments.add_employment(hub, admin, person=person, version=0, terms=terms)
    await operators.add_operator(hub, admin, login_name="lea", role=Role.MANAGER)
    lea = next(one for one in await operators.operators(hub, admin) if one.login_name == "lea")
    await who_they_are.link_person(hub, admin, lea.id, person)
    yesterday = TODAY - timedelta(days=1)
    await close_period.close_period(hub, admin, site, first=yesterday, last=yesterday)


async def _drivers_are_asked(hub: Services, admin: Actor, drive: AccessPoint, keeper: PersonId) -> None:
    """Who came in by `drive` how many are aboard; somebody keeps the vehicle that did."""
    await sites.change(hub, admin, replace(drive, asks_aboard=5))
    car = (await look.find_vehicles(hub, admin)).rows[0].vehicle
    details = replace(car.details, keeper=keeper)
    await register.change_vehicle(hub, admin, id=car.id, version=car.version, details=details)


# Every operation that opens, each as somebody would call it.

Opening = Callable[[Place], Awaitable[object]]


async def _mustered(at: Place, opening: Callable[[Services, Actor, SiteId], Awaitable[object]]) -> object:
    """While a muster runs, and as for somebody who has not seen the roll yet."""
    at.hub.registry.windows.clear()
    if (await present(at.hub, at.actor.tenant, at.demo.site)).muster is None:
        await muster.call(at.hub, at.actor, at.demo.site, drill=True)
    return await opening(at.hub, at.actor, at.demo.site)


OPENING: dict[str, Opening] = {
    "wall": lambda at: look.wall(at.hub, at.actor, at.demo.site),
    "evidence": lambda at: look.evidence(at.hub, at.actor, at.record, purpose="a dent"),
    "enrolment_photo": lambda at: look.enrolment_photo(at.hub, at.actor, at.person, purpose="a complaint"),
    "find_people": lambda at: look.find_people(at.hub, at.actor, text="a"),
    "person_file": lambda at: look.person_file(at.hub, at.actor, at.person),
    "employment_file": lambda at: employments.employment_file(at.hub, at.actor, at.person),
    "check_import": lambda at: import_csv.check_import(
        at.hub, at.actor, kind=import_csv.ImportKind.PEOPLE, data=b"employee_number\n1001\n"
    ),
    "apply_import": lambda at: import_csv.apply_import(
        at.hub, at.actor, kind=import_csv.ImportKind.PEOPLE, data=b"employee_number\n1001\n"
    ),
    "linked_people": lambda at: who_they_are.linked_people(at.hub, at.actor),
    "team_file": lambda at: teams.team_file(at.hub, at.actor, at.team, TODAY),
    "contractor_file": lambda at: teams.contractor_file(at.hub, at.actor, at.contractor, TODAY),
    "find_vehicles": lambda at: look.find_vehicles(at.hub, at.actor),
    "vehicle_file": lambda at: look.vehicle_file(at.hub, at.actor, at.vehicle),
    "journal_page": lambda at: look.journal_page(at.hub, at.actor),
    "search_passages": lambda at: look.search_passages(
        at.hub,
        at.actor,
        look.Wanted(subject=at.vehicle),
        site_ids=[at.demo.site],
        first=TODAY,
        last=TODAY,
        purpose="a dent",
        case="C-1",
    ),
    "entries": lambda at: browse_journal.entries(at.hub, at.actor, Browsed(), before=None, limit=10),
    "export_people": lambda at: export.export_people(
        at.hub,
        at.actor,
        export.Export(recipient="payroll", recipient_key=RECIPIENT, people=(at.person,)),
        purpose="payroll",
        case="C-1",
    ),
    "find_visits": lambda at: visit_look.find_visits(
        at.hub, at.actor, at.visit.visit.details.name, purpose="a dent", case="C-1", limit=5
    ),
    "breach": lambda at: breach.breach(
        at.hub,
        at.actor,
        breach.Wanted(since=TODAY, until=TODAY, noticed=TODAY, by=""),
        purpose="a breach",
    ),
    "note_draft": lambda at: breach.note_draft(at.hub, at.actor, kind="authority", language="en"),
    "insider_alarms": lambda at: insider_alarms.insider_alarms(at.hub, at.actor),
    "decided": lambda at: approvals.decided(at.hub, at.actor),
    "whom": lambda at: approvals.whom(at.hub, at.actor, at.asked),
    "meant": lambda at: privacy_desk.meant(
        at.hub, at.actor, SubjectKind.PERSON, "Ada Nowak", purpose="they asked"
    ),
    "history": lambda at: sign_ins.history(at.hub, at.actor),
    "waiting": lambda at: approvals.waiting(at.hub, at.actor),
    "looked_at": lambda at: look.looked_at(at.hub, at.actor, at.person, purpose="they asked"),
    "session_file": lambda at: garage_look.session_file(at.hub, at.actor, at.garage_site, at.garage.session),
    "past_sessions": lambda at: garage_look.past_sessions(at.hub, at.actor, at.garage_site, days=1),
    "case_page": lambda at: parking_cases.case_page(at.hub, at.actor, at.garage_site, at.garage.case),
    "case_picture": lambda at: parking_cases.case_picture(at.hub, at.actor, at.garage_site, at.garage.case),
    "find_receipts": lambda at: garage_receipts.find_receipts(
        at.hub,
        at.actor,
        at.garage_site,
        garage_receipts.WantedReceipts(
            what=at.garage.plates.inside, first=TODAY, last=TODAY, purpose="they asked", case="C-1"
        ),
    ),
    "reconciled": lambda at: garage_day.reconciled(at.hub, at.actor, at.garage_site, TODAY),
    "permits": lambda at: garage_setup.permits(at.hub, at.actor, at.garage_site),
    "ledger_days": lambda at: garage_ledger.ledger_days(
        at.hub, at.actor, at.garage_site, first=TODAY, last=TODAY
    ),
    "ledger_csv": lambda at: parking_views.ledger_csv(
        at.hub, at.actor, at.garage_site, first=TODAY, last=TODAY
    ),
    "visits_of_day": lambda at: visit_look.visits_of_day(at.hub, at.actor, at.demo.site),
    "visit_file": lambda at: visit_look.visit_file(at.hub, at.actor, at.visit.visit.id),
    "find_host": lambda at: visits.find_host(at.hub, at.actor, at.demo.site, "Ada Nowak"),
    "invitation": lambda at: visit_page.invitation(at.hub, at.visit.link),
    "who_waits": lambda at: visit_page.who_waits(at.hub, at.visit.link),
    "roll": lambda at: _mustered(at, muster.roll),
    "find": lambda at: _mustered(at, lambda *given: muster.find(*given, "a")),
    "holding": lambda at: access_levels.holding(at.hub, at.actor, subject=at.person, kind=SubjectKind.PERSON),
    "own_requests_waiting": lambda at: own_requests.waiting(at.hub, at.actor),
    "register": lambda at: lawful_requests.register(at.hub, at.actor),
    "held": lambda at: held(at.hub, Member(tenant=at.actor.tenant, person=at.person, name="")),
    "consents": lambda at: consent.consents(at.hub, at.actor, at.person),
    "assignment_of": lambda at: attendance_setup.assignment_of(at.hub, at.actor, at.person),
    "own_questions": lambda at: own_questions(at.hub, at.member),
    "own_hours": lambda at: timesheets.own_hours(at.hub, at.member, first=TODAY, last=TODAY),
    "own_punches": lambda at: own_hours.own_punches(at.hub, at.member),
    "person_hours": lambda at: timesheets.person_hours(at.hub, at.actor, at.person, first=TODAY, last=TODAY),
    "team_hours": lambda at: timesheets.team_hours(
        at.hub, at.actor, timesheets.TeamWanted(site=at.demo.site, first=TODAY, last=TODAY)
    ),
    "period_hours": lambda at: close_period.period_hours(
        at.hub, at.actor, at.demo.site, 1, purpose="payroll"
    ),
    "try_picture": lambda at: try_picture(
        at.hub, at.actor, FACE, site=at.demo.site, access_point=at.places.access_points[0].id
    ),
}

AT_ONE_PLACE = 8
"""Operations tried at one place: to set it up takes longer than to try one."""


# What can happen to the entry, made to happen in the database itself.

Fault = Callable[[Place], AbstractAsyncContextManager[None]]


def _at_the_entry(timing: str, body: str) -> Fault:
    @asynccontextmanager
    async def fault(at: Place) -> AsyncIterator[None]:
        async with at.owner.transaction() as tx:
            made = (
                f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body}; RETURN NEW; END'"
            )
            await tx.execute(made.encode())
            await tx.execute(f"CREATE {timing} FOR EACH ROW EXECUTE FUNCTION fail()".encode())
        try:
            yield
        finally:
            async with at.owner.transaction() as tx:
                await tx.execute("DROP FUNCTION fail() CASCADE")

    return fault


@asynccontextmanager
async def _held_up(at: Place) -> AsyncIterator[None]:
    """Another appender hangs, and holds its turn."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(journal, "_PATIENCE", "100ms")
        async with at.owner.transaction() as tx:
            await tx.execute("SELECT pg_advisory_xact_lock(%s, %s)", (journal._LOCK, at.actor.tenant))
            yield


@asynccontextmanager
async def _without_keys(at: Place) -> AsyncIterator[None]:
    """The keystore is away just when the entry is to be sealed; what is cached still opens."""
    real = at.hub.keyring.purpose_key

    async def away(tenant: TenantId, name: str, *, version: int = 1) -> object:
        if name == "journal":
            raise DatabaseUnavailable("the keystore does not answer")
        return await real(tenant, name, version=version)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(at.hub.keyring, "purpose_key", away)
        yield


_INSERT = "TRIGGER failing BEFORE INSERT ON journal_entry"
_COMMIT = "CONSTRAINT TRIGGER failing AFTER INSERT ON journal_entry DEFERRABLE INITIALLY DEFERRED"
_FULL = "RAISE EXCEPTION USING ERRCODE = ''disk_full'', MESSAGE = ''no space left''"

FAULTS: dict[str, Fault] = {
    "the disk is full": _at_the_entry(_INSERT, _FULL),
    "the disk is full when it is committed": _at_the_entry(_COMMIT, _FULL),
    "the database goes away": _at_the_entry(_INSERT, "PERFORM pg_terminate_backend(pg_backend_pid())"),
    "another appender hangs": _held_up,
    "the keystore is away": _without_keys,
}


async def opens_nothing(at: Place, opening: Opening, fault: Fault) -> bool:
    """Whether it failed in words, gave nothing back and took no picture from the store."""
    pictures = at.hub.pictures
    taken: list[str] = []
    real = pictures.get

    async def watched(name: str) -> bytes:
        taken.append(name)
        return await real(name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pictures, "get", watched)
        async with fault(at):
            try:
                await opening(at)
            except (StorageFull, Unavailable):
                return not taken
    return False


@pytest.mark.parametrize("first", range(0, len(OPENING), AT_ONE_PLACE))
async def test_what_cannot_be_journalled_is_not_opened(place: Place, first: int) -> None:
    for name, opening in list(OPENING.items())[first : first + AT_ONE_PLACE]:
        before = await place.last()
        for fault, happens in FAULTS.items():
            assert await opens_nothing(place, opening, happens), (name, fault)
            assert await place.last() == before, (name, fault)

        await opening(place)  # once the fault is over it opens, and is journalled
        assert await place.last() > before, name


async def test_the_wall_that_failed_is_written_down_when_it_is_shown_next(place: Place) -> None:
    assert await opens_nothing(place, OPENING["wall"], FAULTS["the disk is full when it is committed"])
    await look.wall(place.hub, place.actor, place.demo.site)

    (newest, *_) = await look.journal_page(place.hub, place.actor)
    assert newest.entry.purpose == "live wall"
    assert newest.entry.subjects != ()


async def test_the_attack_catches_operations_that_go_on_without_their_entry(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: whatever befalls the entry is swallowed."""
    real = journal.append

    async def swallowing(tx: Transaction, *given: object) -> int:
        try:
            async with tx.transaction():
                return await real(tx, *given)  # type: ignore[arg-type]
        except PosternError:
            return -1

    monkeypatch.setattr(trace.journal, "append", swallowing)

    for name, opening in OPENING.items():
        assert not await opens_nothing(place, opening, FAULTS["another appender hangs"]), name


# That none is forgotten.

_TRACING = frozenset({"trace.trace", "trace.trace_as"})
UNTRACED = {
    "visitors.rules.rules_of_site": "a setting, and the text that visitors sign",
    "attendance.payroll_files.needs_second_person": "whether a period has many people",
    "sites.access_levels.access_levels": "rules; of no subject",
    "attendance.setup.attendance_of": "a setting",
    "attendance.setup.points": "places",
    "attendance.setup.rosters": "shifts; of no subject",
    "attendance.setup.sites_with_hours": "places",
    "attendance.close_period.closed_periods": "days, counts and random ids; nobody is named",
    "sites.agents.agents": "agents",
    "sites.alarms.alarms": "alarms name no subject",
    "presence.lockdown.locked_down": "places, and who locked them down",
    "presence.muster_wire.has_code": "whether there is one",
    "insiders.budget.desks": "which sites are whose desk; of no subject",
    "privacy.erase.erasures": "random ids, counts and ids of keys that no longer exist; nobody is named",
    "privacy.erase.receipt": "the same, signed",
    "privacy.erase.receipts_public_key": "a public key",
    "operators.api_keys.keys": "names of keys, and whose they are",
    "insiders.approvals.own_requests": "the caller's own",
    "insiders.approvals.approved_for": "the caller's own",
    "insiders.approvals.count_waiting": "a count",
    "privacy.desk.erasures": "random ids, counts and agents' words, as erase.erasures",
    "archive.search.approval_of": "the caller's own",
    "operators.sign_ins.own_history": "the caller's own",
    "journal.browse.head": "a count and a hash",
    "parking.garage_look.garage_news": "says only that there is something new",
    "parking.garage_look.garage_now": "counts",
    "parking.garage_look.garage_soon": "counts",
    "parking.garage_look.sessions_inside": "times and the ends of plates, the rest of each covered",
    "parking.garage_setup.garage": "a setting",
    "parking.garage_setup.garages": "places",
    "parking.garage_setup.merchants": "merchants and what they pay for; of no subject",
    "parking.garage_setup.tariffs": "prices",
    "people.employments.person_by": "the id behind a number that the caller knows",
    "people.teams.contractors": "companies and counts",
    "people.teams.teams": "names of teams, and counts",
    "privacy.jurisdiction.rules_of_sites": "rules of places",
    "privacy.own_requests.count_waiting": "a count",
    "keys.key_desk.keys": "ages and counts of keys",
    "sites.kiosks.kiosks": "tablets at lanes",
    "parking.cases.cases_open": "kinds, lanes and times of cases; no plate",
    "parking.views.garage_overview": "counts and sums",
    "parking.views.garage_overviews": "counts and sums",
    "parking.views.takings": "sums by ledger account and day",
    "journal.browse.proof": "hashes",
    "insiders.budget.own_budget": "the caller's own",
    "sites.look_into.findings": "operators' notes on alarms, and how many records are kept aside",
    "privacy.texts.filing_state": "how many faces are stored, and when that was filed; nobody is named",
    "operators.operators.operators": "operators of the console, who stand in clear",
    "operators.passkeys.begin_registration": "the caller's own",
    "operators.passkeys.passkeys": "the caller's own",
    "operators.provider_sign_in.own_link": "the caller's own",
    "privacy.retention.reports": "counts",
    "privacy.retention.retention_of": "a setting",
    "privacy.retention.retention_of_sites": "settings and counts",
    "sites.schedules.schedules": "rules; of no subject",
    "sites.places.plan": "places",
    "sites.places.sites": "places",
    "archive.wall.is_watched": "whether a wall is on the caller's desk",
    "archive.wall.wall_news": "says only that there is something new",
}
"""Operations for operators that write no entry, each with its reason. None of them shows a subject."""


@cache
def _sources() -> dict[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    """Every function of the operations by module and name."""
    folder = Path(inspect.getfile(operations)).parent
    return {
        f"{'.'.join(path.relative_to(folder).with_suffix('').parts)}.{node.name}": node
        for path in sorted(folder.rglob("*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    }


@cache
def _imports(module: str) -> dict[str, str]:
    """What a name that the module imports from other operations stands for there."""
    folder = Path(inspect.getfile(operations)).parent
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse((folder / f"{module.replace('.', '/')}.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("postern.operations"):
            home = (node.module or "").removeprefix("postern.operations").removeprefix(".")
            found |= {one.asname or one.name: f"{home}.{one.name}".strip(".") for one in node.names}
    return found


def _called(name: str) -> set[str]:
    """The operations' functions that a function calls, each as `module.function`."""
    module = name.rpartition(".")[0]
    imports = _imports(module)
    found = set()
    for one in (node.func for node in ast.walk(_sources()[name]) if isinstance(node, ast.Call)):
        if isinstance(one, ast.Name):
            found.add(imports.get(one.id, f"{module}.{one.id}"))
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id in imports:
            found.add(f"{imports[one.value.id]}.{one.attr}")
    return (found & _sources().keys()) - {"insiders.budget.looking"}  # which writes only when it refuses


def _reaches_an_entry(name: str) -> bool:
    """Whether the function writes an entry, itself or by way of others."""
    found, open_ = {name}, [name]
    while open_:
        called = _called(open_.pop()) - found
        found |= called
        open_ += called
    return bool(found & _TRACING)


def test_every_operation_for_operators_writes_an_entry_or_has_its_reason() -> None:
    sources = _sources()
    public = {
        name
        for name, node in sources.items()
        if isinstance(node, ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and any(one.arg == "actor" for one in node.args.args)
        and not any(one.arg == "tx" for one in node.args.args)  # a step of somebody else's transaction
    }
    silent = {name for name in public - _TRACING if not _reaches_an_entry(name)}
    assert silent - UNTRACED.keys() == set(), "journal these, or give their reasons"
    assert UNTRACED.keys() - silent == set(), "these write an entry now, or are gone"


def test_every_operation_that_looks_is_tried_here() -> None:
    looks = frozenset({Act.LOOKED.name, Act.SEARCHED.name, Act.EXPORTED.name})
    found = {
        node.name
        for name, node in _sources().items()
        if not node.name.startswith("_") and any(_names_act(_sources()[one], looks) for one in _own(name))
    }
    named = {name for name in look.__all__ if inspect.iscoroutinefunction(getattr(look, name))}
    named -= {"is_watched"}  # says whether a wall is on the caller's desk
    assert (found | named) - OPENING.keys() == set(), "try these, too"


def _own(name: str) -> set[str]:
    """The function and the private ones of its module that it calls."""
    return {name} | {one for one in _called(name) if one.rpartition(".")[2].startswith("_")}


def _names_act(node: ast.AST, acts: frozenset[str]) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr in acts for one in ast.walk(node))


def test_the_report_is_offered_with_the_other_looks() -> None:
    assert look.looked_at is looked_at_module.looked_at
