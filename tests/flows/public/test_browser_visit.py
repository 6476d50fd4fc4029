"""A visitor on a phone: from the letter to the door that opens for the code on the screen, and out again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from postern import wiring
from postern.agent.channel import Play
from postern.agent.main import Agent
from postern.counter_server import serve_counter
from postern.devices.payments.by_hand import Desk
from postern.devices.recognition.worker import RecognitionPool
from postern.ids import ReaderId, new_id
from postern.operations.parking.checkout import Till
from postern.operations.ports import RecognitionPort
from postern.operations.public.counter_books import CounterBooks
from postern.operations.sites import access_levels
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.visitors import rules as visit_rules
from postern.operations.visitors import visits
from postern.operations.visitors.visits import find_host
from postern.operations.visitors.watch import VisitJob
from postern.postgres.pool import Database
from postern.sites.model import Reader, ReaderKind
from postern.spans import Span
from postern.visitors.model import VisitDetails
from postern.web.public.app import create_public_app
from postern.web.public.ask import Counter as Asked
from postern.web.public.shell import Shell
from tests.flows.agent_hub import served
from tests.flows.agent_site import TestDoor, ports
from tests.flows.operations.drawn import CARD, DrawnRecognition, load_drawn
from tests.flows.operations.test_operations_visits import DrawnPost
from tests.flows.public.test_browser_pay import chromium, nothing_serious, phone
from tests.flows.real_hub import RealHub, running_agent, running_real_hub
from tests.needs import needs

pytestmark = needs("chromium")

__all__ = ["chromium"]

NAME, TERMS = "Mei Tanaka", "Wear the vest. Take no pictures."
IN, OUT = "Front door, in", "Front door, out"


@asynccontextmanager
async def public_pages(hub: RealHub, folder: Path) -> AsyncIterator[str]:
    """The public pages on a port of their own, and the counter on its socket."""
    path = folder / "counter.sock"
    asked, desk = Asked(path), Desk(folder / "slips", hub.services.clock)
    till = Till(provider=desk, books=CounterBooks(services=hub.services), public_url="", desk=desk)
    async with served(create_public_app(asked, Shell())) as url:
        counting = asyncio.create_task(serve_counter(hub.services, till, path))
        try:
            while not path.exists():
                await asyncio.sleep(0.01)
            yield url
        finally:
            counting.cancel()
            await asyncio.wait([counting])
            await asked.close()
            await desk.close()


@asynccontextmanager
async def codes_alone(folder: Path) -> AsyncIterator[RecognitionPool]:
    """Recognition that starts what is asked for: the worker that reads codes."""
    pool = RecognitionPool(folder / "models")
    try:
        yield pool
    finally:
        await pool.close()


async def camera(hub: RealHub, name: str) -> ReaderId:
    """A QR reader with a camera at that access point."""
    point = next(one for one in hub.places.access_points if one.name == name)
    reader = Reader(
        id=ReaderId(new_id()),
        site=hub.demo.site,
        access_point=point.id,
        name=f"{name}: QR camera",
        kind=ReaderKind.QR_READER,
    )
    await sites.add(hub.services, hub.admin, reader)
    return reader.id


async def invite(hub: RealHub) -> None:
    services, admin, site = hub.services, hub.admin, hub.demo.site
    found = await visit_rules.rules_of_site(services, admin, site)
    there = replace(
        found.rules, directions_english="Through the yard.", directions_chinese="穿过院子。", faces=True
    )
    await visit_rules.change_rules(services, admin, there, english=TERMS, chinese="请穿背心，请勿拍照。")
    levels = await access_levels.access_levels(services, admin)
    now = services.clock.now()
    details = VisitDetails(
        site=site,
        name=NAME,
        mail="mei@example.org",
        company="Tanaka KK",
        host=await find_host(services, admin, site, "ada nowak"),
        level=next(one.id for one in levels if one.name == "Always"),
        valid=Span(start=now, end=now + timedelta(hours=2)),
    )
    await visits.invite(services, admin, details)
    await publish_stale(services)


async def holds(agent: Agent, reader: ReaderId, page: Page, file: Path) -> None:
    """The phone's screen before that camera; returns once the door has moved for it."""
    await page.screenshot(path=file)
    await agent.readers.play(Play(reader=reader, source=str(file)))


