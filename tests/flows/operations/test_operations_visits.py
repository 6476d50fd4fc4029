"""From an invitation to the receipt of its erasure: hub, agent and jobs together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg.conninfo import make_conninfo

from postern.access.controller import DoorController
from postern.access.decision import CodePresented, Denied, Granted, Request
from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.errors import BadInput, Conflict, KeyDestroyed, NotFound, Refused, Unavailable
from postern.ids import DoorId, PersonId, VisitId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations import look
from postern.operations.admit import Admitted, Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo, set_up_demo
from postern.operations.people import register
from postern.operations.people.import_csv import ImportKind, apply_import, check_import
from postern.operations.ports import Letter
from postern.operations.privacy import desk as privacy_desk
from postern.operations.privacy import erase
from postern.operations.services import Services
from postern.operations.sites import access_levels, agents, kiosks
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.visitors import look as visit_look
from postern.operations.visitors import page as visit_page
from postern.operations.visitors import rules as visit_rules
from postern.operations.visitors import visits
from postern.operations.visitors import walk_up as visit_walk_up
from postern.operations.visitors.letters import send_letters
from postern.operations.visitors.visits import Invited
from postern.operations.visitors.walk_up import WalkUp
from postern.operations.visitors.watch import end_visits, follow_visits
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.postgres.embedded import Cluster
from postern.postgres.isolation import RUNTIME
from postern.postgres.pool import Database
from postern.privacy.receipt import verified
from postern.prove.scratch import scratch
from postern.records.model import Kind, Outcome, PassageRecord
from postern.records.sealed import encode
from postern.sealing import hybrid, signing
from postern.sealing.keyring import Purpose
from postern.sites.store import SitePlan, plan
from postern.spans import Span
from postern.visitors import store
from postern.visitors.model import Visit, VisitDetails, VisitRules, VisitState
from tests.flows.operations.drawn import NOON, DrawnAgent, DrawnController
from tests.flows.operations.test_operations_main_path import way

HOUR = timedelta(hours=1)
TERMS = "Wear a helmet."


@dataclass
class DrawnPost:
    """Who delivers letters, as far as the hub can tell."""

    sent: list[Letter] = field(default_factory=list)
    fault: Exception | None = None

    async def send(self, letter: Letter) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(letter)

    def link(self, to: str) -> str:
        """The secret part of the link in the last letter to that address."""
        text = next(one.text for one in reversed(self.sent) if one.to == to)
        return next(word for word in text.split() if "/visit/" in word).rpartition("/")[2]


@pytest.fixture(scope="module")
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture(scope="module")
async def hub(
    cluster: Cluster, clock: SetClock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    """One hub for all these tests: each has visits of its own."""
    folder = tmp_path_factory.mktemp("visits")
    (folder / "pictures").mkdir(mode=0o700)
    async with (
        scratch(cluster, "hub") as database,
        scratch(cluster, "keystore") as keystore,
        Database.open(make_conninfo(database.conninfo, user=RUNTIME)) as runtime,
    ):
        yield Services(
            database=runtime,
            keyring=PostgresKeyring(keystore, UnattendedKeyFile.create(folder / "unattended.key")),
            pictures=PictureFolder(folder / "pictures"),
            clock=clock,
        )


@pytest.fixture(scope="module")
async def demo(hub: Services) -> Demo:
    return await set_up_demo(hub)


@pytest.fixture(scope="module")
def admin(demo: Demo) -> Actor:
    return Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)


@pytest.fixture(scope="module")
async def places(hub: Services, demo: Demo) -> SitePlan:
    async with hub.database.transaction(demo.tenant) as tx:
        return await plan(tx, hub.keyring, demo.tenant, demo.site)


@pytest.fixture(scope="module")
async def agent(hub: Services, demo: Demo, admin: Actor) -> DrawnAgent:
    sign_private, hpke_private = signing.generate(), hybrid.generate()
    code = await agents.new_code(hub, admin, demo.site)
    enrolled = await agents.enrol(
        hub,
        code=code,
        sign_public=signing.public_of(sign_private),
        hpke_public=hybrid.public_of(hpke_private),
    )
    return DrawnAgent(hub=hub, sign_private=sign_private, hpke_private=hpke_private, enrolled=enrolled)


@pytest.fixture(scope="module")
async def hanna(hub: Services, admin: Actor) -> PersonId:
    details = PersonDetails(name="Hanna Gast", employee_number="H-1", mail="hanna@example.org")
    return (await register.add_person(hub, admin, details)).id


@pytest.fixture
def post(hub: Services) -> Iterator[DrawnPost]:
    made = DrawnPost()
    object.__setattr__(hub, "post", made)
    yield made
    object.__setattr__(hub, "post", None)


@pytest.fixture
async def host(hanna: PersonId) -> PersonId:
    return hanna


@pytest.fixture
async def wanted(hub: Services, admin: Actor, demo: Demo, host: PersonId) -> VisitDetails:
    levels = await access_levels.access_levels(hub, admin)
    return VisitDetails(
        site=demo.site,
        name="Mei Tanaka",
        company="Tanaka KK",
        mail="mei@example.org",
        host=host,
        level=next(one.id for one in levels if one.name == "Always"),
        valid=Span(start=hub.clock.now() - HOUR, end=hub.clock.now() + 4 * HOUR),
    )


@pytest.fixture
async def house_rules(hub: Services, admin: Actor, demo: Demo) -> AsyncIterator[int]:
    """Visitors sign, and may come without invitation, for one test: the number of the terms."""
    levels = await access_levels.access_levels(hub, admin)
    always = next(one.id for one in levels if one.name == "Always")
    found = await visit_rules.rules_of_site(hub, admin, demo.site)
    wanted = replace(found.rules, walk_ups=True, walk_up_level=always)
    made = await visit_rules.change_rules(hub, admin, wanted, english=TERMS, chinese="请戴安全帽。")
    assert made.terms is not None
    yield made.terms.number
    now = (await visit_rules.rules_of_site(hub, admin, demo.site)).rules
    await visit_rules.change_rules(hub, admin, replace(now, walk_ups=False), english="", chinese="")


@dataclass(kw_only=True)
class Door:
    """The demo's front door with its agent: a code is shown, somebody passes, the hub hears of it."""

    hub: Services
    agent: DrawnAgent
    entrance: Entrance
    places: SitePlan
    clock: SetClock

    async def shows(self, code: str, name: str = "Front door, in") -> Admitted:
        request = Request(
            access_point=way(self.places, name),
            presented=CodePresented(kind=CredentialKind.QR, value=code),
        )
        return await admit(self.entrance, await self.agent.policy(), request)

    async def passes(
        self, code: str, name: str = "Front door, in", *, outcome: Outcome = Outcome.TAKEN
    ) -> None:
        admitted = await self.shows(code, name)
        assert isinstance(admitted.decision, Granted)
        assert admitted.seq is not None
        passage = PassageRecord(at=self.clock.now(), decision_seq=admitted.seq, outcome=outcome)
        await self.agent.append(kind=Kind.PASSAGE, day=self.clock.now().date(), plaintext=encode(passage))
        await self.tells()

    async def tells(self) -> None:
        await receive(self.hub, await self.agent.known(), self.agent.entries, self.agent.pictures)


