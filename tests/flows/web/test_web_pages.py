"""The console's pages on the demo site: they render, change things, and give back what was typed."""

from __future__ import annotations

import re

import pytest

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.services import Services
from postern.operations.sites import commands
from postern.sites import store as sites
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.web.conftest import SAME_ORIGIN, Browser

PAGES = (
    "/wall",
    "/alarms",
    "/doors",
    "/people",
    "/people/new",
    "/vehicles",
    "/vehicles/new",
    "/access-levels",
    "/access-levels/new",
    "/schedules",
    "/schedules/new",
    "/sites",
    "/sites/1",
    "/sites/1/areas/new",
    "/sites/1/doors/new",
    "/sites/1/access-points/new",
    "/sites/1/readers/new",
    "/agents",
    "/try",
    "/import",
    "/journal",
    "/search",
    "/privacy",
    "/sign-ins",
    "/profile/sign-ins",
    "/approvals",
    "/roles",
    "/operators",
    "/settings",
    "/profile",
    "/about",
)


async def first_id(browser: Browser, path: str) -> str:
    """The first thing that a list links to."""
    found = re.search(rf'href="{path}/([0-9a-f-]{{36}})"', (await browser.get(path)).text)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_page_renders_in_every_language(browser: Browser, language: str) -> None:
    for path in PAGES:
        page = await browser.get(path, **{"Accept-Language": language})
        assert page.status_code == 200, path
        assert page.text.count("<h1") == 1, path
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page.text


async def test_the_first_page_leads_to_the_wall(browser: Browser) -> None:
    assert (await browser.get("/")).headers["location"] == "/wall"


async def test_everything_that_postern_is_built_of_is_told_with_its_licence(browser: Browser) -> None:
    page = (await browser.get("/about")).text
    assert "jinja2" in page
    assert "(–)" not in page


async def test_an_unknown_page_is_a_page_in_words(browser: Browser) -> None:
    page = await browser.get("/nowhere")
    assert page.status_code == 404
    assert "There is nothing at this address" in page.text


async def test_a_person_is_added_found_and_changed(browser: Browser) -> None:
    answer = await browser.send("/people/new", name="Grace  Okoro", employee_number="2001")
    assert answer.status_code == 303
    path = answer.headers["location"].partition("?")[0]
    assert "Grace Okoro" in (await browser.get("/people?q=okoro")).text
    assert "Grace Okoro" not in (await browser.get("/people?q=nobody")).text
    changed = await browser.send(f"{path}/change", name="Grace Adams", version="1")
    assert changed.headers["location"].endswith("said=saved")
    stale = await browser.send(f"{path}/change", name="Grace Brown", version="1")
    assert stale.status_code == 422
    assert 'value="Grace Brown"' in stale.text


async def test_a_wrong_id_number_comes_back_with_what_was_typed(browser: Browser) -> None:
    answer = await browser.send("/people/new", name="林 小雨", resident_id_number="110105194912310021")
    assert answer.status_code == 422
    assert 'value="林 小雨"' in answer.text
    assert 'value="110105194912310021"' in answer.text
    assert 'id="resident_id_number-error"' in answer.text
    assert 'aria-describedby="resident_id_number-error resident_id_number-hint"' in answer.text


async def test_an_id_number_is_shown_masked(browser: Browser) -> None:
    answer = await browser.send("/people/new", name="Test", resident_id_number="11010519491231002X")
    page = (await browser.get(answer.headers["location"])).text
    assert "11010519491231002X" not in page
    assert "110•••••••••••••2X" in page


async def test_a_face_needs_consent_then_photos_are_reported_on(browser: Browser) -> None:
    id = await first_id(browser, "/people")
    assert "only with consent" in (await browser.get(f"/people/{id}")).text
    refused = await browser.send(f"/people/{id}/consent", form="on-screen")
    assert refused.status_code == 422
    given = await browser.send(f"/people/{id}/consent", form="on-screen", agreed="yes")
    assert given.headers["location"].endswith("consent-recorded")
    photos = [
        ("photos", ("one.jpg", b"pic\xc8\x32\x1e", "image/jpeg")),
        ("photos", ("two.jpg", b"no", "image/jpeg")),
    ]
    report = await browser.client.post(
        f"/people/{id}/photos",
        data={"form_key": await browser.form_key()},
        files=photos,
        headers=SAME_ORIGIN,
    )
    assert report.status_code == 200
    assert "Photo 1: enrolled" in report.text
    assert "Photo 2: not enrolled" in report.text
    withdrawn = await browser.send(f"/people/{id}/consent/withdraw")
    assert withdrawn.headers["location"].endswith("consent-withdrawn")
    assert "Not enrolled" in (await browser.get(f"/people/{id}")).text


