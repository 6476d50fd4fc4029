"""The history of signing in: when, how, from where and with what result; one's own and everybody's."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
from fastapi import FastAPI

from postern.clock import SetClock
from postern.ids import OperatorId, TenantId
from postern.operations.demo import Demo
from postern.operations.operators.sign_in import start_login
from postern.operations.services import Services
from postern.operators import store
from postern.operators.model import Operator, Role
from postern.web.came_from import browser_of
from tests.attacks.test_roles_by_endpoint import seat
from tests.flows.web.conftest import PASSWORD, SAME_ORIGIN, Browser, set_up
from tests.flows.web.test_web_privacy import sent

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


async def tried(browser: Browser, name: str, password: str, code: str) -> int:
    answer = await browser.client.post(
        "/sign-in",
        data={"login_name": name, "password": password, "code": code},
        headers=SAME_ORIGIN | {"User-Agent": FIREFOX},
    )
    return answer.status_code


async def named(hub: Services, demo: Demo, name: str) -> Operator:
    async with hub.database.transaction(demo.tenant) as tx:
        return next(one for one in await store.operators(tx, demo.tenant) if one.login_name == name)


def test_a_browser_is_named_in_two_words_and_anything_else_cut_short() -> None:
    assert browser_of("") == ""
    assert browser_of(FIREFOX) == "Firefox, Linux"
    assert browser_of(EDGE) == "Edge, Windows"
    assert browser_of("curl/8.5" + "x" * 200) == ("curl/8.5" + "x" * 200)[:60]


async def test_one_reads_when_how_and_from_where_ones_name_was_used(
    stranger_browser: Browser, link: str, hub: Services, clock: SetClock
) -> None:
    secret = await set_up(stranger_browser, link, hub)
    await stranger_browser.send("/sign-out")
    clock.advance(timedelta(minutes=2))
    assert await tried(stranger_browser, "administrator", "wrong", "000000") == 422
    assert await tried(stranger_browser, "nobody.here", "wrong", "000000") == 422
    clock.advance(timedelta(minutes=1))
    code = pyotp.TOTP(secret).at(clock.now())
    assert await tried(stranger_browser, "administrator", PASSWORD, code) == 303
    own = (await stranger_browser.get("/api/v1/sign-ins/own")).json()
    assert [(one["how"], one["succeeded"], one["open"]) for one in own] == [
        ("password", True, True),
        ("password", False, False),
        ("one-time link", True, False),
    ]
    assert own[0]["browser"] == "Firefox, Linux"
    assert own[0]["address"] == "127.0.0.1"
    page = (await stranger_browser.get("/profile/sign-ins")).text
    assert "Firefox, Linux" in page
    assert "A name that nobody has" not in page
    everybody = (await stranger_browser.get("/sign-ins")).text
    assert "A name that nobody has" in everybody
    assert "nobody.here" not in everybody
    assert "sign-ins" in (await stranger_browser.get("/journal")).text


async def test_an_operator_sees_no_others_sign_ins_and_ends_no_others_login(
    app: FastAPI, hub: Services, demo: Demo
) -> None:
    async with (
        seat(app, hub, demo.tenant, Role.SECURITY) as guard,
        seat(app, hub, demo.tenant, Role.PRIVACY_OFFICER) as officer,
    ):
        assert (await guard.client.get("/sign-ins")).status_code == 403
        own = (await guard.client.get("/api/v1/sign-ins/own")).json()
        assert {one["operator"] for one in own} == {"security.1"}
        every = (await officer.client.get("/api/v1/sign-ins")).json()
        assert {one["operator"] for one in every} >= {"security.1", "privacy-officer.1"}
        page = (await officer.client.get("/profile/sign-ins")).text
        assert "This login" in page
        async with hub.database.transaction(demo.tenant) as tx:
            (login,) = await store.logins(tx, await named(hub, demo, "security.1"))
        assert "There is nothing at this address" in await sent(officer, f"/profile/logins/{login.id}/end")
        assert (await guard.client.get("/profile")).status_code == 200


async def test_one_ends_another_login_of_ones_own(browser: Browser, hub: Services, clock: SetClock) -> None:
    first = browser.client.cookies.get("__Host-postern")
    assert first is not None
    clock.advance(timedelta(minutes=1))
    async with hub.database.transaction() as tx:
        cursor = await tx.execute("SELECT operator_id, tenant_id FROM login")
        ((operator, tenant),) = await cursor.fetchall()
    async with hub.database.transaction(TenantId(tenant)) as tx:
        other = await start_login(
            hub,
            tx,
            await store.get(tx, hub.keyring, TenantId(tenant), OperatorId(operator)),
            detail="passkey",
        )
    page = (await browser.get("/profile/sign-ins")).text
    (path,) = re.findall(r'action="(/profile/logins/[0-9a-f-]{36}/end)"', page)
    assert (await browser.send(path)).headers["location"] == "/profile/sign-ins?said=login-ended"
    browser.client.cookies.set("__Host-postern", other.secret)
    assert (await browser.get("/profile")).headers["location"] == "/sign-in"


async def test_an_administrator_signs_somebody_out_everywhere(
    app: FastAPI, hub: Services, demo: Demo
) -> None:
    async with (
        seat(app, hub, demo.tenant, Role.SECURITY) as guard,
        seat(app, hub, demo.tenant, Role.ADMINISTRATOR) as boss,
    ):
        told = await sent(boss, f"/operators/{(await named(hub, demo, 'security.1')).id}/sign-out")
        assert told == "/sign-ins?said=login-ended"
        assert (await guard.client.get("/profile")).headers["location"] == "/sign-in"


async def test_attempts_are_kept_for_180_days_and_shown_for_90(
    browser: Browser, clock: SetClock, hub: Services
) -> None:
    async def kept() -> int:
        async with hub.database.transaction() as tx:
            cursor = await tx.execute("SELECT tenant_id FROM login LIMIT 1")
            found = await cursor.fetchone()
            assert found is not None
        async with hub.database.transaction(found[0]) as tx:
            cursor = await tx.execute("SELECT count(*) FROM sign_in_attempt WHERE operator_id IS NOT NULL")
            row = await cursor.fetchone()
            assert row is not None
            return int(row[0])

    assert await kept() == 1
    clock.advance(timedelta(days=181))
    assert await tried(browser, "administrator", "wrong", "000000") == 422
    assert await kept() == 1