async def test_a_visitor_arrives_by_the_code_on_the_phone_and_leaves(
    runtime_database: Database,
    keystore_database: Database,
    tmp_path: Path,
    chromium: Browser,
    shots: Path | None,
) -> None:
    door, post = TestDoor(), DrawnPost()
    async with (
        running_real_hub(runtime_database, keystore_database, tmp_path) as hub,
        public_pages(hub, tmp_path) as url,
        codes_alone(tmp_path) as pool,
        phone(chromium, "en-GB") as page,
    ):
        object.__setattr__(hub.services, "post", post)
        object.__setattr__(hub.services, "pages_url", url)
        drawn = RecognitionPort(recognise=DrawnRecognition(), load_picture=load_drawn, card=CARD)
        object.__setattr__(hub.services, "recognition", drawn)
        way_in, way_out = await camera(hub, IN), await camera(hub, OUT)
        await invite(hub)
        given = replace(ports(door), open_source=wiring.agent_ports(pool).open_source, read_codes=pool.codes)
        job = VisitJob(services=hub.services)
        await job.round(hub.demo.tenant)
        async with running_agent(hub, tmp_path / "agent", given=given) as agent:
            await page.goto(f"{url}/visit/{post.link('mei@example.org')}")
            await expect(page.get_by_text(TERMS)).to_be_visible()
            await expect(page.get_by_role("img", name="QR code")).to_have_count(0)
            await nothing_serious(page, "visit-terms", shots)
            await page.get_by_label("Your full name").fill(NAME)
            await page.get_by_label("I have read these terms").check()
            await page.get_by_role("button", name="Sign").click()
            code = page.get_by_role("img", name="QR code")
            await expect(code).to_be_visible()
            await nothing_serious(page, "visit-code", shots)
            await by_face(page, shots)
            await code.scroll_into_view_if_needed()
            agent.sync.wake()
            await until(lambda: any(one.kind == "visit" for one in agent.admissions.policy.holders))

            await holds(agent, way_in, page, tmp_path / "in.png")
            await until(lambda: len(door.released) == 1)
            await shown(page, job, hub, "You have come in.")
            await code.scroll_into_view_if_needed()
            await holds(agent, way_out, page, tmp_path / "out.png")
            await until(lambda: len(door.released) == 2)
            await shown(page, job, hub, "Your visit is over.")
            await expect(code).to_have_count(0)
            await nothing_serious(page, "visit-over", shots)
        async with phone(chromium, "zh-CN") as chinese:
            await chinese.goto(page.url)
            await expect(chinese.get_by_text("您的来访已结束。")).to_be_visible()
            await nothing_serious(chinese, "visit-zh", shots)
            await chinese.goto(f"{url}/visit/1-{'x' * 32}")
            await expect(chinese.get_by_text("此链接无效或已失效")).to_be_visible()


async def by_face(page: Page, shots: Path | None) -> None:
    """Consent with a photo that does not serve, then with one that does; and withdraw."""
    for photo, told in (
        (bytes(3), "too dark"),
        (bytes((9, 200, 90)), "You consented to be known by your face"),
    ):
        await page.get_by_label("Your full name").fill(NAME)
        file: FilePayload = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": b"pic" + photo}
        await page.get_by_label("Photo of your face").set_input_files(file)
        await page.get_by_label("I have read this and consent").check()
        await page.get_by_role("button", name="Consent and send the photo").click()
        await expect(page.get_by_text(told)).to_be_visible()
        await nothing_serious(page, f"visit-face-{told.split()[0]}", shots)
    await page.get_by_role("button", name="Withdraw").click()
    await expect(page.get_by_role("button", name="Consent and send the photo")).to_be_visible()


async def until(true: object) -> None:
    assert callable(true)
    for _ in range(400):
        if true():
            return
        await asyncio.sleep(0.05)
    pytest.fail("it did not happen")


async def shown(page: Page, job: VisitJob, hub: RealHub, text: str) -> None:
    """What the page says once the passage has arrived at the hub and was looked at."""
    for _ in range(100):
        await job.round(hub.demo.tenant)
        await page.reload()
        if await page.get_by_text(text).count():
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"the page never said: {text}")