async def test_cards_and_codes_are_given_and_revoked(browser: Browser) -> None:
    id = await first_id(browser, "/people")
    pin = await browser.send(f"/people/{id}/credentials", kind="pin", pin="86429753")
    assert pin.status_code == 200
    assert "keypad number" in pin.text
    assert "86429753" not in pin.text
    code = await browser.send(f"/people/{id}/credentials", kind="qr")
    assert "<svg" in code.text
    assert "P1." in code.text
    assert "P1." not in (await browser.get(f"/people/{id}")).text
    nothing = await browser.send(f"/people/{id}/credentials", kind="card", value="")
    assert 'id="value-error"' in nothing.text
    card = await browser.send(f"/people/{id}/credentials", kind="card", value="04 AA BB CC")
    assert card.headers["location"].endswith("credential-added")
    revoke = re.search(
        rf'action="(/people/{id}/credentials/[0-9a-f-]+/revoke)"', (await browser.get(f"/people/{id}")).text
    )
    assert revoke is not None
    assert (await browser.send(revoke.group(1))).headers["location"].endswith("credential-revoked")


async def test_access_is_given_for_days_and_taken_away(browser: Browser) -> None:
    id = await first_id(browser, "/people")
    level = re.search(r'href="/access-levels/([0-9a-f-]{36})"', (await browser.get("/access-levels")).text)
    assert level is not None
    backwards = {"level": level.group(1), "from": "2026-05-02", "until": "2026-05-01"}
    answer = await browser.send(f"/people/{id}/grants", **backwards)
    assert 'id="until-error"' in answer.text
    answer = await browser.send(f"/people/{id}/grants", **(backwards | {"until": "2026-05-03"}))
    assert answer.headers["location"].endswith("access-given")
    assert "4 May 2026, 00:00" in (await browser.get(f"/people/{id}")).text
    taken = await browser.send(f"/people/{id}/grants/{level.group(1)}/take")
    assert taken.headers["location"].endswith("access-taken")


async def test_somebody_is_blocked_and_unblocked(browser: Browser) -> None:
    for path in ("/people", "/vehicles"):
        id = await first_id(browser, path)
        assert (await browser.send(f"{path}/{id}/revoke")).headers["location"].endswith("said=blocked")
        assert "Blocked" in (await browser.get(path)).text
        assert (await browser.send(f"{path}/{id}/restore")).headers["location"].endswith("unblocked")


async def test_somebody_is_removed_for_good(browser: Browser) -> None:
    for path in ("/people", "/vehicles"):
        id = await first_id(browser, path)
        assert (await browser.send(f"{path}/{id}/remove")).headers["location"] == f"{path}?said=erased"
        assert (await browser.get(f"{path}/{id}")).status_code == 404


async def test_a_vehicle_is_added_and_a_second_with_its_plate_is_not(browser: Browser) -> None:
    assert (await browser.send("/vehicles/new", plate="b-ab 123", country="de")).status_code == 303
    again = await browser.send("/vehicles/new", plate="B AB 123", description="the same")
    assert again.status_code == 422
    assert 'value="the same"' in again.text
    assert "BAB123" in (await browser.get("/vehicles?q=b-ab")).text


async def test_a_schedule_is_written_and_read_back(browser: Browser) -> None:
    wrong = await browser.send("/schedules/new", name="Night", day0="22 to 6")
    assert 'id="day0-error"' in wrong.text
    assert 'value="22 to 6"' in wrong.text
    fields = {"name": "Night", "day0": "22:00-06:00", "special_day0": "2026-12-24", "special_name0": "Eve"}
    more = await browser.send("/schedules/new", **fields, more="yes")
    assert 'name="special_day3"' in more.text
    assert (await browser.send("/schedules/new", **fields)).status_code == 303
    id = re.findall(
        r'href="/schedules/([0-9a-f-]{36})" aria-label="Change Night"', (await browser.get("/schedules")).text
    )
    page = (await browser.get(f"/schedules/{id[0]}")).text
    assert 'value="22:00-06:00"' in page
    assert 'value="2026-12-24"' in page
    assert (await browser.send(f"/schedules/{id[0]}/remove")).headers["location"].endswith("removed")


async def test_an_access_level_in_use_is_not_removed(browser: Browser) -> None:
    level = re.findall(r'href="/access-levels/([0-9a-f-]{36})"', (await browser.get("/access-levels")).text)[
        0
    ]
    page = (await browser.get(f"/access-levels/{level}")).text
    assert page.count("checked") == 3
    answer = await browser.send(f"/access-levels/{level}/remove")
    assert answer.status_code == 409


