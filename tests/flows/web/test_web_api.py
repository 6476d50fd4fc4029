"""The JSON API: documents in, documents out, and every refusal a problem document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx

from postern.errors import PosternError
from postern.sites.store import SitePlan
from postern.web.limits import LARGEST_DOCUMENT
from tests.flows.web.conftest import SAME_ORIGIN, Browser

PROBLEM = "application/problem+json"


async def call(browser: Browser, method: str, path: str, **more: Any) -> httpx.Response:
    """A call with the login's cookie and form key, as a program makes it."""
    key = (await browser.get("/api/v1/login")).json().get("form_key", "")
    headers = {**SAME_ORIGIN, "Postern-Form-Key": key}
    return await browser.client.request(method, f"/api/v1{path}", headers=headers, **more)


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.headers["content-type"] == PROBLEM
    document = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code)
    assert document["title"]
    assert document["detail"]


async def test_without_a_login_everything_is_a_problem(stranger_browser: Browser) -> None:
    for path in ("/people", "/openapi.json", "/login", "/journal"):
        assert_problem(await stranger_browser.get(f"/api/v1{path}"), 401, "not-signed-in")


async def test_every_kind_of_refusal_is_a_problem(browser: Browser) -> None:
    assert_problem(await call(browser, "GET", "/nowhere"), 404, "not-found")
    assert_problem(await call(browser, "GET", f"/people/{uuid4()}"), 404, "not-found")
    assert_problem(await call(browser, "PATCH", "/people"), 405, "method-not-allowed")
    assert_problem(await call(browser, "POST", "/people", json={"name": ""}), 422, "bad-input")
    answer = await call(browser, "POST", "/people", json={"nom": "Ada", "sex": "x"})
    assert_problem(answer, 422, "bad-input")
    assert {one["pointer"] for one in answer.json()["errors"]} == {"/body/name", "/body/sex"}
    assert_problem(await call(browser, "GET", "/people/nonsense"), 422, "bad-input")


async def test_a_body_without_end_or_too_large_is_a_problem_and_a_wrong_method_names_the_right_ones(
    browser: Browser,
) -> None:
    async def without_end() -> AsyncIterator[bytes]:
        yield b"{}"

    assert_problem(await call(browser, "POST", "/people", content=without_end()), 411, "length-required")
    large = b"0" * (LARGEST_DOCUMENT + 1)
    kind = {"Content-Type": "application/json"}
    answer = await browser.client.post("/api/v1/people", headers={**SAME_ORIGIN, **kind}, content=large)
    assert_problem(answer, 413, "too-large")
    assert_problem(await call(browser, "POST", "/people", content=b"{"), 422, "bad-input")
    wrong = await call(browser, "PATCH", f"/people/{uuid4()}")
    assert wrong.headers["allow"] == "DELETE, GET, PUT"


async def test_each_refusal_that_a_fault_can_be_is_described(browser: Browser) -> None:
    documents = (await browser.get("/api/v1/openapi.json")).json()["paths"].values()
    described = [set(one["responses"]) for methods in documents for one in methods.values()]
    statuses = {str(fault.status) for fault in every_fault(PosternError)}
    assert statuses >= {"401", "410", "503"}
    assert [statuses - each for each in described if statuses - each - {"500"}] == []


def every_fault(base: type[PosternError]) -> set[type[PosternError]]:
    return {base}.union(*(every_fault(one) for one in base.__subclasses__()))


async def test_a_time_of_day_is_described_without_an_offset(browser: Browser) -> None:
    schemas = (await browser.get("/api/v1/openapi.json")).json()["components"]["schemas"]
    described = schemas["DaySpan"]["properties"]["start"]
    assert "format" not in described
    assert all(re.fullmatch(described["pattern"], text) for text in ("06:30", "23:59:59", "00:00:00.5"))
    assert not any(re.fullmatch(described["pattern"], text) for text in ("24:00", "6:30", "06:30Z"))


