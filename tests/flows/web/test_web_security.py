"""What a stranger, another site's page and a careless cache get: nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIWebSocketRoute, iter_route_contexts
from pydantic import ValidationError
from starlette.routing import Mount

from postern.operations.services import Services
from postern.operators.roles import Door, Endpoint
from postern.settings import Settings
from postern.web.app import create_app
from postern.web.security import CONTENT_SECURITY_POLICY
from tests.flows.web.conftest import HOME, SAME_ORIGIN, Browser

PUBLIC = {
    "/healthz": "says that the process answers, and no more",
    "/about": "version and licences",
    "/.well-known/security.txt": "whom to tell of a hole, for whoever finds one",
    "/preferences": "language and theme, in cookies",
    "/sign-in": "the way in",
    "/sign-in/passkey": "the way in",
    "/sign-in/passkey/options": "the way in",
    "/sign-in/provider": "the way in",
    "/sign-in/provider/return": "the way in, with the state and the cookie of who set out",
    "/first/{secret}": "the one-time link: the secret is the key",
    "/first/{secret}/passkey": "the same",
    "/first/{secret}/passkey/options": "the same",
    "/assets": "the console's own files",
    "/first/{secret}/provider": "the same",
    "/kiosk": "where a tablet gives its code; with a kiosk's cookie, its help button",
    "/me/sign-in": "the way in to one's own page",
    "/me/sign-in/passkey": "the same",
    "/me/sign-in/passkey/options": "the same",
    "/me/first/{secret}": "the one-time link to it: the secret is the key",
    "/me/first/{secret}/passkey": "the same",
    "/me/first/{secret}/passkey/options": "the same",
    "/journal/v1/{journal}": "hashes and a count, for whoever knows the journal's key",
}
"""Every path that answers without a login, each with its reason."""
SIGNED_BY_AGENTS = "/agent/v1/"
BY_ITS_CODE = "/agent/v1/enrol"


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every path with every method it takes."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            yield "GET", route.original_route.path
        elif not isinstance(route.original_route, APIWebSocketRoute):
            assert route.path is not None
            for method in sorted(route.methods or ()):
                yield method, route.path


def filled(path: str) -> str:
    """The path with something believable in its braces."""
    values = {"id": "00000000-0000-4000-8000-000000000000", "secret": "x", "key": "1-20260304-1-1"}
    numbers = {"site": "1", "agent": "1", "kind": "doors"}

    def value(found: re.Match[str]) -> str:
        return values.get(found.group(1)) or numbers.get(found.group(1)) or values["id"]

    return re.sub(r"\{(\w+)\}", value, path)


async def test_every_route_is_public_with_a_reason_or_refuses_without_a_login(
    app: FastAPI, stranger_browser: Browser
) -> None:
    refused = 0
    for method, path in routes_of(app):
        if path in PUBLIC:
            continue
        answer = await stranger_browser.client.request(method, filled(path), headers=SAME_ORIGIN)
        if path == BY_ITS_CODE:
            assert answer.status_code == 422
        elif path.startswith(("/api/", SIGNED_BY_AGENTS)):
            assert answer.status_code == 401, (method, path, answer.status_code)
            assert answer.headers["content-type"] == "application/problem+json"
        else:
            assert answer.status_code == 303, (method, path, answer.status_code)
            own = path == "/me" or path.startswith("/me/")
            assert answer.headers["location"] == ("/me/sign-in" if own else "/sign-in")
        refused += 1
    assert refused > 100


async def test_every_public_path_is_there(app: FastAPI) -> None:
    assert {path for _, path in routes_of(app)} >= PUBLIC.keys()


async def test_every_answer_carries_the_security_headers(stranger_browser: Browser) -> None:
    for path in ("/sign-in", "/about", "/people", "/api/v1/people", "/nowhere", "/healthz"):
        assert_secure((await stranger_browser.get(path)).headers)


def assert_secure(headers: httpx.Headers) -> None:
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["strict-transport-security"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=(self)" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"


def test_the_content_policy_lets_in_nothing_from_elsewhere() -> None:
    policy = CONTENT_SECURITY_POLICY
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


async def test_an_unforeseen_fault_is_answered_with_the_headers_and_without_its_words(
    app: FastAPI, stranger_browser: Browser
) -> None:
    async def broken() -> None:
        raise RuntimeError("Ada Nowak's number is 1001")

    app.add_api_route("/broken", broken)
    app.add_api_route("/api/v1/broken", broken)
    for path in ("/broken", "/api/v1/broken"):
        app.state.endpoints[broken, "GET"] = (Endpoint(method="GET", path=path), Door.ANYONE)
    page = await stranger_browser.get("/broken")
    document = await stranger_browser.get("/api/v1/broken")
    assert page.status_code == document.status_code == 500
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert document.headers["content-type"] == "application/problem+json"
    assert "Ada" not in page.text + document.text


async def test_assets_may_be_kept_when_their_address_names_their_content(stranger_browser: Browser) -> None:
    page = (await stranger_browser.get("/sign-in")).text
    named = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    assert len(named) >= 3
    for address in named:
        answer = await stranger_browser.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await stranger_browser.get("/assets/logo.svg")).headers["cache-control"] == "no-cache"


async def test_a_change_from_elsewhere_is_refused(browser: Browser) -> None:
    data = {"form_key": await browser.form_key(), "name": "Eve"}
    elsewhere: list[dict[str, str]] = [
        {},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ]
    for headers in elsewhere:
        answer = await browser.client.post("/people/new", data=data, headers=headers)
        assert answer.status_code == 403
    assert "Eve" not in (await browser.get("/people")).text


async def test_a_change_without_this_login_s_form_key_is_refused(browser: Browser) -> None:
    for form_key in ("", "0" * 64):
        data = {"form_key": form_key, "name": "Eve"}
        answer = await browser.client.post("/people/new", data=data, headers=SAME_ORIGIN)
        assert answer.status_code == 403
    answer = await browser.client.post("/api/v1/people", json={"name": "Eve"}, headers=SAME_ORIGIN)
    assert answer.status_code == 403
    assert "Eve" not in (await browser.get("/people")).text


async def test_a_body_that_is_too_large_or_hides_its_length_is_refused(browser: Browser) -> None:
    large = {"Content-Length": str(65 * 1024 * 1024), **SAME_ORIGIN}
    assert (await browser.client.post("/people/new", headers=large)).status_code == 413

    async def pieces() -> object:
        yield b"name=Eve"

    answer = await browser.client.post("/people/new", content=pieces(), headers=SAME_ORIGIN)
    assert answer.status_code == 411


async def test_the_login_cookie_is_opaque_and_bound_to_this_host(
    stranger_browser: Browser, link: str, hub: object, browser: Browser
) -> None:
    cookies = {one.name: one for one in browser.client.cookies.jar}
    login = cookies["__Host-postern"]
    assert login.secure
    assert login.path == "/"
    assert not login.domain_specified
    assert login.has_nonstandard_attr("HttpOnly")
    assert len(login.value or "") >= 43


def test_an_application_needs_its_services() -> None:
    with pytest.raises(TypeError):
        create_app()  # type: ignore[call-arg]  # the point of the test


async def test_a_page_answers_head_as_get_without_its_body(stranger_browser: Browser) -> None:
    page = await stranger_browser.get("/sign-in")
    head = await stranger_browser.client.head("/sign-in")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-security-policy"] == page.headers["content-security-policy"]
    assert int(head.headers["content-length"]) == len(page.content)


async def test_whom_to_tell_of_a_hole_stands_where_rfc_9116_says(hub: Services, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, security_contact="mailto:security@example.org")
    transport = httpx.ASGITransport(app=create_app(hub, settings))
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        answer = await client.get("/.well-known/security.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:security@example.org"
    ends = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=1) < ends - hub.clock.now() <= timedelta(days=365)
    with pytest.raises(ValidationError):
        Settings(data=tmp_path, security_contact="security@example.org\nContact: mailto:evil@example.org")


async def test_without_a_contact_there_is_no_such_file(stranger_browser: Browser) -> None:
    assert (await stranger_browser.get("/.well-known/security.txt")).status_code == 404
