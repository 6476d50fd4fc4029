"""A driver pays at the exit with a small phone, in a real browser, and the barrier opens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from postern.access.model import CredentialKind
from postern.agent.channel import Present
from postern.agent.main import Agent
from postern.counter_server import serve_counter
from postern.money import Money
from postern.operations.parking import garage_setup
from postern.operations.parking.proof import quarter_of
from postern.operations.parking.public_garage import garage_code
from postern.operations.parking.settle import settle_site
from postern.operations.public.counter_books import CounterBooks
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish_stale
from postern.parking import store
from postern.parking.rules import GarageSettings, TariffInForce
from postern.parking.session import Session
from postern.parking.tariff_data import load_tariff
from postern.parking.validations import ValidationKind
from postern.postgres.pool import Database
from postern.sites.model import AccessPoint, Lane, LaneKind, LaneRule
from postern.web.public.app import create_public_app
from postern.web.public.ask import Counter as Asked
from postern.web.public.shell import Shell
from tests.contract.stripe_server import StripeServer
from tests.flows.agent_hub import served
from tests.flows.agent_site import TestDoor, ports
from tests.flows.public.conftest import till_of
from tests.flows.real_hub import RealHub, running_agent, running_real_hub
from tests.flows.web.test_browser_console import FLAGS
from tests.needs import needs
from tests.rules.parking.drawn_garage import TARIFF

pytestmark = needs("chromium")

PLATE = "BXY123"
PHONE = {"width": 320, "height": 640}
IN, OUT = "Driveway barrier, in", "Driveway barrier, out"


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """A garage with its agent, its simulated barrier, and its public pages."""

    hub: RealHub
    agent: Agent
    barrier: TestDoor
    stripe: StripeServer
    url: str
    poster: str

    def point(self, name: str) -> AccessPoint:
        return next(one for one in self.hub.places.access_points if one.name == name)

    async def drives_up(self, name: str) -> str:
        """The car is read at that lane; what the agent says of it."""
        lane = self.point(name)
        reader = next(one for one in self.agent.admissions.policy.readers if one.access_point == lane.id)
        command = Present(reader=reader.id, kind=CredentialKind.PLATE, value=PLATE)
        return (await self.agent.admissions.present(command)).detail

    async def session(self) -> Session:
        """The car's, once its passage has arrived."""
        for _ in range(200):
            garage = await settle_site(self.hub.services, self.hub.demo.tenant, self.hub.demo.site)
            if garage.sessions:
                (found,) = garage.sessions.values()
                return found
            await asyncio.sleep(0.05)
        pytest.fail("the passage did not arrive")


async def make_garage(hub: RealHub) -> None:
    """The demo's driveway becomes a garage's two lanes; its exit waits for the money up to a minute."""
    for name, kind in ((IN, LaneKind.ENTRY), (OUT, LaneKind.EXIT)):
        point = next(one for one in hub.places.access_points if one.name == name)
        lane = Lane(kind=kind, rule=LaneRule.WAIT, wait_seconds=60)
        await sites.change(hub.services, hub.admin, replace(point, way_out=False, lane=lane))
    async with hub.services.database.transaction(hub.demo.tenant) as tx:
        await store.put_garage(tx, GarageSettings(site=hub.demo.site, bays=40, currency="EUR"))
        since = datetime(2020, 1, 1, tzinfo=UTC)
        tariff = TariffInForce(number=1, since=since, tariff=load_tariff(TARIFF))
        await store.add_tariff(tx, hub.demo.site, tariff)
    await publish_stale(hub.services)


@pytest.fixture
async def lanes(
    runtime_database: Database, keystore_database: Database, tmp_path: Path
) -> AsyncIterator[Lanes]:
    async with AsyncExitStack() as stack:
        stripe = StripeServer()
        await stripe.start()
        stack.push_async_callback(stripe.stop)
        hub = await stack.enter_async_context(running_real_hub(runtime_database, keystore_database, tmp_path))
        await make_garage(hub)
        url = await stack.enter_async_context(public_side(hub, stripe, tmp_path))
        stripe.webhook_url = f"{url}/webhooks/stripe"
        barrier = TestDoor()
        given = replace(
            ports(TestDoor()),
            open_controller=lambda door: barrier if door.name == "Driveway barrier" else TestDoor(),
        )
        agent = await stack.enter_async_context(running_agent(hub, tmp_path / "agent", given=given))
        code = await garage_code(hub.services, hub.demo.tenant, hub.demo.site)
        yield Lanes(
            hub=hub, agent=agent, barrier=barrier, stripe=stripe, url=url, poster=f"{url}/pay?g={code}"
        )


