"""A hub with a garage, drawn cars, and Stripe Checkout on a server of its published API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postern.clock import SetClock
from postern.devices.payments.stripe_checkout import StripeCheckout, StripeSettings
from postern.operations.demo import Demo
from postern.operations.parking.books import Books, PublicGarage
from postern.operations.parking.checkout import Till
from postern.operations.parking.public_garage import garage_code, garage_of
from postern.operations.public.counter import Counter
from postern.operations.services import Services
from tests.contract.stripe_server import SECRET_KEY, WEBHOOK_SECRET, StripeServer
from tests.flows.operations.conftest import admin, demo, hub, stranger
from tests.flows.public.books import DrawnBooks, DrawnCar

__all__ = ["admin", "demo", "hub", "stranger"]

HOME = "https://pay.example.org"


@pytest.fixture
def clock() -> SetClock:
    """Now, since Stripe looks at the time too."""
    return SetClock(datetime.now(UTC))


@pytest.fixture
async def stripe_server() -> AsyncIterator[StripeServer]:
    made = StripeServer()
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
def books(clock: SetClock) -> DrawnBooks:
    entered = clock.now() - timedelta(hours=2, minutes=20)
    return DrawnBooks(cars=[DrawnCar(plate="DRAWN 1".replace(" ", ""), entered=entered)])


@pytest.fixture
def car(books: DrawnBooks) -> DrawnCar:
    return books.cars[0]


@asynccontextmanager
async def till_of(stripe_server: StripeServer, books: Books, home: str = HOME) -> AsyncIterator[Till]:
    """Stripe on the test's server."""
    provider = StripeCheckout(
        StripeSettings(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api_base=stripe_server.address)
    )
    try:
        yield Till(provider=provider, books=books, public_url=home)
    finally:
        await provider.close()


@pytest.fixture
async def till(stripe_server: StripeServer, books: DrawnBooks) -> AsyncIterator[Till]:
    async with till_of(stripe_server, books) as made:
        yield made


@pytest.fixture
async def garage(hub: Services, demo: Demo) -> PublicGarage:
    return await garage_of(hub, demo.tenant, demo.site)


@pytest.fixture
async def code(hub: Services, demo: Demo) -> str:
    return await garage_code(hub, demo.tenant, demo.site)


@pytest.fixture
def counter(hub: Services, till: Till) -> Counter:
    return Counter(services=hub, till=till)


@pytest.fixture
def shots() -> Path | None:
    """Where to leave screenshots for a person to look at; None: nowhere."""
    named = os.environ.get("POSTERN_TEST_SHOTS")
    return Path(named) if named else None
