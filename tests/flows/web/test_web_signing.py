"""The way in: a one-time link, a password with a code, and out again."""

from __future__ import annotations

from datetime import timedelta

import pyotp

from postern.clock import SetClock
from postern.operations.services import Services
from tests.flows.web.conftest import PASSWORD, SAME_ORIGIN, Browser, fields_of, set_up


async def test_there_is_no_default_password(stranger_browser: Browser) -> None:
    for password in ("", "admin", "password", "postern"):
        answer = await stranger_browser.client.post(
            "/sign-in", data={"login_name": "administrator", "password": password}, headers=SAME_ORIGIN
        )
        assert answer.status_code == 422
        assert "__Host-postern" not in answer.cookies


async def test_opening_the_link_does_not_spend_it(
    stranger_browser: Browser, link: str, hub: Services
) -> None:
    for _ in range(3):
        page = await stranger_browser.get(link)
        assert page.status_code == 200
        assert "totp_secret" not in page.text
    await set_up(stranger_browser, link, hub)
    assert (await stranger_browser.get("/wall")).status_code == 200


async def test_a_spent_link_opens_nothing(browser: Browser, link: str) -> None:
    assert (await browser.get(link)).status_code == 404
    answer = await browser.client.post(link, headers=SAME_ORIGIN)
    assert answer.status_code == 404


async def test_a_wrong_code_leaves_the_link_good_and_says_so(
    stranger_browser: Browser, link: str, hub: Services
) -> None:
    secret = fields_of((await stranger_browser.client.post(link, headers=SAME_ORIGIN)).text)["totp_secret"]
    data = {"totp_secret": secret, "password": PASSWORD, "again": PASSWORD, "code": "000000"}
    answer = await stranger_browser.client.post(link, data=data, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    assert secret in answer.text
    assert PASSWORD not in answer.text
    await set_up(stranger_browser, link, hub)


async def test_passwords_that_differ_or_are_short_are_told_beside_the_field(
    stranger_browser: Browser, link: str
) -> None:
    secret = fields_of((await stranger_browser.client.post(link, headers=SAME_ORIGIN)).text)["totp_secret"]
    for password, again, field in (
        ("short", "short", "password"),
        (PASSWORD, "another one, longer", "again"),
    ):
        data = {"totp_secret": secret, "password": password, "again": again, "code": "123456"}
        answer = await stranger_browser.client.post(link, data=data, headers=SAME_ORIGIN)
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text


async def test_sign_out_and_in_again(browser: Browser, hub: Services, clock: SetClock, link: str) -> None:
    await browser.send("/sign-out")
    assert (await browser.get("/wall")).headers["location"] == "/sign-in"
    answer = await browser.client.post(
        "/sign-in",
        data={"login_name": "administrator", "password": PASSWORD, "code": "999999"},
        headers=SAME_ORIGIN,
    )
    assert answer.status_code == 422
    assert 'value="administrator"' in answer.text


async def test_password_and_code_sign_in(
    stranger_browser: Browser, link: str, hub: Services, clock: SetClock
) -> None:
    secret = await set_up(stranger_browser, link, hub)
    await stranger_browser.send("/sign-out")
    clock.advance(timedelta(seconds=60))
    code = pyotp.TOTP(secret).at(clock.now())
    data = {"login_name": "Administrator", "password": PASSWORD, "code": code}
    answer = await stranger_browser.client.post("/sign-in", data=data, headers=SAME_ORIGIN)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/wall"
    again = await stranger_browser.client.post("/sign-in", data=data, headers=SAME_ORIGIN)
    assert again.status_code == 422, "a code is good once"


async def test_a_login_ends_after_idle_hours(browser: Browser, clock: SetClock) -> None:
    assert (await browser.get("/wall")).status_code == 200
    clock.advance(timedelta(hours=13))
    assert (await browser.get("/wall")).headers["location"] == "/sign-in"


async def test_a_changed_password_ends_the_other_logins(
    browser: Browser, app: object, clock: SetClock
) -> None:
    other = "another horse battery staple"
    wrong = await browser.send("/profile/password", present="no", password=other, again=other)
    assert wrong.status_code == 422
    done = await browser.send("/profile/password", present=PASSWORD, password=other, again=other)
    assert done.headers["location"] == "/profile?said=password-changed"
    assert (await browser.get("/profile")).status_code == 200


async def test_the_language_and_the_theme_are_kept(stranger_browser: Browser) -> None:
    answer = await stranger_browser.client.post(
        "/preferences", data={"language": "zh", "back": "/sign-in"}, headers=SAME_ORIGIN
    )
    assert answer.headers["location"] == "/sign-in"
    page = (await stranger_browser.get("/sign-in")).text
    assert 'lang="zh-CN"' in page
    assert "登录" in page
    await stranger_browser.client.post("/preferences", data={"theme": "dark"}, headers=SAME_ORIGIN)
    assert 'data-theme="dark"' in (await stranger_browser.get("/sign-in")).text


async def test_preferences_lead_nowhere_else(stranger_browser: Browser) -> None:
    for back in ("https://evil.test/", "//evil.test/", "/\\evil.test", ""):
        answer = await stranger_browser.client.post("/preferences", data={"back": back}, headers=SAME_ORIGIN)
        assert answer.headers["location"] == "/"