@pytest.fixture(scope="module")
def door(hub: Services, agent: DrawnAgent, places: SitePlan, clock: SetClock) -> Door:
    controllers: dict[DoorId, DoorController] = {one.id: DrawnController(agent.log) for one in places.doors}
    entrance = Entrance(spool=agent, controllers=controllers, clock=clock)
    return Door(hub=hub, agent=agent, entrance=entrance, places=places, clock=clock)


async def invited(hub: Services, admin: Actor, wanted: VisitDetails) -> Invited:
    made = await visits.invite(hub, admin, wanted)
    await publish_stale(hub)
    return made


async def followed(hub: Services, demo: Demo, id: VisitId) -> Visit:
    await follow_visits(hub, demo.tenant, demo.site)
    async with hub.database.transaction(demo.tenant) as tx:
        return await store.get(tx, hub.keyring, demo.tenant, id)


async def test_an_invited_visitor_comes_in_leaves_and_is_over(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, door: Door, clock: SetClock
) -> None:
    now = hub.clock.now()
    visit = (await invited(hub, admin, wanted)).visit

    await door.passes(visit.code)
    inside = await followed(hub, demo, visit.id)
    assert (inside.state, inside.arrived_at) == (VisitState.INSIDE, now)
    assert await follow_visits(hub, demo.tenant, demo.site) == []

    clock.advance(now + HOUR - clock.now())
    await door.passes(visit.code, "Front door, out")
    gone = await followed(hub, demo, visit.id)
    assert (gone.state, gone.left_at) == (VisitState.LEFT, now + HOUR)

    refused = await door.shows(visit.code)
    assert refused.decision.reason is Reason.UNKNOWN_CREDENTIAL
    await door.tells()
    shown = await look.wall(hub, admin, demo.site)
    assert {one.who for one in shown.rows if isinstance(one, look.Passing)} == {"Mei Tanaka", None}


