"""An employee's correction and its approval, as both meet it: on a phone, and at a desk."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

PHONE = {"width": 390, "height": 844}
PHRASE = "four words on a phone"


def signed_in_on_a_phone(page: Page, chromium: Browser, person: str) -> Page:
    """Whoever keeps the registry makes the link; the person chooses a passphrase on their own phone."""
    page.goto(person)
    page.get_by_role("button", name="Make a one-time link").click()
    link = page.get_by_text(re.compile(r"/me/first/")).first
    address = link.inner_text()
    phone = chromium.new_context(viewport=PHONE, locale="en-GB").new_page()
    phone.goto(address.strip())
    phone.get_by_label("Passphrase", exact=True).fill(PHRASE)
    phone.get_by_label("Passphrase again").fill(PHRASE)
    phone.get_by_role("button", name="Keep it and sign in").click()
    expect(phone.get_by_role("link", name="My hours").first).to_be_visible()
    return phone


def somebody_with_hours(page: Page, url: str, name: str) -> str:
    """The address of somebody's month, once the demo has it: months are filled in beside the start."""
    for _ in range(60):
        page.goto(f"{url}/hours")
        row = page.get_by_role("link", name=re.compile(name))
        if row.count():
            return str(row.first.get_attribute("href"))
        page.wait_for_timeout(1_000)
    raise AssertionError("the demo has no hours")


def ask_and_approve(page: Page, chromium: Browser, url: str, name: str) -> Page:
    """They ask for what the page suggests; an operator reads it and approves. Returns the phone."""
    month = f"{url}{somebody_with_hours(page, url, name)}"
    person = re.search(r"/hours/people/([0-9a-f-]{36})", month)
    assert person is not None
    phone = signed_in_on_a_phone(page, chromium, f"{url}/people/{person[1]}")
    suggestion = phone.get_by_role("button", name=re.compile("^Ask for it: "))
    phone.goto(f"{url}/me/hours")
    if not suggestion.count():  # what was forgotten lies in last month, early in a month
        phone.goto(f"{url}{phone.get_by_role('link', name='Month before').get_attribute('href')}")
    asked = suggestion.first.inner_text().removeprefix("Ask for it: ")
    suggestion.first.click()
    expect(phone.get_by_text("Asked. It counts once it is approved.")).to_be_visible()
    page.goto(f"{url}/hours/people/{person[1]}?{phone.url.partition('?')[2].partition('&')[0]}")
    page.get_by_role("button", name=f"Approve: {asked}").click()
    expect(page.get_by_text("Approved; it counts from now on.")).to_be_visible()
    phone.reload()
    expect(
        phone.get_by_role("listitem").filter(has_text="as suggested").get_by_text("Approved")
    ).to_be_visible()
    return phone
