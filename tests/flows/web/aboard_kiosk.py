"""A driver at the kiosk beside a way in says how many are aboard, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

VAN, PLATE = "PDM2002", "P-DM 2002"
"""A vehicle of the demo that may come at any time."""
SIZES = ({"width": 1280, "height": 800}, {"width": 390, "height": 844})


def ask_drivers(page: Page, url: str) -> None:
    """Have the driveway ask, for at most twelve."""
    page.goto(f"{url}/sites/1")
    page.get_by_role("link", name="Driveway barrier, in").first.click()
    page.get_by_label("Ask drivers who come in").fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Driveway barrier, in").first).to_be_visible()


def drive_in(page: Page, url: str) -> None:
    """The van comes in by the driveway, once the demo's own passages are over, the van's among them."""
    page.goto(f"{url}/wall")
    last = page.locator(".passage", has_text="Bruno Keller").filter(has_text="Front door, out")
    expect(last.first).to_contain_text("Went through", timeout=60_000)
    stand_in(page, f"{url}/doors", door="Driveway barrier", reader="Driveway camera", plate=PLATE)
    page.goto(f"{url}/wall")
    came = page.locator(".passage", has_text=VAN).filter(has_text="Driveway barrier, in")
    expect(came.filter(has_text="Went through").nth(1)).to_be_visible(timeout=30_000)


def stand_in(page: Page, doors: str, *, door: str, reader: str, card: str = "", plate: str = "") -> None:
    """Present a card or a plate at a simulated door."""
    page.goto(doors)
    page.get_by_role("link", name=f"Stand in at {door}").click()
    page.get_by_label("At the reader").select_option(label=reader)
    page.get_by_label("What is presented").select_option(label="Card" if card else "Plate")
    page.get_by_label("File path, number or text").fill(card or plate)
    page.get_by_role("button", name="Present").click()
    expect(page.get_by_text("Presented.")).to_be_visible()


def say_three(tablet: Page, shoot: Callable[[Page, str], None]) -> None:
    """The driver is asked, and says it once; then the next one finds the button for help."""
    tablet.reload()  # what it asked of whoever came before is gone
    question = tablet.get_by_role("heading", name="How many are in your vehicle?")
    expect(question).to_be_visible(timeout=30_000)
    for size in SIZES:
        tablet.set_viewport_size(size)
        shoot(tablet, f"kiosk-aboard-{size['width']}")
        assert tablet.evaluate("document.documentElement.scrollWidth <= innerWidth")
    looked = Axe().run(tablet, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert looked.response["violations"] == []
    expect(tablet.get_by_role("button", name="Help")).to_be_visible()
    tablet.get_by_role("button", name="3", exact=True).click()
    expect(tablet.get_by_text("3 counted.")).to_be_visible()
    shoot(tablet, "kiosk-aboard-said")
    expect(tablet.get_by_text("3 counted.")).to_be_hidden(timeout=20_000)
    expect(question).to_be_hidden()
