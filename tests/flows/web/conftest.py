"""The console as a browser meets it, without a browser: its application over ASGI, on a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyotp
import pytest
from fastapi import FastAPI

from postern.operations.demo import Demo
from postern.operations.operators import operators
from postern.operations.services import Services
from postern.settings import Settings
from postern.web.app import create_app
from tests.flows.operations.conftest import (
    admin,
    agent,
    clock,
    controller,
    demo,
    entrance,
    hub,
    places,
)

__all__ = ["admin", "agent", "clock", "controller", "demo", "entrance", "hub", "places"]

HOME = "https://postern.example.org"
PASSWORD = "correct horse battery staple"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True, kw_only=True)
class Browser:
    """A client with cookies. `form_key` is read from a page, as a form would carry it."""

    client: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def send(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Submit a form as a page of ours would."""
        data = {"form_key": await self.form_key(), **fields}
        return await self.client.post(path, data=data, headers=SAME_ORIGIN)

    async def form_key(self) -> str:
        found = re.search(r'name="form_key" value="([0-9a-f]{64})"', (await self.get("/profile")).text)
        return found.group(1) if found else ""


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page))


@pytest.fixture
def app(hub: Services, demo: Demo, tmp_path: Path) -> FastAPI:
    return create_app(hub, Settings(data=tmp_path, mode="demo"))


@pytest.fixture
async def stranger_browser(app: FastAPI) -> AsyncIterator[Browser]:
    """Nobody is signed in."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        yield Browser(client=client)


@pytest.fixture
async def link(hub: Services, demo: Demo) -> str:
    """The first operator's one-time link, as `postern up` prints it."""
    made = await operators.first_link(hub, demo.tenant)
    assert made is not None
    return made.removeprefix(HOME)


async def set_up(browser: Browser, link: str, hub: Services) -> str:
    """Spend the link as a person would; returns the authenticator's secret."""
    page = await browser.client.post(link, headers=SAME_ORIGIN)
    secret = fields_of(page.text)["totp_secret"]
    code = pyotp.TOTP(secret).at(hub.clock.now())
    answer = await browser.client.post(
        link,
        data={"totp_secret": secret, "password": PASSWORD, "again": PASSWORD, "code": code},
        headers=SAME_ORIGIN,
    )
    assert answer.status_code == 200, answer.text
    return secret


@pytest.fixture
async def browser(stranger_browser: Browser, link: str, hub: Services) -> Browser:
    """The first operator is signed in."""
    await set_up(stranger_browser, link, hub)
    return stranger_browser
