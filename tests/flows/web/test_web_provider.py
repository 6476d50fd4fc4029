"""Signing in with a real OpenID Connect provider: the way there and back, and every way to cheat on it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from postern.clock import SystemClock
from postern.devices import sign_in_provider
from postern.devices.sign_in_provider import OidcProvider, ProviderSettings
from postern.errors import SettingsInvalid
from postern.ids import OperatorId, new_id
from postern.operations.demo import Demo
from postern.operations.operators import operators
from postern.operations.services import Services
from postern.operators import store
from postern.operators.model import Operator, Role
from postern.operators.provider_store import ProviderLink, ProviderSubject, link_of, put_link
from postern.settings import Settings
from postern.web.app import create_app
from tests.flows.web.conftest import HOME, SAME_ORIGIN, Browser, set_up
from tests.flows.web.oidc import CLIENT_ID, CLIENT_SECRET, RealProvider, needs_provider, running_provider

pytestmark = needs_provider
BACK = f"{HOME}/sign-in/provider/return"
REFUSED = "answer was not accepted here"
AGAIN = "Please start again."


@pytest.fixture(scope="module")
def provider() -> Iterator[RealProvider]:
    with running_provider(BACK) as started:
        yield started


@pytest.fixture
async def honest(provider: RealProvider) -> AsyncIterator[RealProvider]:
    yield provider
    await provider.spoil("")


@pytest.fixture
def name_claim() -> str | None:
    return None


@pytest.fixture
def linked_hub(hub: Services, honest: RealProvider, name_claim: str | None) -> Services:
    """The hub by the real clock, as the provider's tokens are."""
    settings = ProviderSettings(
        issuer=honest.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        label="Example ID",
        name_claim=name_claim,
    )
    return replace(hub, clock=SystemClock(), provider=OidcProvider(settings))


@pytest.fixture
def app(linked_hub: Services, demo: Demo, tmp_path: Path) -> FastAPI:
    return create_app(linked_hub, Settings(data=tmp_path, mode="demo"))


@pytest.fixture
async def link(linked_hub: Services, demo: Demo) -> str:
    made = await operators.first_link(linked_hub, demo.tenant)
    assert made is not None
    return made.removeprefix(HOME)


@pytest.fixture
async def browser(stranger_browser: Browser, link: str, linked_hub: Services) -> Browser:
    await set_up(stranger_browser, link, linked_hub)
    return stranger_browser


def way(answer: httpx.Response) -> str:
    """Where the page of ours sends the browser."""
    assert answer.status_code == 200, answer.text
    return str(answer.headers["refresh"]).removeprefix("0;url=")


def home(url: str) -> str:
    return url.removeprefix(HOME)


async def begun(browser: Browser, path: str = "/sign-in/provider") -> str:
    if path.startswith("/profile"):
        return way(await browser.send(path))
    return way(await browser.client.post(path, headers=SAME_ORIGIN))


async def come_back(browser: Browser, url: str) -> httpx.Response:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    return await browser.client.get(home(url), headers=headers)


async def guard_of(hub: Services, demo: Demo, issuer: str, name: str, *, disabled: bool = False) -> Operator:
    """An operator who is linked with the provider's subject of that name."""
    guard = Operator(id=OperatorId(new_id()), tenant=demo.tenant, login_name="guard", role=Role.SECURITY)
    whose = ProviderSubject(issuer=issuer, subject=name, name=name)
    async with hub.database.transaction(demo.tenant) as tx:
        await store.add(tx, hub.keyring, guard)
        link = ProviderLink(operator=guard.id, whose=whose, linked_at=hub.clock.now())
        await put_link(tx, hub.keyring, demo.tenant, link)
        return await store.change(tx, hub.keyring, replace(guard, disabled=True)) if disabled else guard


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/profile")).status_code == 200


async def test_without_a_provider_there_is_no_button_and_no_way(
    hub: Services, demo: Demo, tmp_path: Path
) -> None:
    app = create_app(hub, Settings(data=tmp_path, mode="demo"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOME) as client:
        assert "/sign-in/provider" not in (await client.get("/sign-in")).text
        assert (await client.post("/sign-in/provider", headers=SAME_ORIGIN)).status_code == 404


async def test_the_way_there_carries_pkce_state_and_nonce_and_no_secret(stranger_browser: Browser) -> None:
    answer = await stranger_browser.client.post("/sign-in/provider", headers=SAME_ORIGIN)
    asked = parse_qs(urlsplit(way(answer)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [BACK]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert "client_secret" not in asked
    cookie = answer.headers["set-cookie"]
    assert re.search("HttpOnly", cookie)
    assert re.search("Secure", cookie)
    assert re.search("SameSite=lax", cookie)
    secret = cookie.split(";")[0].partition("=")[2]
    assert secret not in str(asked)
    assert "form-action 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Sign in with Example ID"), ("zh", "使用Example ID登录")]
)
async def test_the_sign_in_page_offers_the_provider_in_both_languages(
    stranger_browser: Browser, language: str, words: str
) -> None:
    assert words in (await stranger_browser.get("/sign-in", **{"Accept-Language": language})).text


