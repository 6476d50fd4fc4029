"""The garage in a real browser: a driver calls from the lane, and an attendant speaks with them."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Page, expect

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


def make_kiosk(page: Page, running: Running, name: str) -> str:
    """Add it in the console; its code."""
    page.goto(f"{running.url}/garage/kiosks")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Barrier").select_option(index=0)
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
    tablet.get_by_role("button", name="Help").click()
    expect(tablet.get_by_role("heading", name="Calling an attendant")).to_be_visible()
    desk.goto(f"{running.url}/garage/kiosks")
    desk.get_by_role("link", name="Answer Exit 1").click()
    desk.get_by_role("button", name="Answer").click()
    expect(desk.get_by_text("Connected. You can speak.")).to_be_visible(timeout=20_000)
    expect(tablet.get_by_role("heading", name="You can speak now")).to_be_visible(timeout=20_000)
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