async def test_a_door_that_opened_and_was_not_walked_through_is_no_arrival(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, door: Door
) -> None:
    visit = (await invited(hub, admin, wanted)).visit
    await door.passes(visit.code, outcome=Outcome.NOT_TAKEN)
    assert (await followed(hub, demo, visit.id)).state is VisitState.EXPECTED


async def test_the_code_opens_only_in_its_time_and_only_where_it_may(
    hub: Services, admin: Actor, wanted: VisitDetails, door: Door, clock: SetClock
) -> None:
    now = hub.clock.now()
    later = replace(wanted, valid=Span(start=now + HOUR, end=now + 2 * HOUR))
    visit = (await invited(hub, admin, later)).visit
    fetched = (await invited(hub, admin, replace(wanted, level=None))).visit

    assert (await door.shows(visit.code)).decision.reason is Reason.NOT_YET_VALID
    assert (await door.shows(fetched.code)).decision.reason is Reason.UNKNOWN_CREDENTIAL
    clock.advance(now + HOUR - clock.now())
    assert isinstance((await door.shows(visit.code)).decision, Granted)
    clock.advance(now + 2 * HOUR - clock.now())
    assert (await door.shows(visit.code)).decision.reason is Reason.EXPIRED
    assert isinstance((await door.shows(visit.code, "Front door, out")).decision, Granted)


async def test_before_the_terms_are_signed_nothing_opens(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, door: Door, house_rules: int
) -> None:
    made = await invited(hub, admin, wanted)
    before = await visit_page.invitation(hub, made.link)
    assert before.code == ""
    assert before.terms is not None
    assert (before.terms.english, before.terms.number) == (TERMS, house_rules)
    assert isinstance((await door.shows(made.visit.code)).decision, Denied)

    after = await visit_page.sign(hub, made.link, number=house_rules, language="en", name="Mei Tanaka")

    assert (after.terms, after.code, after.signed_name) == (None, made.visit.code, "Mei Tanaka")
    assert isinstance((await door.shows(made.visit.code)).decision, Granted)


async def test_changed_terms_are_signed_by_those_invited_later(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, house_rules: int
) -> None:
    first = await invited(hub, admin, wanted)
    found = await visit_rules.rules_of_site(hub, admin, demo.site)
    await visit_rules.change_rules(hub, admin, found.rules, english="Other terms.", chinese="")
    second = await invited(hub, admin, wanted)

    assert (first.visit.terms_needed, second.visit.terms_needed) == (house_rules, house_rules + 1)
    with pytest.raises(Conflict):
        await visit_page.sign(hub, first.link, number=house_rules + 1, language="en", name="Mei")


async def test_a_cancelled_visit_is_refused_at_once(
    hub: Services, admin: Actor, wanted: VisitDetails, door: Door
) -> None:
    visit = (await invited(hub, admin, wanted)).visit
    assert isinstance((await door.shows(visit.code)).decision, Granted)
    await visits.cancel(hub, admin, visit.id)
    assert isinstance((await door.shows(visit.code)).decision, Denied)


async def test_a_link_is_void_once_there_is_another(
    hub: Services, admin: Actor, wanted: VisitDetails
) -> None:
    made = await invited(hub, admin, wanted)
    again = await visits.invite_again(hub, admin, made.visit.id)
    assert (await visit_page.invitation(hub, again.link)).name == "Mei Tanaka"
    for link in (made.link, "", "1-short", "999-" + made.link.partition("-")[2], again.link[:-1] + "~"):
        with pytest.raises(NotFound):
            await visit_page.invitation(hub, link)


