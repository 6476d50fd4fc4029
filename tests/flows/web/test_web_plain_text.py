"""Control characters are refused wherever text comes in, in words and without a fault, signed in or not."""

from __future__ import annotations

import pytest

from tests.flows.web.conftest import SAME_ORIGIN, Browser
from tests.flows.web.test_web_api import assert_problem, call

TYPE_ANEW = "this holds characters that cannot be written or shown"


@pytest.mark.parametrize("path", ["/journal/v1/a%00b", "/sign-in?back=%1b%5b2J", "/sign-in?%7f=x"])
async def test_a_stranger_s_address_with_one_is_refused(stranger_browser: Browser, path: str) -> None:
    answer = await stranger_browser.get(path)
    assert answer.status_code == 422
    assert TYPE_ANEW in answer.text


async def test_a_stranger_s_sign_in_with_one_is_refused(stranger_browser: Browser) -> None:
    data = {"login_name": "admin\x00", "password": "x", "code": "1"}
    answer = await stranger_browser.client.post("/sign-in", data=data, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    assert TYPE_ANEW in answer.text


async def test_a_search_and_a_form_with_one_are_refused(browser: Browser) -> None:
    assert (await browser.get("/journal?purpose=a%00")).status_code == 422
    assert (await browser.get("/people?q=a%00")).status_code == 422
    assert (await browser.send("/people/new", name="Ada\x00")).status_code == 422


async def test_a_document_with_one_at_any_depth_is_refused(browser: Browser) -> None:
    assert_problem(await call(browser, "POST", "/people", json={"name": "Ada\x00"}), 422, "bad-input")
    deep = {"name": "Early", "special_days": [{"name": "\x07"}]}
    refused = await call(browser, "POST", "/schedules", json=deep)
    assert TYPE_ANEW in refused.json()["detail"]


async def test_lines_and_tabs_of_a_note_are_kept(browser: Browser) -> None:
    note = "a key\n\ta fob"
    added = await call(browser, "POST", "/people", json={"name": "Grace", "notes": note})
    assert added.status_code == 201
    found = await call(browser, "GET", f"/people/{added.json()['id']}")
    assert found.json()["details"]["notes"] == note
