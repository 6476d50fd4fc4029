"""A warden's phone at the agent's own muster page, while the hub does not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.flows.web.aboard_kiosk import VAN, stand_in

WARDEN = "Wendy Warden"
INSIDE, CARD = "Farah Aziz", "0410A1B2C8"
"""Somebody of the demo who may come at any time of the day and week, as most of its people may not."""
PATIENCE = 60
"""Seconds until the agent has fetched the roll, or the hub has what a phone marked: they ask every ten."""


@contextmanager
def stopped_hub() -> Iterator[None]:
    """The hub's process below this one stands still, as a machine that hangs does."""
    children = psutil.Process().children(recursive=True)
    (hub,) = [one for one in children if one.cmdline()[-2:] == ["postern", "hub"]]
    hub.suspend()
    try:
        yield
    finally:
        hub.resume()


def come_in(page: Page, url: str) -> None:
    """Somebody goes through the front door, and is on the wall: so the agent has recorded it."""
    stand_in(page, f"{url}/doors", door="Front door", reader="Front door card reader", card=CARD)
    page.goto(f"{url}/wall")
    row = page.locator(".passage", has_text=INSIDE).filter(has_text="Front door").first
    expect(row).to_contain_text("Went through", timeout=30_000)


def barriers(phone: Page) -> list[str]:
    """What keeps somebody from using the page as it is now."""
    looked = Axe().run(phone, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    return [
        f"{one['id']}: {node['html'][:160]}" for one in looked.response["violations"] for node in one["nodes"]
    ]


def a_muster_with_the_hub_stopped(page: Page, chromium: Browser, *, url: str) -> None:
    """From the code in the console to a mark on a phone, and back to the console's roll."""
    come_in(page, url)
    agent = f"https://127.0.0.1:{int(url.rpartition(':')[2]) + 2}/"
    page.goto(f"{url}/muster")
    page.get_by_role("button", name="Make a new code").click()
    code = page.locator(".mustercode").inner_text()
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", ignore_https_errors=True
    )
    phone = context.new_page()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        phone.goto(agent)
        if phone.get_by_role("button", name="Open the roll").count():
            break
        time.sleep(0.5)
    expect(phone.get_by_role("button", name="Open the roll")).to_be_visible()
    with stopped_hub():
        phone.get_by_label("Your name").fill(WARDEN)
        phone.get_by_label("Muster code").fill("ABCDE-FGHJK")
        phone.get_by_role("button", name="Open the roll").click()
        expect(phone.get_by_role("alert")).to_contain_text("not the site's muster code")
        phone.get_by_label("Muster code").fill(code)
        phone.get_by_role("button", name="Open the roll").click()
        expect(phone.get_by_text(INSIDE)).to_have_count(0)
        phone.get_by_role("button", name="Call a muster").click()
        # What a driver said at the kiosk before, the agent has in its own roll.
        expect(phone.get_by_text(f"{VAN}, person 3")).to_be_visible()
        expect(phone.get_by_text(f"{VAN}, person 4")).to_have_count(0)
        phone.get_by_role("button", name=f"Safe: {INSIDE}").click()
        expect(phone.get_by_text(f"Seen safe by {WARDEN}")).to_be_visible()
        assert barriers(phone) == []
        phone.evaluate("document.querySelectorAll('li').forEach((line) => line.classList.add('waits'))")
        assert barriers(phone) == []  # as it looks while marks wait for the line
    context.close()
    page.goto(f"{url}/muster/1")
    until = time.monotonic() + PATIENCE
    while page.get_by_text(f"Seen safe by {WARDEN}").count() == 0 and time.monotonic() < until:
        time.sleep(0.5)
        page.goto(f"{url}/muster/1")
    expect(page.get_by_text(f"Seen safe by {WARDEN}")).to_be_visible()
    page.get_by_role("button", name="End the muster").click()
    expect(page.get_by_text("The muster has ended.")).to_be_visible()
