"""The garage in a real browser: a driver calls from the lane, and an attendant speaks with them."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.flows.web import aboard_kiosk
from tests.flows.web.muster_phone import a_muster_with_the_hub_stopped
from tests.flows.web.test_browser_console import Running, chromium, page, playwright, running
from tests.needs import needs

__all__ = ["chromium", "page", "playwright", "running"]

pytestmark = needs("chromium")

KEEP_CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.connections.push(this); }
};
"""
"""So that a test can ask a page's connections how they fare."""
SOUND_RECEIVED = """async () => {
  const last = window.connections.at(-1);
  const found = [...(await last.getStats()).values()];
  const heard = found.filter((one) => one.type === "inbound-rtp" && one.kind === "audio");
  return last.connectionState === "connected" && heard.reduce((sum, one) => sum + one.bytesReceived, 0);
}"""
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
GARAGE_PAGES = (
    "/garage",
    "/garage/cases",
    "/garage/tariffs",
    "/garage/tariffs/1",
    "/garage/simulator",
    "/garage/money",
    "/garage/receipts/1",
    "/garage/permits",
    "/garage/merchants",
    "/garage/kiosks",
    "/garage/setup",
    "/garage/posters/1",
    "/garage/1/sessions",
    "/occupancy",
    "/muster",
    "/lockdown",
    "/lockdown/1",
    "/kiosk",
)
SHOTS = os.environ.get("POSTERN_TEST_SHOTS", "")
"""A folder for pictures of the pages; empty: none are taken."""


def become_kiosk(chromium: Browser, running: Running, code: str) -> BrowserContext:
    """A tablet of its own that spends the code."""
    context = chromium.new_context(viewport={"width": 1024, "height": 768}, locale="en-GB")
    context.add_init_script(KEEP_CONNECTIONS)
    tablet = context.new_page()
    tablet.goto(f"{running.url}/kiosk#{code}")
    expect(tablet.get_by_label("Code")).to_have_value(code)
    tablet.get_by_role("button", name="Begin").click()
    expect(tablet.get_by_role("button", name="Help")).to_be_visible()
    return context


def make_kiosk(page: Page, running: Running, name: str, barrier: str = "") -> str:
    """Add it in the console, at that barrier or the first; its code."""
    page.goto(f"{running.url}/garage/kiosks")
    page.get_by_label("Name").fill(name)
    chosen = page.get_by_label("Barrier").locator("option", has_text=barrier).first
    page.get_by_label("Barrier").select_option(chosen.get_attribute("value"))
    page.get_by_role("button", name="Add and show the code").click()
    return page.locator("#code").inner_text()