async def test_the_invitation_is_mailed_and_its_link_leads_to_the_visit(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, post: DrawnPost
) -> None:
    made = await invited(hub, admin, wanted)
    assert made.mailed
    assert await send_letters(hub, demo.tenant) == 1
    assert await send_letters(hub, demo.tenant) == 0
    (letter,) = post.sent
    assert letter.to == "mei@example.org"
    assert "Demo site" in letter.subject
    assert "Hanna Gast" in letter.text
    assert letter.picture is not None
    assert letter.picture.startswith(b"\x89PNG")
    assert (await visit_page.invitation(hub, post.link("mei@example.org"))).host == "Hanna Gast"


async def test_a_letter_is_tried_again_and_given_up_after_a_day(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, post: DrawnPost, clock: SetClock
) -> None:
    now = hub.clock.now()
    visit = (await invited(hub, admin, wanted)).visit
    post.fault = Unavailable("the mail server does not answer")
    assert await send_letters(hub, demo.tenant) == 0
    clock.advance(now + timedelta(minutes=2) - clock.now())
    post.fault = None
    assert await send_letters(hub, demo.tenant) == 1

    await visits.invite_again(hub, admin, visit.id)
    post.fault = Refused("no such mailbox")
    assert await send_letters(hub, demo.tenant) == 0
    file = await visit_look.visit_file(hub, admin, visit.id)
    assert ([one.value for one in file.gave_up], file.waiting) == (["invitation"], ())


async def test_the_host_hears_once_that_the_visitor_came_and_once_that_they_stay(
    hub: Services,
    admin: Actor,
    demo: Demo,
    wanted: VisitDetails,
    door: Door,
    post: DrawnPost,
    clock: SetClock,
) -> None:
    now = hub.clock.now()
    visit = (await invited(hub, admin, replace(wanted, mail=None))).visit
    await door.passes(visit.code)
    for _ in range(2):
        await follow_visits(hub, demo.tenant, demo.site)
    clock.advance(now + 5 * HOUR - clock.now())
    for _ in range(2):
        await follow_visits(hub, demo.tenant, demo.site)
    await send_letters(hub, demo.tenant)
    subjects = [(one.to, one.subject) for one in post.sent]
    assert sorted(subjects) == [
        ("hanna@example.org", "Your visitor has not left: Mei Tanaka"),
        ("hanna@example.org", "Your visitor is here: Mei Tanaka"),
    ]


async def test_somebody_at_a_kiosk_waits_for_the_host_and_comes_in(
    hub: Services, admin: Actor, demo: Demo, door: Door, post: DrawnPost, host: PersonId, house_rules: int
) -> None:
    known = await kiosk_of(hub, admin, door.places)
    typed = WalkUp(
        name="Mei Tanaka", host=" hanna  GAST", purpose="audit", terms=house_rules, signature="Mei Tanaka"
    )

    id = await visit_walk_up.ask_to_come_in(hub, known, typed)

    assert (await visit_walk_up.standing(hub, known, id)).state is VisitState.ASKED
    await send_letters(hub, demo.tenant)
    link = post.link("hanna@example.org")
    assert (await visit_page.who_waits(hub, link)).name == "Mei Tanaka"
    assert (await visit_page.answer(hub, link, approve=True)).state == "expected"
    with pytest.raises(Conflict):
        await visit_page.answer(hub, link, approve=False)
    standing = await visit_walk_up.standing(hub, known, id)
    assert isinstance((await door.shows(standing.code)).decision, Granted)


async def kiosk_of(hub: Services, admin: Actor, places: SitePlan) -> kiosks.KnownKiosk:
    made = await kiosks.add_kiosk(hub, admin, site=places.site.id, name="Lobby", door=places.doors[0].id)
    code = await kiosks.new_kiosk_code(hub, admin, site=places.site.id, id=made.id)
    return await kiosks.known_kiosk(hub, await kiosks.open_kiosk(hub, code))


