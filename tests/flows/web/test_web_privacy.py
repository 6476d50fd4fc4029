"""The privacy officer's desk: who looked, what is erased, what every agent has proved, what was unusual."""

from __future__ import annotations

import re

from fastapi import FastAPI

from postern.ids import VehicleId
from postern.operations import look
from postern.operations.demo import Demo
from postern.operations.insiders.alarms import raise_alarm
from postern.operations.privacy import consent, erase
from postern.operations.privacy.retention import end_what_is_over
from postern.operations.services import Services
from postern.operators.concerns import Concern
from postern.operators.model import Actor, Role
from postern.privacy.receipt import verified
from tests.attacks.test_roles_by_endpoint import Seat, seat
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.web.conftest import SAME_ORIGIN, Browser


async def sent(somebody: Seat, path: str, **fields: str) -> str:
    data = {"form_key": somebody.form_key, **fields}
    answer = await somebody.client.post(path, data=data, headers=SAME_ORIGIN)
    return answer.text if answer.status_code != 303 else answer.headers["location"]


async def test_an_empty_desk_says_so(browser: Browser) -> None:
    page = (await browser.get("/privacy")).text
    for words in ("Nothing unusual is open", "No erasures yet", "No consent was withdrawn", "No run yet"):
        assert words in page


async def test_a_person_is_told_who_looked_at_them_and_the_report_is_in_the_next_one(
    browser: Browser,
) -> None:
    asked = {"looks-kind": "person", "looks-who": "Ada Nowak", "looks-purpose": "asked for by herself"}
    assert (
        "Please fill this in."
        in (await browser.send("/privacy/report", **asked | {"looks-purpose": ""})).text
    )
    first = (await browser.send("/privacy/report", **asked)).text
    assert "Who looked at Ada Nowak" in first
    second = (await browser.send("/privacy/report", **asked | {"looks-case": "SAR-7"})).text
    assert "asked for by herself (SAR-7)" in second
    assert "asked for by herself (SAR-7)" not in first
    nobody = await browser.send("/privacy/report", **asked | {"looks-who": "Nobody at all"})
    assert nobody.status_code == 422
    assert "nobody is registered under that name" in nobody.text


async def test_part_of_a_name_finds_nobody_at_the_desk(browser: Browser) -> None:
    asked = {"looks-kind": "person", "looks-who": "Ada", "looks-purpose": "curious"}
    assert (await browser.send("/privacy/report", **asked)).status_code == 422


async def test_an_erasure_shows_who_is_meant_before_it_erases_and_leaves_its_receipt(
    app: FastAPI, hub: Services, demo: Demo, admin: Actor, agent: DrawnAgent
) -> None:
    key = await erase.receipts_public_key(hub, admin)
    async with seat(app, hub, demo.tenant, Role.PRIVACY_OFFICER) as officer:
        wanted = {"erase-kind": "person", "erase-who": "ada  nowak", "erase-reason": "she asked, letter 12"}
        found = await sent(officer, "/privacy/erasures", **wanted)
        assert "Ada Nowak" in found
        chosen = re.search(r'name="erase-subject" value="([0-9a-f-]{36})"', found)
        assert chosen is not None
        sure = wanted | {"erase-subject": chosen.group(1)}
        assert "Tick this to erase." in await sent(officer, "/privacy/erasures", **sure)
        assert (await look.find_people(hub, admin, text="Ada Nowak")).total == 1
        told = await sent(officer, "/privacy/erasures", **sure, **{"erase-sure": "yes"})
        assert told == "/privacy?said=erased"
        assert (await look.find_people(hub, admin, text="Ada Nowak")).total == 0
        page = (await officer.client.get("/privacy")).text
        assert "she asked, letter 12" in page
        assert "0 of 1 agents have proved it" in page
        assert "Ada Nowak" not in page
        path = re.search(r"/privacy/erasures/[0-9a-f-]{36}/receipt", page)
        assert path is not None
        receipt = verified((await officer.client.get(path.group(0))).content, key)
        assert str(receipt.subject) == chosen.group(1)


async def test_a_vehicle_is_erased_by_its_plate_by_an_officer_who_may_not_browse_vehicles(
    app: FastAPI, hub: Services, demo: Demo, admin: Actor
) -> None:
    vehicle = (await look.find_vehicles(hub, admin)).rows[0].vehicle
    async with seat(app, hub, demo.tenant, Role.PRIVACY_OFFICER) as officer:
        assert (await officer.client.get("/vehicles")).status_code == 403
        wanted = {
            "erase-kind": "vehicle",
            "erase-who": vehicle.details.plate,
            "erase-reason": "the keeper asked",
            "erase-subject": str(VehicleId(vehicle.id)),
            "erase-sure": "yes",
        }
        assert await sent(officer, "/privacy/erasures", **wanted) == "/privacy?said=erased"
    left = (await look.find_vehicles(hub, admin)).rows
    assert vehicle.id not in {one.vehicle.id for one in left}


async def test_an_auditor_reads_the_desk_and_erases_nobody(app: FastAPI, hub: Services, demo: Demo) -> None:
    async with seat(app, hub, demo.tenant, Role.AUDITOR) as auditor:
        page = (await auditor.client.get("/privacy")).text
        assert "Erase on request" not in page
        assert "Unusual looking" not in page
        asked = {"looks-kind": "person", "looks-who": "Ada Nowak", "looks-purpose": "audit"}
        assert "takes reading the journal and seeing people" in await sent(
            auditor, "/privacy/report", **asked
        )


async def test_a_withdrawn_consent_stands_apart_from_erasures(
    browser: Browser, hub: Services, admin: Actor
) -> None:
    person = (await look.find_people(hub, admin)).rows[0].person.id
    await consent.give_consent(hub, admin, person=person)
    await consent.withdraw_consent(hub, admin, person=person)
    page = (await browser.get("/privacy")).text
    assert "No erasures yet" in page
    assert "No consent was withdrawn" not in page
    assert str(person) in page


async def test_the_last_run_of_the_retention_is_reported(browser: Browser, hub: Services) -> None:
    await end_what_is_over(hub)
    assert "No run yet" not in (await browser.get("/privacy")).text


async def test_an_open_alarm_about_an_operator_is_closed_with_what_was_found(
    browser: Browser, hub: Services, demo: Demo
) -> None:
    async with hub.database.transaction(demo.tenant) as tx:
        await raise_alarm(hub, tx, demo.tenant, Concern.AT_NIGHT, about="guard", principal="guard")
    page = (await browser.get("/privacy")).text
    path = re.search(r'action="(/privacy/alarms/[0-9a-f-]{36})"', page)
    assert path is not None
    assert "say why" in (await browser.send(path.group(1), reason="")).text
    assert (await browser.send(path.group(1), reason="was on duty")).status_code == 303
    assert path.group(1) not in (await browser.get("/privacy")).text