def test_a_driver_calls_for_help_and_speaks_with_an_attendant(
    page: Page, running: Running, chromium: Browser
) -> None:
    context = become_kiosk(chromium, running, make_kiosk(page, running, "Exit 1"))
    tablet = context.pages[0]
    desk = page.context.new_page()
    desk.add_init_script(KEEP_CONNECTIONS)
    desk.set_viewport_size(PHONE)
    shoot(tablet, "kiosk-help")
    tablet.get_by_role("button", name="Help").click()
    expect(tablet.get_by_role("heading", name="Calling an attendant")).to_be_visible()
    shoot(tablet, "kiosk-waiting")
    desk.goto(f"{running.url}/garage/kiosks")
    desk.get_by_role("link", name="Answer Exit 1").click()
    desk.get_by_role("button", name="Answer").click()
    expect(desk.get_by_text("Connected. You can speak.")).to_be_visible(timeout=20_000)
    expect(tablet.get_by_role("heading", name="You can speak now")).to_be_visible(timeout=20_000)
    shoot(desk, "call-phone")
    shoot(tablet, "kiosk-call")
    for side in (desk, tablet):
        side.wait_for_function(f"async () => await ({SOUND_RECEIVED})() > 0", timeout=20_000)
    desk.get_by_role("button", name="Mute").click()
    expect(desk.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    desk.get_by_role("button", name="Hang up").click()
    expect(tablet.get_by_role("heading", name="The call has ended")).to_be_visible()
    desk.get_by_role("button", name="Helped").click()
    expect(desk.get_by_text("The call is closed.")).to_be_visible()
    expect(tablet.get_by_role("button", name="Help")).to_be_visible(timeout=20_000)
    desk.close()
    context.close()


def make_garage(page: Page, running: Running) -> None:
    """Bays and a tariff for the demo's site, as a person sets them."""
    page.goto(f"{running.url}/garage/setup")
    if page.locator("li.done", has_text="A tariff").count():
        return
    page.get_by_label("Bays", exact=True).fill("120")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(f"{running.url}/garage/tariffs/1")
    page.get_by_role("button", name="Set this tariff").click()
    expect(page.get_by_text("The tariff is set.")).to_be_visible()


def test_a_tariff_is_checked_while_it_is_written_and_its_price_drawn(page: Page, running: Running) -> None:
    make_garage(page, running)
    page.set_viewport_size(PHONE)
    page.goto(f"{running.url}/garage/tariffs/1")
    expect(page.get_by_text("The text can be used.")).to_be_visible()
    text = page.get_by_role("textbox", name="The tariff as text")
    text.fill(text.input_value().replace("vat_percent: 19", "vat_percent: lots"))
    expect(page.get_by_text("This cannot be used yet")).to_be_visible()
    wrong = page.locator(".listing .wrong")
    expect(wrong).to_contain_text("vat_percent: lots")
    expect(wrong).to_contain_text("per cent")
    page.goto(f"{running.url}/garage/simulator")
    page.get_by_label("Drives in at").fill("2026-03-04T09:00")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("img", name="The price from entry on")).to_be_visible()
    expect(page.get_by_role("row", name="up to 1 h €2.50", exact=True)).to_be_visible()
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0
    page.set_viewport_size(DESKTOP)


def test_an_attendant_solves_a_case_on_a_phone_by_keyboard(
    page: Page, running: Running, chromium: Browser
) -> None:
    make_garage(page, running)
    context = become_kiosk(chromium, running, make_kiosk(page, running, "Exit 2"))
    shoot(context.pages[0], "kiosk-pay")
    phone = page.context.new_page()
    phone.set_viewport_size(PHONE)
    phone.goto(f"{running.url}/garage/cases")
    expect(phone.get_by_text("Live", exact=True)).to_be_visible()
    context.pages[0].get_by_role("button", name="Help").click()
    case = phone.get_by_role("link", name="Asks for help").last  # the newest
    expect(case).to_be_visible(timeout=20_000)
    expect(phone.get_by_text("Calls for help").first).to_be_visible()
    case.focus()
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("heading", name="Asks for help")).to_be_visible()
    shoot(phone, "case-phone")
    expect(phone.get_by_role("link", name="Open ")).to_be_visible()
    box = phone.get_by_role("button", name="Nothing to do").bounding_box()
    assert box is not None
    assert box["height"] >= 48
    phone.get_by_role("radio", name="A fault at the lane").check()
    phone.get_by_label("In your own words").fill("printer out of paper")
    phone.get_by_role("button", name="Nothing to do").focus()
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("A fault at the lane · printer out of paper")).to_be_visible()
    expect(context.pages[0].get_by_role("heading", name="The call has ended")).to_be_visible()
    phone.goto(f"{running.url}/garage/cases")
    expect(phone.get_by_text("Answered lately")).to_be_visible()
    phone.close()
    context.close()