async def test_a_kiosk_tells_nobody_who_works_here_and_shows_a_visit_for_a_short_time(
    hub: Services,
    admin: Actor,
    demo: Demo,
    places: SitePlan,
    host: PersonId,
    clock: SetClock,
    house_rules: int,
) -> None:
    now = hub.clock.now()
    known = await kiosk_of(hub, admin, places)
    there, nowhere = [
        await visit_walk_up.ask_to_come_in(
            hub, known, WalkUp(name="Mei", host=name, terms=house_rules, signature="Mei")
        )
        for name in ("Hanna Gast", "Nobody Atall")
    ]
    seen = [await visit_walk_up.standing(hub, known, one) for one in (there, nowhere)]
    assert seen[0] == seen[1]
    file = await visit_look.visit_file(hub, admin, nowhere)
    assert (file.host, file.visit.details.purpose) == ("", "[Nobody Atall]")
    other = await kiosk_of(hub, admin, places)
    with pytest.raises(NotFound):
        await visit_walk_up.standing(hub, other, there)
    clock.advance(now + visit_walk_up.SHOWN_FOR + timedelta(seconds=1) - clock.now())
    with pytest.raises(NotFound):
        await visit_walk_up.standing(hub, known, there)


async def test_where_visitors_need_an_invitation_a_kiosk_takes_nobody(
    hub: Services, admin: Actor, places: SitePlan
) -> None:
    known = await kiosk_of(hub, admin, places)
    with pytest.raises(Refused, match="invitation"):
        await visit_walk_up.welcome(hub, known)


async def test_nobody_comes_in_at_a_kiosk_without_signing(
    hub: Services, admin: Actor, demo: Demo, places: SitePlan, house_rules: int
) -> None:
    known = await kiosk_of(hub, admin, places)
    with pytest.raises(BadInput, match="sign"):
        await visit_walk_up.ask_to_come_in(hub, known, WalkUp(name="Mei", terms=house_rules))


async def test_the_privacy_desk_erases_a_visit_that_asks_for_it(
    hub: Services, admin: Actor, wanted: VisitDetails
) -> None:
    officer = replace(admin, role=Role.PRIVACY_OFFICER)
    visit = (await invited(hub, admin, replace(wanted, name="Ines Roca"))).visit
    found = await privacy_desk.meant(
        hub, officer, privacy_desk.SubjectKind.VISIT, "ines roca", purpose="art. 17"
    )
    assert [one.id for one in found] == [visit.id]
    receipt = await privacy_desk.erase_subject(
        hub, officer, privacy_desk.SubjectKind.VISIT, visit.id, reason="art. 17"
    )
    assert receipt.opened_in_all == 0


async def test_a_host_who_is_erased_is_forgotten_by_visits(
    hub: Services, admin: Actor, wanted: VisitDetails, post: DrawnPost, demo: Demo
) -> None:
    details = PersonDetails(name="Otto Wirt", mail="otto@example.org")
    other = await register.add_person(hub, admin, details)
    visit = (await invited(hub, admin, replace(wanted, host=other.id))).visit
    await visits.tell(hub, admin, visit.id, out=False)
    await follow_visits(hub, demo.tenant, demo.site)
    await erase.erase_person(hub, admin, other.id)
    file = await visit_look.visit_file(hub, admin, visit.id)
    assert (file.host, file.visit.details.host, file.waiting) == ("", None, (file.waiting[0],))
    await send_letters(hub, demo.tenant)
    assert [one.to for one in post.sent] == ["mei@example.org"]


async def test_the_list_of_a_day_has_those_who_wait_first_and_whoever_is_still_inside(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, door: Door, clock: SetClock
) -> None:
    now = hub.clock.now()
    visit = (await invited(hub, admin, wanted)).visit
    later = (
        await invited(hub, admin, replace(wanted, name="Later Today", valid=Span(start=now, end=now + HOUR)))
    ).visit
    await door.passes(visit.code)
    await follow_visits(hub, demo.tenant, demo.site)
    page = await visit_look.visits_of_day(hub, admin, demo.site)
    ours = [one.visit.id for one in page.rows if one.visit.id in (visit.id, later.id)]
    assert ours == [visit.id, later.id]
    clock.advance(now + timedelta(days=1) - clock.now())
    page = await visit_look.visits_of_day(hub, admin, demo.site)
    listed = {one.visit.id: one.host for one in page.rows}
    assert (listed[visit.id], later.id in listed) == ("Hanna Gast", False)


async def test_another_organisation_finds_no_visit(
    hub: Services, admin: Actor, wanted: VisitDetails, stranger: Actor
) -> None:
    visit = (await invited(hub, admin, wanted)).visit
    operations: Sequence[object] = (
        visit_look.visit_file(hub, stranger, visit.id),
        visits.cancel(hub, stranger, visit.id),
        visits.tell(hub, stranger, visit.id, out=True),
        visits.invite_again(hub, stranger, visit.id),
        visits.invite(hub, stranger, wanted),
    )
    for one in operations:
        with pytest.raises(NotFound):
            await one  # type: ignore[misc]


