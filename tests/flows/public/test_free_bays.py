"""Free bays for everybody: numbers by the garage's code, cached, from the public process."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from postern.clock import SetClock
from postern.operations.demo import Demo
from postern.operations.parking import garage_setup
from postern.operations.public.counter import FREE_HOLDS
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.parking.rules import GarageSettings
from tests.flows.operations.conftest import admin
from tests.flows.public.test_pages import asked, phone, socket

__all__ = ["admin", "asked", "phone", "socket"]


@pytest.fixture
async def address(hub: Services, admin: Actor, demo: Demo, code: str) -> str:
    """Where a garage of 40 bays tells how many are free."""
    await garage_setup.set_garage(hub, admin, GarageSettings(site=demo.site, bays=40, currency="EUR"))
    return f"/public/v1/garages/{code}/free"


async def test_anybody_is_told_numbers_and_nothing_else(phone: httpx.AsyncClient, address: str) -> None:
    answer = await phone.get(address)
    assert answer.status_code == 200
    assert answer.json().keys() == {"bays", "free", "at"}
    assert (answer.json()["bays"], answer.json()["free"]) == (40, 40)


async def test_any_page_may_show_them_and_any_cache_keep_them_for_some_seconds(
    phone: httpx.AsyncClient, address: str
) -> None:
    headers = (await phone.get(address)).headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "public, max-age=15"
    assert "access-control-allow-origin" not in (await phone.get("/pay")).headers


async def test_the_books_are_asked_again_only_after_some_seconds(
    phone: httpx.AsyncClient, address: str, clock: SetClock
) -> None:
    first = (await phone.get(address)).json()["at"]
    clock.advance(FREE_HOLDS - timedelta(seconds=1))
    assert (await phone.get(address)).json()["at"] == first
    clock.advance(timedelta(seconds=1))
    assert (await phone.get(address)).json()["at"] != first


async def test_a_guessed_code_and_a_site_that_is_no_garage_are_told_apart_from_nothing(
    phone: httpx.AsyncClient, code: str
) -> None:
    for wrong in ("1-AAAAAA", "99-AAAAAA", "nonsense", code):
        answer = await phone.get(f"/public/v1/garages/{wrong}/free")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not-found"