async def test_a_site_is_set_up_part_by_part(browser: Browser) -> None:
    wrong = await browser.send("/sites", name="Annex", time_zone="Mars/Olympus")
    assert 'id="time_zone-error"' in wrong.text
    assert 'value="Mars/Olympus"' in wrong.text
    assert (await browser.send("/sites", name="Annex", time_zone="Asia/Shanghai")).status_code == 303
    page = (await browser.get("/sites/2/readers/new")).text
    assert "/sites/2" in page
    assert (await browser.send("/sites/2/areas/new", name="Street", outside="yes")).status_code == 303
    door = await browser.send(
        "/sites/2/doors/new",
        name="Side door",
        kind="leaf",
        controller="http-relay",
        url="http://10.0.0.5",
        password="s3cret-relay",
        free_exit="yes",
    )
    assert door.status_code == 303
    id = re.findall(r'href="/sites/2/doors/([0-9a-f-]{36})"', (await browser.get("/sites/2")).text)[0]
    page = (await browser.get(f"/sites/2/doors/{id}")).text
    assert "s3cret-relay" not in page
    assert re.search(r'name="free_exit"[^>]*checked', page)
    assert not re.search(r'name="contact_fitted"[^>]*checked', page)
    changed = await browser.send(
        f"/sites/2/doors/{id}",
        name="Back door",
        kind="leaf",
        controller="http-relay",
        version="1",
        release_seconds="700",
    )
    assert changed.status_code == 422
    assert 'value="700"' in changed.text
    nonsense = await browser.send(f"/sites/2/doors/{id}", name="Back door", version="inf", channel="nan")
    assert nonsense.text.count("-error") >= 2


async def test_a_camera_s_login_is_kept_and_never_shown(
    browser: Browser, hub: Services, demo: Demo, places: SitePlan
) -> None:
    camera = next(one for one in places.readers if one.kind == "face-camera")
    path, fields = f"/sites/1/readers/{camera.id}", {"name": "Lobby", "kind": "face-camera", "enabled": "yes"}
    fields["access_point"] = str(camera.access_point)

    async def source_after(address: str, version: str) -> str:
        sent = await browser.send(path, **fields, source=address, version=version)
        assert sent.status_code == 303, sent.text
        async with hub.database.transaction(demo.tenant) as tx:
            plan = await sites.plan(tx, hub.keyring, demo.tenant, places.site.id)
        return next(one.source for one in plan.readers if one.id == camera.id)

    full = "rtsp://viewer:p@ss@10.0.0.20/stream"
    assert await source_after(full, str(camera.version)) == full
    page = (await browser.get(path)).text
    assert 'value="rtsp://10.0.0.20/stream"' in page
    assert "viewer" not in page
    assert "ss@" not in page
    version = camera.version + 1
    assert await source_after("rtsp://10.0.0.20/stream", str(version)) == full
    elsewhere = "rtsp://203.0.113.9/stream"
    assert await source_after(elsewhere, str(version + 1)) == elsewhere


async def test_a_relay_s_password_does_not_follow_it_to_another_address(
    browser: Browser, places: SitePlan
) -> None:
    path = f"/sites/1/doors/{places.doors[0].id}"
    fields = {"name": "Front door", "kind": "leaf", "controller": "http-relay", "url": "http://10.0.0.5"}
    version = places.doors[0].version
    sent = await browser.send(path, **fields, password="s3cret-relay", version=str(version))
    assert sent.status_code == 303
    moved = fields | {"url": "http://203.0.113.9", "version": str(version + 1)}
    assert "Type the password again" in (await browser.send(path, **moved)).text
    assert (await browser.send(path, **moved, password="another")).status_code == 303


async def test_a_part_that_is_referred_to_is_not_removed(browser: Browser, places: SitePlan) -> None:
    answer = await browser.send(f"/sites/1/doors/{places.doors[0].id}/remove")
    assert answer.status_code == 422
    assert "still refers to it" in answer.text


async def test_an_unreachable_camera_says_why(browser: Browser, places: SitePlan) -> None:
    camera = next(one for one in places.readers if one.kind == "face-camera")
    answer = await browser.send(f"/sites/1/readers/{camera.id}/test")
    assert answer.status_code == 200
    assert "No picture came from there" in answer.text