async def test_a_role_without_the_duty_neither_sees_nor_invites(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails
) -> None:
    auditor = replace(admin, role=Role.AUDITOR)
    with pytest.raises(Refused):
        await visits.invite(hub, auditor, wanted)
    with pytest.raises(Refused):
        await visit_look.visits_of_day(hub, auditor, demo.site)
    attendant = replace(admin, role=Role.ATTENDANT)
    with pytest.raises(Refused):
        await visit_rules.change_rules(hub, attendant, VisitRules(site=demo.site), english="", chinese="")


async def test_many_are_invited_from_a_file_whose_every_line_is_judged_first(
    hub: Services, admin: Actor, demo: Demo, hanna: PersonId, post: DrawnPost
) -> None:
    heading = "name,mail,host_employee_number,start,end,access_level\n"
    good = "Ona Rist,ona@example.org,H-1,2026-04-01 09:00,2026-04-01 17:00,Always\n"
    bad = (
        "No Time,,H-1,,,Always\n"
        "Too Early,,H-1,2026-01-01 09:00,2026-01-01 17:00,\n"
        "No Host,,H-9,2026-04-01 09:00,2026-04-01 17:00,\n"
        "No Level,,,2026-04-01 09:00,2026-04-01 17:00,Nowhere\n"
        "No Address,ona,,2026-04-01 09:00,2026-04-01 17:00,\n"
    )
    report = await check_import(hub, admin, kind=ImportKind.VISITS, data=(heading + good + bad).encode())
    assert [one.line for one in report.bad] == [3, 4, 5, 6, 7]
    with pytest.raises(BadInput, match="5 of 6"):
        await apply_import(hub, admin, kind=ImportKind.VISITS, data=(heading + good + bad).encode())

    done = await apply_import(
        hub, admin, kind=ImportKind.VISITS, data=(heading + good + bad).encode(), skip_bad=True
    )

    assert done.applied == 1
    page = await visit_look.visits_of_day(hub, admin, demo.site, date(2026, 4, 1))
    assert [(one.visit.details.name, one.host) for one in page.rows] == [("Ona Rist", "Hanna Gast")]
    assert page.rows[0].visit.details.valid.start == datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert await send_letters(hub, demo.tenant) >= 1
    assert (await visit_page.invitation(hub, post.link("ona@example.org"))).name == "Ona Rist"


async def test_a_visit_kept_long_enough_is_erased_with_a_receipt(
    hub: Services, admin: Actor, demo: Demo, wanted: VisitDetails, door: Door, clock: SetClock
) -> None:
    now = hub.clock.now()
    made = await invited(hub, admin, wanted)
    visit = made.visit
    await door.passes(visit.code)
    await follow_visits(hub, demo.tenant, demo.site)
    await visits.tell(hub, admin, visit.id, out=True)
    clock.advance(now + timedelta(days=29) - clock.now())
    before = await end_visits(hub, demo.tenant)
    assert (await visit_look.visit_file(hub, admin, visit.id)).visit.id == visit.id
    assert before >= 0
    clock.advance(now + timedelta(days=31) - clock.now())
    assert await end_visits(hub, demo.tenant) >= 1

    with pytest.raises(NotFound):
        await visit_look.visit_file(hub, admin, visit.id)
    with pytest.raises(NotFound):
        await visit_page.invitation(hub, made.link)
    for purpose in (Purpose.IDENTITY, Purpose.MOVEMENT):
        with pytest.raises(KeyDestroyed):
            await hub.keyring.subject_key(demo.tenant, visit.id, purpose)
    done = next(one for one in await erase.erasures(hub, admin) if one.subject == visit.id)
    document = await erase.receipt(hub, admin, done.id)
    receipt = verified(document, await erase.receipts_public_key(hub, admin))
    assert (receipt.subject_kind, receipt.subject, receipt.opened_in_all) == ("visit", visit.id, 0)
    assert {one.what: one.count for one in receipt.removed}["record closed"] == 1
    shown = await look.wall(hub, admin, demo.site)
    subjects = {one.subject for one in shown.rows if isinstance(one, look.Passing)}
    assert visit.id not in subjects
