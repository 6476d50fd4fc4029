"""The ways by which planted values get into Postern: console and API, enrolment, passages, looking."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pyotp
import structlog

from postern.access.decision import PlatePresented, Request
from postern.agent.bundle import BundleStore
from postern.agent.files import site_key
from postern.agent.identity import load_identity
from postern.agent.spool import Spool, SpoolLimits
from postern.clock import SystemClock, utc_day
from postern.errors import PosternError
from postern.ids import PersonId
from postern.logs import log_to_file
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.look import Wanted
from postern.operations.operators import members, operators
from postern.operations.people import enrol
from postern.operations.people.import_csv import ImportKind, apply_import
from postern.operations.privacy import consent
from postern.postgres.embedded import Cluster
from postern.postgres.programs import find_programs
from postern.prove.load import EVIDENCE
from postern.prove.planting import FakeRecognition, Planted, PlantedPerson
from postern.prove.verdict import releases
from postern.prove.world import AgentUnderLoad, Plan, World
from postern.web.login import form_key_of

LEVEL = "Everywhere"
PATIENCE = httpx.Timeout(300)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """This process logs as the hub does, everything, into `path`."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    log_to_file(path, "debug")
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**configured)


async def by_the_console(postern: World, plan: Plan, planted: Planted) -> None:
    """Sign in, add, enrol and import, search, and do all of it wrong as well."""
    async with httpx.AsyncClient(
        base_url=postern.url, headers={"Origin": postern.url}, timeout=PATIENCE, trust_env=False
    ) as client:
        await _signed_in(postern, plan, planted, client)
        for person in planted.people[: planted.enrolled]:
            made = await client.post("/api/v1/people", json=_fields(person))
            assert made.status_code == 201, made.text
            card = {"kind": "card", "number": person.card}
            given = await client.post(f"/api/v1/people/{made.json()['id']}/credentials", json=card)
            assert given.status_code == 201, given.text
        await _wrongly(client, planted)
        await _secrets(client, planted, made.json()["id"])
        await by_enrolment(postern, plan, planted)
        await _personnel(planted, client, made.json()["id"])
        await _import(
            client, "people", replace(planted, people=planted.people[planted.enrolled :]).people_csv(LEVEL)
        )
        await _import(client, "vehicles", planted.vehicles_csv(LEVEL))
        for text in (planted.people[0].name, planted.people[-1].employee_number):
            found = await client.get("/api/v1/people", params={"text": text})
            assert found.json()["total"] == 1
            assert (await client.get("/people", params={"text": text})).status_code == 200
        plate = planted.plates[0]
        assert (await client.get("/api/v1/vehicles", params={"text": plate})).json()["total"] == 1


async def _personnel(planted: Planted, client: httpx.AsyncClient, person: str) -> None:
    """A team and a contractor under invented names, and somebody's employment in both."""
    names = [f"{one.occupation}-{one.card}" for one in planted.people[:4]]
    planted.more += names
    team = await client.post("/api/v1/teams", json={"name": names[0], "manager": person})
    wanted = {"name": names[1], "address": names[2], "contract": names[3]}
    contractor = await client.post("/api/v1/contractors", json=wanted)
    terms = {
        "first": "2020-01-01",
        "team": team.json()["id"],
        "contractor": contractor.json()["id"],
        "occupation": planted.people[0].occupation,
    }
    made = await client.post(f"/api/v1/people/{person}/employments", json=terms)
    assert made.status_code == 201, made.text
    assert (await client.get("/teams")).status_code == 200


def _fields(person: PlantedPerson) -> dict[str, str | int]:
    return {
        "name": person.name,
        "employee_number": person.employee_number,
        "resident_id_number": person.resident_id_number,
    }


async def _signed_in(postern: World, plan: Plan, planted: Planted, client: httpx.AsyncClient) -> None:
    """The first operator, by their one-time link; wrong passwords first."""
    services = postern.services
    url = await operators.first_link(services, plan.tenant, login_name=f"operator-{plan.tenant}")
    assert url is not None
    link, password = url.rpartition("/")[2], secrets.token_urlsafe(18)
    known = await operators.look_at_link(services, link)
    totp = pyotp.TOTP(known.totp_secret)
    _, codes = await operators.spend_link(
        services, link, password=password, totp_secret=known.totp_secret, totp_code=totp.now()
    )
    name = known.operator.login_name
    for login_name, wrong in ((name, secrets.token_urlsafe(18)), (password, password)):
        planted.more.append(wrong)
        form = {"login_name": login_name, "password": wrong, "code": "000000"}
        assert (await client.post("/sign-in", data=form)).status_code == 422
    form = {"login_name": name, "password": password, "code": codes[0]}
    assert (await client.post("/sign-in", data=form)).status_code == 303
    cookie = client.cookies["postern"]
    client.headers["Postern-Form-Key"] = form_key_of(cookie)
    planted.more += [link, password, known.totp_secret, cookie, form_key_of(cookie), *codes]