async def test_a_linked_operator_signs_in_with_their_own_role(
    stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    back = await honest.sign_in(await begun(stranger_browser), "gina")
    answer = await come_back(stranger_browser, back)
    assert answer.headers["location"] == "/wall", answer.text
    login = (await stranger_browser.get("/api/v1/login")).json()
    assert (login["operator"], login["role"]) == ("guard", "security")
    (own,) = (await stranger_browser.get("/api/v1/sign-ins/own")).json()
    assert (own["how"], own["succeeded"]) == ("provider", True)


async def test_a_subject_that_is_nobody_here_is_refused_and_becomes_nobody(
    stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider, link: str
) -> None:
    back = await honest.sign_in(await begun(stranger_browser), "administrator")
    answer = await come_back(stranger_browser, back)
    assert answer.status_code == 422
    assert REFUSED in answer.text
    assert not await is_signed_in(stranger_browser)
    async with linked_hub.database.transaction(demo.tenant) as tx:
        assert [one.login_name for one in await store.operators(tx, demo.tenant)] == ["administrator"]


async def test_a_disabled_operator_is_answered_like_nobody(
    stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina", disabled=True)
    told = []
    for name in ("gina", "nobody"):
        back = await honest.sign_in(await begun(stranger_browser), name)
        answer = await come_back(stranger_browser, back)
        told.append((answer.status_code, answer.text))
    assert told[0] == told[1]
    assert not await is_signed_in(stranger_browser)


LIES = (
    "other-key",
    "other-audience",
    "other-issuer",
    "wrong-nonce",
    "without-nonce",
    "expired",
    "unsigned",
    "shared-secret",
)


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_lies_signs_nobody_in(
    stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider, lie: str
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    back = await honest.sign_in(await begun(stranger_browser), "gina")
    await honest.spoil(lie)
    answer = await come_back(stranger_browser, back)
    assert (answer.status_code, REFUSED in answer.text) == (422, True)
    assert not await is_signed_in(stranger_browser)


@pytest.mark.parametrize(
    ("lie", "part"),
    [
        ("other-key", "_decoded"),
        ("other-audience", "_checked"),
        ("expired", "_checked"),
        ("wrong-nonce", "_checked"),
    ],
)
async def test_the_attack_catches_an_adapter_that_does_not_check(
    stranger_browser: Browser,
    linked_hub: Services,
    demo: Demo,
    honest: RealProvider,
    monkeypatch: pytest.MonkeyPatch,
    lie: str,
    part: str,
) -> None:
    """The mutants: one takes any signature, the other any claims."""
    if part == "_decoded":

        def any_signature(_self: OidcProvider, _known: object, token: str) -> object:
            def read(one: str) -> dict[str, object]:
                return dict(json.loads(base64.urlsafe_b64decode(one + "==")))

            header, claims, _ = token.split(".")
            return sign_in_provider.jwt.Token(read(header), read(claims))

        monkeypatch.setattr(OidcProvider, "_decoded", any_signature)
    else:
        monkeypatch.setattr(OidcProvider, "_checked", lambda _self, decoded, *_more: decoded.claims)
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    back = await honest.sign_in(await begun(stranger_browser), "gina")
    await honest.spoil(lie)
    assert (await come_back(stranger_browser, back)).status_code == 303


async def test_a_wrong_state_ends_the_way(
    stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    back = await honest.sign_in(await begun(stranger_browser), "gina")
    forged = re.sub(r"state=\w+", "state=" + "0" * 64, back)
    answer = await come_back(stranger_browser, forged)
    assert (answer.status_code, AGAIN in answer.text) == (422, True)
    assert AGAIN in (await come_back(stranger_browser, back)).text, "the way is taken up once"


async def test_an_answer_in_another_browser_is_refused(
    app: FastAPI, stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    back = await honest.sign_in(await begun(stranger_browser), "gina")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOME) as client:
        victim = Browser(client=client)
        assert AGAIN in (await come_back(victim, back)).text
        await begun(victim)
        assert AGAIN in (await come_back(victim, back)).text
        assert not await is_signed_in(victim)


async def test_a_code_is_good_once(
    stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    back = await honest.sign_in(await begun(stranger_browser), "gina")
    assert (await come_back(stranger_browser, back)).status_code == 303
    await stranger_browser.send("/sign-out")
    used = parse_qs(urlsplit(back).query)["code"][0]
    fresh = await honest.sign_in(await begun(stranger_browser), "gina")
    replayed = re.sub(r"code=[^&]+", f"code={used}", fresh)
    answer = await come_back(stranger_browser, replayed)
    assert (answer.status_code, REFUSED in answer.text) == (422, True)
    assert not await is_signed_in(stranger_browser)


async def test_a_code_of_another_issuer_is_refused(
    stranger_browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    for other in ("", "&iss=http%3A%2F%2F127.0.0.1%3A1"):
        back = await honest.sign_in(await begun(stranger_browser), "gina")
        answer = await come_back(stranger_browser, re.sub(r"&iss=[^&]+", "", back) + other)
        assert REFUSED in answer.text


async def test_a_provider_that_is_down_is_told_and_locks_nobody_out(
    browser: Browser, linked_hub: Services
) -> None:
    away = ProviderSettings(issuer="http://127.0.0.1:9", client_id="x", client_secret=None, label="Away")
    object.__setattr__(linked_hub, "provider", OidcProvider(away))
    answer = await browser.client.post("/sign-in/provider", headers=SAME_ORIGIN)
    assert answer.status_code == 503
    assert "does not answer as it should" in answer.text
    assert 'name="password"' in answer.text


async def test_an_invited_operator_begins_with_the_provider_and_has_no_other_way_in(
    browser: Browser, app: FastAPI, linked_hub: Services, honest: RealProvider, demo: Demo
) -> None:
    page = await browser.send("/operators", login_name="gina", role="auditor")
    (path,) = re.findall(rf"{HOME}(/first/[\w-]+)", page.text)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOME) as client:
        guest = Browser(client=client)
        setup = await client.post(path, headers=SAME_ORIGIN)
        assert f'action="{path}/provider"' in setup.text
        back = await honest.sign_in(await begun(guest, f"{path}/provider"), "gina")
        assert (await come_back(guest, back)).status_code == 303
        assert (await guest.get("/api/v1/login")).json()["role"] == "auditor"
        assert (await client.get(path)).status_code == 404, "the link is spent"
        assert "your only way to sign in" in (await guest.send("/profile/provider/remove")).text
        await guest.send("/sign-out")
        again = await honest.sign_in(await begun(guest), "gina")
        assert (await come_back(guest, again)).status_code == 303
    # A new link from the administrator ends the provider's: whoever lost it there is out here, too.
    async with linked_hub.database.transaction(demo.tenant) as tx:
        gina = next(one for one in await store.operators(tx, demo.tenant) if one.login_name == "gina")
    renewed = await browser.send(f"/operators/{gina.id}/link")
    (path,) = re.findall(rf"{HOME}(/first/[\w-]+)", renewed.text)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOME) as client:
        await set_up(Browser(client=client), path, linked_hub)
    async with linked_hub.database.transaction(demo.tenant) as tx:
        assert await link_of(tx, linked_hub.keyring, gina) is None


async def test_an_operator_links_and_unlinks_themselves_on_their_profile(
    browser: Browser, honest: RealProvider
) -> None:
    back = await honest.sign_in(await begun(browser, "/profile/provider"), "ada")
    assert (await come_back(browser, back)).headers["location"] == "/profile?said=provider-linked"
    assert "Linked with ada" in (await browser.get("/profile")).text
    await browser.send("/sign-out")
    again = await honest.sign_in(await begun(browser), "ada")
    assert (await come_back(browser, again)).headers["location"] == "/wall"
    assert (await browser.send("/profile/provider/remove")).status_code == 303
    assert "Linked with" not in (await browser.get("/profile")).text
    await browser.send("/sign-out")
    gone = await honest.sign_in(await begun(browser), "ada")
    assert REFUSED in (await come_back(browser, gone)).text


async def test_a_subject_is_one_operator_only(
    browser: Browser, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    await guard_of(linked_hub, demo, honest.issuer, "gina")
    back = await honest.sign_in(await begun(browser, "/profile/provider"), "gina")
    assert REFUSED in (await come_back(browser, back)).text
    assert "Linked with" not in (await browser.get("/profile")).text


async def test_a_link_begun_by_one_login_is_not_finished_by_another(
    browser: Browser, honest: RealProvider
) -> None:
    back = await honest.sign_in(await begun(browser, "/profile/provider"), "ada")
    await browser.send("/sign-out")
    assert AGAIN in (await come_back(browser, back)).text


@pytest.mark.parametrize("name_claim", ["preferred_username"])
async def test_with_a_login_name_claim_only_the_same_name_is_linked(
    browser: Browser, honest: RealProvider
) -> None:
    other = await honest.sign_in(await begun(browser, "/profile/provider"), "somebody.else")
    assert REFUSED in (await come_back(browser, other)).text
    same = await honest.sign_in(await begun(browser, "/profile/provider"), "administrator")
    assert (await come_back(browser, same)).status_code == 303


async def test_the_first_operator_who_began_with_the_provider_gets_no_new_link_at_the_next_start(
    stranger_browser: Browser, link: str, linked_hub: Services, demo: Demo, honest: RealProvider
) -> None:
    back = await honest.sign_in(await begun(stranger_browser, f"{link}/provider"), "boss")
    assert (await come_back(stranger_browser, back)).status_code == 303
    assert await operators.first_link(linked_hub, demo.tenant) is None


def test_a_provider_beyond_this_machine_is_reached_by_https_only() -> None:
    for issuer in ("http://id.example.org", "ftp://id.example.org", "id.example.org", "http://10.0.0.1"):
        with pytest.raises(SettingsInvalid):
            OidcProvider(ProviderSettings(issuer=issuer, client_id="x", client_secret=None, label="x"))