async def test_a_door_needs_a_reason_and_an_agent(
    browser: Browser, places: SitePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/doors/1/{places.doors[0].id}/open"
    nothing = await browser.send(path, reason="")
    assert 'id="reason-error"' in nothing.text

    async def no_answer(*_: object) -> commands.CommandOutcome:
        return commands.CommandOutcome(done=False, detail="no-answer")

    monkeypatch.setattr(commands, "outcome", no_answer)
    silent = await browser.send(path, reason="delivery, checked by intercom")
    assert silent.status_code == 422
    assert "No agent of this site answered" in silent.text
    assert 'value="delivery, checked by intercom"' in silent.text


async def test_a_picture_is_judged_and_not_kept(browser: Browser, places: SitePlan) -> None:
    point = next(one for one in places.access_points if one.name == "Driveway barrier, in")
    answer = await browser.client.post(
        "/try",
        data={"form_key": await browser.form_key(), "access_point": f"1/{point.id}"},
        files={"picture": ("car.jpg", b"car\x05\x05\x05", "image/jpeg")},
        headers=SAME_ORIGIN,
    )
    assert answer.status_code == 200
    assert "PDM1001" in answer.text
    assert "Would open" in answer.text
    assert "Nobody enrolled was recognised" in answer.text


async def test_no_picture_is_told_beside_its_field(browser: Browser, places: SitePlan) -> None:
    answer = await browser.send("/try", access_point=f"1/{places.access_points[0].id}")
    assert answer.status_code == 422
    assert 'id="picture-error"' in answer.text


async def test_an_import_reports_first_and_takes_in_after(browser: Browser) -> None:
    text = b"name,employee_number\nGrace Okoro,2001\nHenk,2001\n"
    report = await browser.client.post(
        "/import",
        data={"form_key": await browser.form_key(), "kind": "people"},
        files={"file": ("people.csv", text, "text/csv")},
        headers=SAME_ORIGIN,
    )
    assert "New: 1. Changed: 0. Unchanged: 0. Refused: 1." in report.text
    assert "Grace" not in (await browser.get("/people")).text
    data = re.search(r'name="data" value="([^"]+)"', report.text)
    assert data is not None
    refused = await browser.send("/import/run", kind="people", data=data.group(1))
    assert refused.status_code == 422
    done = await browser.send("/import/run", kind="people", data=data.group(1), skip_bad="yes")
    assert done.headers["location"] == "/people?said=imported"
    assert "Grace Okoro" in (await browser.get("/people")).text


async def test_an_invited_operator_gets_a_link_and_their_role_s_pages_only(browser: Browser) -> None:
    answer = await browser.send("/operators", login_name="guard", role="attendant")
    assert "/first/" in answer.text
    double = await browser.send("/operators", login_name="guard", role="attendant")
    assert double.status_code == 422


async def test_an_enrolment_code_is_shown_once(browser: Browser) -> None:
    answer = await browser.send("/agents", site="1")
    assert re.search(r'id="code">1-[\w-]{20,}<', answer.text)
    assert 'id="code"' not in (await browser.get("/agents")).text


async def test_a_passage_is_on_the_wall_and_in_the_api_with_its_evidence(
    browser: Browser, hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    await pass_by_card(hub, entrance, places, agent)
    page = (await browser.get("/wall")).text
    assert "Ada Nowak" in page
    assert "Granted" in page
    (row,) = (await browser.get("/api/v1/sites/1/wall")).json()
    assert (row["who"], row["reason"], row["has_picture"]) == ("Ada Nowak", "granted", True)
    part = await browser.get(f"/wall/evidence/{row['key']}")
    assert f'src="/wall/picture/{row["key"]}"' in part.text
    picture = await browser.get(f"/wall/picture/{row['key']}")
    assert (picture.content, picture.headers["content-type"]) == (b"a jpeg", "image/jpeg")
    assert picture.headers["cache-control"] == "no-store"
    assert "picture of 1/2026-03-04/" in (await browser.get("/journal")).text


async def test_a_picture_that_is_none_is_not_found(browser: Browser) -> None:
    for key in ("nonsense", "1-20261399-1-1", "1-20260304-1-99"):
        assert (await browser.get(f"/wall/picture/{key}")).status_code == 404


async def pass_by_card(hub: Services, entrance: Entrance, places: SitePlan, agent: DrawnAgent) -> None:
    """Ada's card at the front door, received by the hub."""
    point = next(one for one in places.access_points if one.name == "Front door, in")
    presented = CodePresented(kind=CredentialKind.CARD, value="0410A1B2C3")
    request = Request(access_point=point.id, presented=presented)
    await admit(entrance, await agent.policy(), request, evidence=b"a jpeg")
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