async def by_oneself(postern: World, plan: Plan, planted: Planted) -> None:
    """Somebody signs in for themself, wrongly at first, and asks for something in their own words."""
    chance = secrets.token_urlsafe
    services, actor = postern.services, postern.actor(plan)
    person = (await look.find_people(services, actor, text=planted.people[1].name)).rows[0].person.id
    link, passphrase, words, wrong = (
        (await members.new_member_link(services, actor, person)).rpartition("/")[2],
        *(chance(18) for _ in range(3)),
    )
    planted.more += [link, passphrase, words, wrong]
    async with httpx.AsyncClient(
        base_url=postern.url, headers={"Origin": postern.url}, timeout=PATIENCE, trust_env=False
    ) as client:
        form = {"passphrase": passphrase, "again": passphrase}
        assert (await client.post(f"/me/first/{link}", data=form)).status_code == 303
        cookie, name = client.cookies["postern-me"], client.cookies["postern-me-name"]
        planted.more += [cookie, form_key_of(cookie)]
        asked = {"rectify": words, "form_key": form_key_of(cookie)}
        assert (await client.post("/me/held/rectify", data=asked)).status_code == 303
        for path in ("/me", "/me/held", "/me/held/file.json", "/me/held/file.pdf"):
            assert (await client.get(path)).status_code == 200
        attempt = {"name": name, "passphrase": wrong}
        assert (await client.post("/me/sign-in", data=attempt)).status_code == 422


async def _wrongly(client: httpx.AsyncClient, planted: Planted) -> None:
    """Requests that fail, each with something in it that a careless error would repeat."""
    known, fresh = planted.people[0], planted.people[-1]
    duplicate = {"name": fresh.name, "employee_number": known.employee_number}
    assert (await client.post("/api/v1/people", json=duplicate)).status_code == 409
    wrong_id = {"name": fresh.name, "resident_id_number": fresh.resident_id_number[:-1] + "?"}
    assert (await client.post("/api/v1/people", json=wrong_id)).status_code in (201, 422)
    assert (await client.post("/api/v1/people", json={"name": fresh.name * 60})).status_code == 422
    assert (await client.post("/api/v1/people", content=f'{{"name": "{fresh.name}')).status_code == 422
    sexed = {"name": fresh.name, "sex": fresh.card}
    assert (await client.post("/api/v1/people", json=sexed)).status_code == 422
    for path in (f"/{fresh.name}", f"/api/v1/people/{fresh.card}", f"/people/{fresh.name}"):
        assert (await client.get(path)).status_code in (404, 422)
    assert (await client.get("/api/v1/evidence/1-2-3-4", params={"purpose": "x"})).status_code >= 400
    await client.post("/api/v1/people", json={"name": f"{fresh.name}\0{known.card}"})
    vehicle = {"plate": planted.plates[0] * 3, "description": fresh.name}
    assert (await client.post("/api/v1/vehicles", json=vehicle)).status_code == 422


