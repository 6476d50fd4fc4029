"""A real browser goes to a real provider and back: content policy, redirects and cookies agree."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.flows.web.oidc import CLIENT_ID, CLIENT_SECRET, needs_provider, running_provider
from tests.flows.web.test_browser_console import Running, chromium, free_port, link_in, playwright
from tests.needs import needs

__all__ = ["chromium", "playwright"]
pytestmark = [needs("chromium"), needs_provider]


@pytest.fixture
def linked_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`postern up --demo` beside a provider that it is registered with."""
    folder, url = tmp_path_factory.mktemp("demo"), f"http://localhost:{free_port()}"
    with (
        running_provider(f"{url}/sign-in/provider/return") as provider,
        (folder / "up.txt").open("w+") as said,
    ):
        names = {
            "POSTERN_DATA": str(folder),
            "POSTERN_PORT": url.rpartition(":")[2],
            "POSTERN_PUBLIC_URL": url,
            "POSTERN_OIDC_ISSUER": provider.issuer,
            "POSTERN_OIDC_CLIENT_ID": CLIENT_ID,
            "POSTERN_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "POSTERN_OIDC_LABEL": "Example ID",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "postern", "up", "--demo"],
            env=os.environ | names,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Running(url=url, link=link_in(process, folder / "up.txt"))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def at_provider(page: Page, name: str) -> None:
    """Sign in there."""
    page.wait_for_url(re.compile("/interaction/"))
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    agree(page)


def agree(page: Page) -> None:
    """Let this console know who one is; the provider asks each time for a client on this machine."""
    page.locator("input[name=prompt][value=consent]").wait_for(state="attached")
    page.locator("button[type=submit]").click()


def test_a_browser_begins_with_the_provider_and_signs_in_with_it_again(
    chromium: Browser, linked_demo: Running
) -> None:
    context = chromium.new_context(locale="en-GB")
    page, stopped = context.new_page(), list[str]()
    page.on(
        "console",
        lambda said: (
            stopped.append(said.text)
            if "Content Security" in said.text and page.url.startswith(linked_demo.url)
            else None
        ),
    )
    page.goto(linked_demo.link)
    page.get_by_role("button", name="Use the link now").click()
    page.get_by_role("button", name="Use Example ID").click()
    at_provider(page, "boss")
    expect(page.get_by_role("heading", name="Live wall")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign in with Example ID").click()
    agree(page)
    expect(page.get_by_role("heading", name="Live wall")).to_be_visible(timeout=30_000)
    page.goto(f"{linked_demo.url}/profile/sign-ins")
    expect(page.get_by_role("cell", name="Sign-in provider")).to_be_visible()
    context.close()
    assert stopped == []
