"""The desk's page: an attendant types a driver's code, takes the money, and the driver may leave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from postern.clock import SetClock
from postern.devices.payments.by_hand import Desk
from postern.money import Money
from postern.operations.demo import Demo
from postern.operations.parking import checkout
from postern.operations.parking.checkout import Till
from postern.operations.parking.public_garage import garage_of
from postern.operations.services import Services
from postern.parking import store
from postern.parking.rules import GarageSettings
from postern.settings import Settings
from postern.web.app import create_app
from postern.web.ports import ConsolePorts
from tests.flows.public.books import DrawnBooks, DrawnCar
from tests.flows.web.conftest import SAME_ORIGIN, Browser


@pytest.fixture
def books(clock: SetClock) -> DrawnBooks:
    return DrawnBooks(cars=[DrawnCar(plate="DRAWN1", entered=clock.now() - timedelta(hours=2))])


@pytest.fixture
async def till(tmp_path: Path, clock: SetClock, books: DrawnBooks) -> AsyncIterator[Till]:
    desk = Desk(tmp_path / "desk.sqlite", clock)
    yield Till(provider=desk, books=books, public_url="https://pay.example.org", desk=desk)
    await desk.close()


@pytest.fixture
async def app(hub: Services, demo: Demo, till: Till, tmp_path: Path) -> FastAPI:
    async with hub.database.transaction(demo.tenant) as tx:
        await store.put_garage(tx, GarageSettings(site=demo.site, bays=40, currency="EUR"))
    return create_app(hub, Settings(data=tmp_path, mode="demo"), ConsolePorts(till=till))


@pytest.fixture
async def code(hub: Services, demo: Demo, till: Till, books: DrawnBooks) -> str:
    garage = await garage_of(hub, demo.tenant, demo.site)
    started = await checkout.start(hub, till, garage, books.cars[0].session)
    slip = (await checkout.find(hub, started.reference)).details.checkout
    assert slip is not None
    return slip


async def test_the_money_is_taken_once_and_said_so(
    browser: Browser, demo: Demo, code: str, books: DrawnBooks
) -> None:
    assert 'name="code"' in (await browser.get("/garage/desk")).text
    for _ in range(2):
        done = await browser.send(f"/garage/desk/{demo.site}", code=code.lower(), reason="paid in coins")
        assert done.status_code == 200
        assert "€5.00 taken" in done.text
    assert [one.amount for one in books.paid.values()] == [Money(500, "EUR")]
    journal = await browser.get("/journal")
    assert "paid in coins" in journal.text


async def test_a_wrong_code_or_no_reason_takes_nothing(
    browser: Browser, demo: Demo, code: str, books: DrawnBooks
) -> None:
    unknown = await browser.send(f"/garage/desk/{demo.site}", code="NOBODY", reason="paid in coins")
    assert (unknown.status_code, "no slip with this code" in unknown.text) == (422, True)
    assert (await browser.send(f"/garage/desk/{demo.site}", code=code, reason="")).status_code == 422
    assert (await browser.send("/garage/desk/99", code=code, reason="paid")).status_code == 404
    assert books.paid == {}


async def test_the_api_takes_money_for_a_code_and_gives_it_back(
    browser: Browser, demo: Demo, code: str, books: DrawnBooks
) -> None:
    async def ask(path: str, **body: str) -> dict[str, object]:
        headers = {**SAME_ORIGIN, "Postern-Form-Key": await browser.form_key()}
        answer = await browser.client.post(f"/api/v1/garages/{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    paid = await ask(f"{demo.site}/slips/{code}/paid", reason="paid in coins")
    assert (paid["state"], paid["amount"]) == ("paid", {"amount": 500, "currency": "EUR"})
    back = await ask(f"payments/{paid['reference']}/refunds", amount="2.50", reason="an hour too many")
    assert back == {"amount": 250, "currency": "EUR"}
    assert [one.amount for one in books.refunded.values()] == [Money(250, "EUR")]