@asynccontextmanager
async def public_side(hub: RealHub, stripe: StripeServer, folder: Path) -> AsyncIterator[str]:
    """The public pages on a port of their own, and the counter on its socket."""
    path = folder / "counter.sock"
    asked = Asked(path)
    app = create_public_app(asked, Shell(checkout_origins=(stripe.address,)))
    async with served(app) as url, till_of(stripe, CounterBooks(services=hub.services), url) as till:
        counting = asyncio.create_task(serve_counter(hub.services, till, path))
        while not path.exists():
            await asyncio.sleep(0.01)
        yield url
        counting.cancel()
        await asyncio.wait([counting])
    await asked.close()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def phone(chromium: Browser, locale: str) -> AsyncIterator[Page]:
    """A small phone; whatever the content policy stops fails."""
    context = await chromium.new_context(viewport=PHONE, locale=locale, is_mobile=True, has_touch=True)
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    yield page
    assert faults == []
    await context.close()


async def nothing_serious(page: Page, name: str, shots: Path | None = None) -> None:
    """What axe finds; and nothing is wider than the phone."""
    found = await Axe().run(page)
    bad = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    assert bad == [], (name, [(one["id"], [node["html"] for node in one["nodes"]]) for one in bad])
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    if shots is not None:
        await page.screenshot(path=shots / f"{name}.png", full_page=True)


def moment_of(session: Session) -> str:
    return f'time[datetime="{quarter_of(session.entered_at).isoformat()}"]'


async def test_a_driver_pays_at_the_exit_and_the_barrier_opens(
    lanes: Lanes, chromium: Browser, shots: Path | None
) -> None:
    assert await lanes.drives_up(IN) == "parking-entry"
    session = await lanes.session()
    opened_before = len(lanes.barrier.released)
    assert await lanes.drives_up(OUT) == "not-paid"
    assert len(lanes.barrier.released) == opened_before
    async with phone(chromium, "en-GB") as page:
        began = time.monotonic()
        await page.goto(lanes.poster)
        await page.get_by_label("Number plate").fill("b-xy 123")
        await page.get_by_role("button", name="Go on").click()
        await page.locator(moment_of(session)).click()
        await page.get_by_role("button", name="Pay €2.00").click()
        await page.get_by_role("button", name="Pay").click()  # on Checkout's page
        await expect(page.get_by_text("Paid. The barrier opens by itself.")).to_be_visible()
        took = time.monotonic() - began
        for _ in range(100):
            if len(lanes.barrier.released) > opened_before:
                break
            await asyncio.sleep(0.02)
        opened = time.monotonic() - began
        assert len(lanes.barrier.released) == opened_before + 1
        await nothing_serious(page, "receipt", shots)
    if shots is not None:
        (shots / "seconds.txt").write_text(f"receipt {took:.2f}, barrier {opened:.2f}")
    assert [status for _, _, status in lanes.stripe.sent] == [200]
    assert (await lanes.session()).paid == Money(200, "EUR")


async def test_every_page_can_be_used_by_everybody_in_both_languages(
    lanes: Lanes, chromium: Browser, shots: Path | None
) -> None:
    await lanes.drives_up(IN)
    session = await lanes.session()
    merchant = await garage_setup.add_merchant(
        lanes.hub.services,
        lanes.hub.admin,
        lanes.hub.demo.site,
        name="Drawn Bakery",
        kind=ValidationKind.PERCENT,
        value=50,
    )
    code = lanes.poster.partition("?g=")[2]
    for locale in ("en-GB", "zh-CN"):
        async with phone(chromium, locale) as page:
            await page.goto(f"{lanes.url}/validate?g={code}&m={merchant.validations[0].code}")
            await nothing_serious(page, f"plate-{locale}", shots)
            await page.locator("#plate").fill(PLATE)
            await page.locator("main button").click()
            await nothing_serious(page, f"proof-{locale}", shots)
            await page.locator(moment_of(session)).click()
            await expect(page.locator(".price")).to_be_visible()
            await nothing_serious(page, f"price-{locale}", shots)
            for path in (f"/help?g={code}", "/notices/stripe", "/pay", "/nowhere"):
                await page.goto(lanes.url + path)
                await nothing_serious(
                    page, path.strip("/").replace("/", "-").partition("?")[0] + locale, shots
                )


async def test_a_merchants_code_halves_the_price_on_the_drivers_phone(
    lanes: Lanes, chromium: Browser, shots: Path | None
) -> None:
    await lanes.drives_up(IN)
    session = await lanes.session()
    merchant = await garage_setup.add_merchant(
        lanes.hub.services,
        lanes.hub.admin,
        lanes.hub.demo.site,
        name="Drawn Bakery",
        kind=ValidationKind.PERCENT,
        value=50,
    )
    code = lanes.poster.partition("?g=")[2]
    async with phone(chromium, "en-GB") as page:
        await page.goto(f"{lanes.url}/validate?g={code}&m={merchant.validations[0].code}")
        await page.get_by_label("Number plate").fill(PLATE)
        await page.get_by_role("button", name="Go on").click()
        await page.locator(moment_of(session)).click()
        await page.get_by_role("button", name="Use the merchant's code").click()
        await expect(page.get_by_role("heading", name="€1.00 to pay")).to_be_visible()
        await expect(page.get_by_text("Drawn Bakery")).to_be_visible()
        await nothing_serious(page, "validated", shots)