async def _secrets(client: httpx.AsyncClient, planted: Planted, person: str) -> None:
    """A QR code, notes, and a file so large that a web framework would put it on the disk."""
    code = await client.post(f"/api/v1/people/{person}/credentials", json={"kind": "qr"})
    assert code.status_code == 201
    notes = secrets.token_urlsafe(18)
    fields = _fields(planted.people[planted.enrolled - 1]) | {"notes": notes, "version": 1}
    changed = await client.put(f"/api/v1/people/{person}", json=fields)
    assert changed.status_code == 200, changed.text
    planted.more += [code.json()["secret"], notes]
    file = planted.people_csv(LEVEL) * (2_000_000 // len(planted.people_csv(LEVEL)) + 1)
    sent = {"file": ("people.csv", file, "text/csv")}
    assert (await client.post("/import", data={"kind": "people"}, files=sent)).status_code in (200, 422)


async def _import(client: httpx.AsyncClient, kind: str, data: bytes) -> None:
    form = {"kind": kind, "data": base64.b64encode(data).decode()}
    done = await client.post("/import/run", data=form)
    assert done.status_code == 303, done.text


async def by_enrolment(postern: World, plan: Plan, planted: Planted) -> None:
    """Consents, photos and templates; recognition is a double, storing is not."""
    services = replace(postern.services, recognition=FakeRecognition(planted).port())
    actor = postern.actor(plan)
    for number, person in enumerate(planted.people[: planted.enrolled]):
        found = await look.find_people(services, actor, text=person.employee_number)
        id = PersonId(found.rows[0].person.id)
        reference = secrets.token_urlsafe(18)
        planted.more.append(reference)
        await consent.give_consent(services, actor, person=id, keep_photo=True, reference=reference)
        done = await enrol.enrol(services, actor, person=id, photos=planted.photos(number))
        assert done.references == len(planted.photos(number))


async def by_passages(postern: World, plan: Plan, planted: Planted, passages: int) -> AgentUnderLoad:
    """Cards and plates at an agent under load, then plates that belong to nobody registered."""
    agent = AgentUnderLoad(postern, plan)
    await agent.new_code()
    agent.start()
    await agent.has_released(passages)
    agent.kill()
    await _strangers(agent, planted)
    agent.start()
    await agent.drain()
    planted.more += [agent.code, *(one.id for one in releases(agent))]
    return agent


async def _strangers(agent: AgentUnderLoad, planted: Planted) -> None:
    key = site_key(agent.folder / "site.key")
    identity = load_identity(agent.folder / "identity", key)
    assert identity is not None
    policy = BundleStore(agent.folder / "policy", key).load(identity)
    assert policy is not None
    spool = Spool(agent.folder / "spool.sqlite", identity.owner, SpoolLimits(reserve=0))
    entrance = Entrance(spool=spool, controllers={}, clock=SystemClock())
    for plate in planted.strangers:
        request = Request(
            access_point=policy.access_points[0].id, presented=PlatePresented(text=plate, score=0.9)
        )
        await admit(entrance, policy, request, evidence=EVIDENCE + plate.encode())
    await spool.close()


async def by_looking(postern: World, plan: Plan, planted: Planted) -> None:
    """Whatever opens: the wall, evidence, searches, files, the journal."""
    services, actor = postern.services, postern.actor(plan)
    today = utc_day(services.clock.now())
    wall = await look.wall(services, actor, plan.site)
    assert wall.rows
    for row in wall.rows[:5]:
        with suppress(PosternError):
            assert await look.evidence(services, actor, row.key, purpose="test")
    for plate in (planted.strangers[0], planted.plates[0]):
        wanted = Wanted(plate=plate)
        await look.search_passages(
            services,
            actor,
            wanted,
            site_ids=[plan.site],
            first=today,
            last=today,
            purpose="test",
            case="case 1",
        )
    found = await look.find_people(services, actor, text=planted.people[0].name)
    await look.person_file(services, actor, PersonId(found.rows[0].person.id))
    assert await look.enrolment_photo(services, actor, PersonId(found.rows[0].person.id), purpose="test")
    vehicles = await look.find_vehicles(services, actor, text=planted.plates[0])
    await look.vehicle_file(services, actor, vehicles.rows[0].vehicle.id)
    assert await look.journal_page(services, actor)


async def by_a_crashing_database(postern: World, plan: Plan, planted: Planted) -> None:
    """kill -9 of the server process that takes in an import: PostgreSQL logs what it was doing."""
    cluster = postern.clusters["data"]
    importing = asyncio.create_task(
        apply_import(
            postern.services,
            postern.actor(plan),
            kind=ImportKind.PEOPLE,
            data=replace(Planted.drawn(1, people=500), plates=[]).people_csv(LEVEL),
        )
    )
    async with await _supervisor(cluster) as connection:
        row = None
        while row is None:
            await asyncio.sleep(0.2)
            found = await connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'postern%' AND backend_xid IS NOT NULL"
            )
            row = await found.fetchone()
    os.kill(row[0], signal.SIGKILL)
    with suppress(PosternError, psycopg.Error):
        await importing
    planted.more += [value for one in Planted.drawn(1, people=500).people for value in one.values()]


async def _supervisor(cluster: Cluster) -> psycopg.AsyncConnection:
    """A superuser's connection, once the database has recovered."""
    supervisor = cluster.conninfo(database="postgres", role="supervisor")
    while True:
        with suppress(psycopg.OperationalError):
            return await psycopg.AsyncConnection.connect(supervisor, autocommit=True)
        await asyncio.sleep(0.1)


async def settle(postern: World) -> None:
    """Stop the hub, have both databases write out all they hold, and dump them."""
    postern.kill_hub()
    for name, cluster in postern.clusters.items():
        async with await _supervisor(cluster) as connection:
            await connection.execute("CHECKPOINT")
        dump = postern.folder / f"dump-{name}.sql"
        program = find_programs().folder / "pg_dump"
        dumping = await asyncio.create_subprocess_exec(program, cluster.conninfo(), "--file", dump)
        assert await dumping.wait() == 0
        assert dump.stat().st_size > 0
