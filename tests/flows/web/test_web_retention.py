"""How long a site keeps what, with its origin; visitors found by name; wordings and registers by API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind
from postern.clock import utc_day
from postern.journal import store as journal
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.people import register
from postern.operations.privacy.held import held
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor
from postern.people.model import PersonDetails
from postern.privacy.member import Member
from postern.prove.visited import visited
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.operations.test_operations_main_path import way
from tests.flows.web.conftest import SAME_ORIGIN, Browser

WORDING = {
    "en": "Your face opens doors here, and nothing else. Withdraw whenever you like. " * 2,
    "zh": "您的人脸仅用于在此开门，不作他用。您可随时撤回同意。" * 2,
}


async def test_retention_says_whence_it_comes_and_what_the_law_forbids(browser: Browser, demo: Demo) -> None:
    page = (await browser.get("/privacy/retention")).text
    assert "Default of the jurisdiction: European Union (GDPR)." in page
    assert "EDPB Guidelines 3/2019" in page
    assert "Visits are kept for 30 days after they end; 0 are held now." in page

    address = f"/privacy/retention/{demo.site}"
    refused = await browser.send(address, version="0", days="90", picture_days="200")
    assert refused.status_code == 422
    assert "GDPR art. 5 (1) (e)" in refused.text
    assert (await browser.send(address, version="0", days="60", picture_days="7")).status_code == 303
    assert "Set for this site" in (await browser.get("/privacy/retention")).text
    assert (await browser.send(address, version="0", days="50", picture_days="7")).status_code == 422  # stale

    kept = (await browser.get(f"/api/v1/sites/{demo.site}/retention")).json()
    assert (kept["days"]["decision"], kept["picture_days"], kept["profile"]) == (60, 7, "eu")
    assert (
        await sent(browser, "PUT", f"/api/v1/sites/{demo.site}/retention", kept | {"days": {"decision": 40}})
    ) == 200
    assert (
        await sent(browser, "PUT", f"/api/v1/sites/{demo.site}/retention", kept | {"days": {"x": 1}})
    ) == 422


async def sent(browser: Browser, method: str, path: str, body: object) -> int:
    headers = SAME_ORIGIN | {"Postern-Form-Key": await browser.form_key()}
    return (await browser.client.request(method, path, json=body, headers=headers)).status_code


async def test_wordings_and_the_register_over_the_api(browser: Browser) -> None:
    assert await sent(browser, "POST", "/api/v1/consent-wordings", WORDING) == 201
    told = (await browser.get("/api/v1/consent-wordings")).json()
    assert [one["number"] for one in told] == [1, 0, 0]
    assert [one["name"] for one in told[1:]] == ["face-recognition eu 2026-11", "face-recognition 2026-01"]
    assert await sent(browser, "POST", "/api/v1/consent-wordings", {"en": "short", "zh": "短"}) == 422

    asked = {
        "received": "2026-03-03",
        "authority": "Police",
        "law": "§ 94",
        "asked": "All of it",
        "answer": "declined",
    }
    assert await sent(browser, "POST", "/api/v1/lawful-requests", asked) == 422  # when are people told?
    assert await sent(browser, "POST", "/api/v1/lawful-requests", asked | {"tell_from": "2026-04-01"}) == 204
    (line,) = (await browser.get("/api/v1/lawful-requests")).json()
    assert (line["authority"], line["answer"], line["people"]) == ("Police", "declined", [])
    assert (await browser.get("/api/v1/filing")).status_code == 404  # Germany asks for none


async def test_a_visitor_is_found_by_name_with_a_purpose_and_counted(
    browser: Browser,
    hub: Services,
    admin: Actor,
    demo: Demo,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
) -> None:
    host = await register.add_person(hub, admin, PersonDetails(name="Hanna", employee_number="H-7"))
    made = await visited(hub, admin, demo.site, name="Quistina Umlauf", host=host.id)
    await publish_stale(hub)
    shown = CodePresented(kind=CredentialKind.QR, value=made.visit.code)
    await admit(
        entrance, await agent.policy(), Request(access_point=way(places, "Front door, in"), presented=shown)
    )
    await receive(hub, await agent.known(), agent.entries, agent.pictures)

    today = utc_day(hub.clock.now())
    wanted = {
        "what": "visitor",
        "who": "quistina",
        "site": str(demo.site),
        "first": str(today - timedelta(days=1)),
        "last": str(today),
        "purpose": "a lost coat",
        "case": "2026-18",
    }
    page = (await browser.send("/search", **wanted)).text
    assert "Quistina Umlauf" in page
    assert "Front door, in" in page
    assert "Nobody" not in (await browser.send("/search", **wanted | {"who": "Quistina Umlauf"})).text
    assert (await browser.send("/search", **wanted | {"who": "Ottokar"})).status_code == 422
    async with hub.database.transaction(demo.tenant) as tx:
        about = await journal.read_about(tx, hub.keyring, demo.tenant, made.visit.id)
    assert ("a lost coat", "2026-18", "visitors by name") in {
        (one.entry.purpose, one.entry.case, one.entry.detail) for one in about
    }

    told = await held(hub, Member(tenant=demo.tenant, person=host.id, name="Hanna"))
    assert [(one.site, one.state) for one in told.visits] == [("Demo site", "expected")]
    assert "Quistina" not in repr(replace(told, looks=()))