def test_an_attendant_compares_the_pictures_of_a_case_and_opens_the_barrier_from_another(
    page: Page, running: Running, chromium: Browser
) -> None:
    make_garage(page, running)
    phone = page.context.new_page()
    phone.set_viewport_size(PHONE)
    seen = {}
    for title in ("Could be one of several", "Left unpaid"):
        phone.goto(f"{running.url}/garage/cases")
        phone.get_by_role("link", name=title).click()
        expect(phone.get_by_role("heading", name=title)).to_be_visible()
        phone.wait_for_load_state("networkidle")
        broken = "all => all.filter((one) => !one.complete || !one.naturalWidth).length"
        pictures = phone.locator("main img")
        seen[title] = pictures.count()
        assert pictures.evaluate_all(broken) == 0
        assert barriers_on(phone, running, (phone.url.removeprefix(running.url),), shots="case") == []
    assert seen["Could be one of several"] >= 3  # at the exit, and of each that it may be
    assert seen["Left unpaid"] == 2
    context = become_kiosk(chromium, running, make_kiosk(page, running, "Exit 3", "Garage exit"))
    tablet = context.pages[0]
    gives_a_ticket(tablet)
    tablet.get_by_role("button", name="Help").click()
    phone.goto(f"{running.url}/garage/cases")
    phone.get_by_role("listitem").filter(has_text="Garage exit").get_by_role(
        "link", name="Asks for help"
    ).click()
    phone.get_by_role("button", name="Open the barrier").click()
    expect(phone.get_by_text("Decided; the barrier has opened.")).to_be_visible(timeout=20_000)
    expect(phone.get_by_role("heading", name="The barrier was told to open")).to_be_visible()
    shoot(phone, "case-opened")
    phone.close()
    context.close()


def gives_a_ticket(tablet: Page) -> None:
    """At the exit's kiosk, with nobody at the barrier: it says so, and goes back to the help button."""
    for size in (DESKTOP, PHONE):
        tablet.set_viewport_size(size)
        shoot(tablet, f"kiosk-exit-{size['width']}")
        tablet.get_by_role("link", name="I have a ticket from the entry").click()
        shoot(tablet, f"kiosk-leave-{size['width']}")
        tablet.get_by_label("Code from the entry").fill("ABCD-EFGH")
        tablet.get_by_role("button", name="Leave").click()
        expect(tablet.get_by_role("alert")).to_contain_text("drive up to the barrier first")
        shoot(tablet, f"kiosk-leave-refused-{size['width']}")
        assert tablet.evaluate("document.documentElement.scrollWidth <= innerWidth")
        tablet.get_by_role("link", name="Cancel").click()


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [pytest.param(1280, "light", "en", marks=pytest.mark.slow), (390, "dark", "zh")],
)
def test_no_page_of_the_garage_has_a_barrier_or_is_wider_than_the_screen(
    page: Page, running: Running, width: int, scheme: str, language: str
) -> None:
    make_garage(page, running)
    context = page.context
    context.add_cookies([{"name": "postern-language", "value": language, "url": running.url}])
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    try:
        assert barriers_on(page, running, GARAGE_PAGES, shots=f"{width}-{scheme}-{language}") == []
    finally:
        context.add_cookies([{"name": "postern-language", "value": "en", "url": running.url}])
        page.set_viewport_size(DESKTOP)
        page.emulate_media(color_scheme="light")


def shoot(page: Page, name: str) -> None:
    """A picture of the page for a person to look at, where they are wanted."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def barriers_on(page: Page, running: Running, paths: tuple[str, ...], *, shots: str) -> list[str]:
    """What axe finds on these pages, and what is wider than the screen; pictures of them where wanted."""
    found: list[str] = []
    for path in paths:
        page.goto(running.url + path)
        axe = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        found += [
            f"{path}: {one['id']}: {node['html'][:160]}"
            for one in axe.response["violations"]
            for node in one["nodes"]
        ]
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            found.append(f"{path}: {wider} px wider than the screen")
        shoot(page, f"{path.strip('/').replace('/', '-')}-{shots}")
    return found


def test_a_warden_holds_a_muster_on_a_phone_while_the_hub_is_stopped(
    page: Page, running: Running, chromium: Browser
) -> None:
    aboard_kiosk.ask_drivers(page, running.url)
    code = make_kiosk(page, running, "Driveway", "Driveway barrier")
    context = become_kiosk(chromium, running, code)
    aboard_kiosk.drive_in(page, running.url)
    aboard_kiosk.say_three(context.pages[0], shoot)
    context.close()
    a_muster_with_the_hub_stopped(page, chromium, url=running.url)