async def test_the_description_names_every_path(browser: Browser) -> None:
    document = (await browser.get("/api/v1/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    assert len(document["paths"]) >= 25
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    assert PROBLEM in str(document["paths"]["/api/v1/people"]["get"]["responses"]["404"])


async def test_a_person_lives_over_the_api(browser: Browser) -> None:
    added = await call(browser, "POST", "/people", json={"name": "Grace Okoro", "employee_number": "2001"})
    assert added.status_code == 201
    path = f"/people/{added.json()['id']}"
    changed = await call(browser, "PUT", path, json={"name": "Grace Adams", "version": 1})
    assert changed.json()["version"] == 2
    stale = await call(browser, "PUT", path, json={"name": "Grace", "version": 1})
    assert_problem(stale, 409, "conflict")
    consent = {"form": "online", "wording": "face-recognition 2026-01"}
    assert (await call(browser, "POST", f"{path}/consent", json=consent)).status_code == 204
    photos = [("photos", ("a.jpg", b"pic\xc8\x32\x1e", "image/jpeg"))]
    report = await call(browser, "POST", f"{path}/photos", files=photos)
    assert (report.status_code, report.json()["references"]) == (200, 1)
    card = await call(browser, "POST", f"{path}/credentials", json={"kind": "card", "number": "04AABBCC"})
    assert card.status_code == 201
    found = (await call(browser, "GET", path)).json()
    assert [(one["kind"], one["value"]) for one in found["credentials"] if one["kind"] == "card"] == [
        ("card", "…BBCC")
    ]
    why = {"reason": "lost at the station"}
    revoked = await call(browser, "POST", f"{path}/credentials/{card.json()['id']}/revoke", json=why)
    assert revoked.status_code == 204
    assert (await call(browser, "DELETE", path)).status_code == 204
    assert_problem(await call(browser, "GET", path), 404, "not-found")


async def test_access_is_set_up_over_the_api(browser: Browser, places: SitePlan) -> None:
    weekly = [{"weekdays": [0, 1], "span": {"start": "08:00", "end": "12:00"}}]
    schedule = await call(browser, "POST", "/schedules", json={"name": "Mornings", "weekly": weekly})
    assert schedule.status_code == 201
    document = {
        "name": "Early",
        "schedule": schedule.json()["id"],
        "access_points": [str(places.access_points[0].id)],
    }
    level = await call(browser, "POST", "/access-levels", json=document)
    assert level.status_code == 201
    vehicle = await call(browser, "POST", "/vehicles", json={"plate": "B AB 123"})
    path = f"/vehicles/{vehicle.json()['id']}"
    grants = [{"level": level.json()["id"], "start": "2026-05-01T00:00:00Z"}]
    assert (await call(browser, "PUT", f"{path}/grants", json=grants)).status_code == 204
    assert (await call(browser, "GET", path)).json()["grants"][0]["level"] == level.json()["id"]
    backwards = [grants[0] | {"end": "2026-04-01T00:00:00Z"}]
    assert_problem(await call(browser, "PUT", f"{path}/grants", json=backwards), 422, "bad-input")
    used = await call(browser, "DELETE", f"/access-levels/{level.json()['id']}")
    assert_problem(used, 409, "conflict")


async def test_a_plan_tells_no_addresses_or_passwords(browser: Browser) -> None:
    plan = await call(browser, "GET", "/sites/1")
    assert {door["name"] for door in plan.json()["doors"]} >= {"Front door"}
    assert "password" not in plan.text
    assert "source" not in plan.text


async def test_a_picture_is_tried_over_the_api(browser: Browser, places: SitePlan) -> None:
    data = {"site": "1", "access_point": str(places.access_points[0].id)}
    files = {"picture": ("car.jpg", b"car\x05\x05\x05", "image/jpeg")}
    tried = (await call(browser, "POST", "/try", data=data, files=files)).json()
    assert [one["kind"] for one in tried["seen"]] == ["face", "plate"]
    assert tried["seen"][1]["text"] == "PDM1001"


async def test_a_door_opened_without_a_reason_is_refused(browser: Browser, places: SitePlan) -> None:
    path = f"/sites/1/doors/{places.doors[0].id}/open"
    assert_problem(await call(browser, "POST", path, json={"reason": ""}), 422, "bad-input")


async def test_a_file_is_imported_dry_first_and_then_for_real(browser: Browser) -> None:
    file = {"file": ("people.csv", b"name,employee_number\nGrace Okoro,2001\nHenk,2001\n", "text/csv")}

    async def sent(**fields: str) -> httpx.Response:
        return await call(browser, "POST", "/imports", data={"kind": "people"} | fields, files=file)

    async def total() -> int:
        found = (await call(browser, "GET", "/people")).json()["total"]
        assert isinstance(found, int)
        return found

    before = await total()
    dry = (await sent()).json()
    assert (dry["lines"], dry["applied"], [one["line"] for one in dry["refused"]]) == (2, 0, [3])
    assert "employee number" in dry["refused"][0]["problem"]
    assert_problem(await sent(dry_run="false"), 422, "bad-input")
    assert await total() == before
    assert (await sent(dry_run="false", skip_bad="true")).json()["applied"] == 1
    assert await total() == before + 1


async def test_an_erasure_is_asked_for_proved_and_its_looks_reported(browser: Browser) -> None:
    added = (await call(browser, "POST", "/people", json={"name": "Grace Okoro"})).json()["id"]
    asked = {"kind": "person", "subject": added, "reason": "asked for by letter"}
    assert_problem(await call(browser, "POST", "/erasures", json=asked | {"reason": " "}), 422, "bad-input")
    erased = await call(browser, "POST", "/erasures", json=asked)
    assert erased.status_code == 201
    assert_problem(await call(browser, "GET", f"/people/{added}"), 404, "not-found")
    assert_problem(await call(browser, "POST", "/erasures", json=asked), 404, "not-found")
    (listed,) = (await call(browser, "GET", "/erasures")).json()
    assert (listed["id"], listed["subject"], listed["finished"]) == (erased.json()["id"], added, True)
    receipt = (await call(browser, "GET", f"/erasures/{listed['id']}/receipt")).json()
    assert receipt["receipt"]["subject"] == added
    assert_problem(await call(browser, "GET", f"/erasures/{uuid4()}/receipt"), 404, "not-found")
    wanted = {"subject": added, "purpose": "asked by the person"}
    looks = (await call(browser, "POST", "/looks", json=wanted)).json()
    assert {"added", "looked"} <= {one["act"] for one in looks}
    again = (await call(browser, "POST", "/looks", json=wanted)).json()
    assert (len(again), again[0]["purpose"]) == (len(looks) + 1, "asked by the person")


async def test_the_journal_names_the_operator_and_counts_the_subjects(browser: Browser) -> None:
    await call(browser, "GET", "/people")
    newest = (await call(browser, "GET", "/journal")).json()[0]
    assert (newest["actor"], newest["act"], newest["subjects"]) == ("administrator", "looked", 6)
