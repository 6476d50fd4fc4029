"""What a page offers can be opened: links lead nowhere that the reader's role is refused."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi import FastAPI

from postern.operations.admit import Entrance
from postern.operations.demo import Demo
from postern.operations.services import Services
from postern.operators.model import Role
from postern.sites.store import SitePlan
from tests.attacks.test_roles_by_endpoint import seat
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.web.test_web_pages import pass_by_card

FOLLOWED = re.compile(r'(?:href|hx-get)="(/[^"#]*)')
LEFT_OUT = ("/assets/", "/wall/stream/", "/wall/evidence/")
"""Files; an answer without an end; a look at a picture, which is journalled."""
MOST_PAGES = 150


@pytest.mark.parametrize("role", Role)
async def test_every_link_that_a_role_is_shown_opens(
    role: Role,
    app: FastAPI,
    hub: Services,
    demo: Demo,
    entrance: Entrance,
    places: SitePlan,
    agent: DrawnAgent,
) -> None:
    await pass_by_card(hub, entrance, places, agent)
    async with seat(app, hub, demo.tenant, role) as reader:
        shown_on: dict[str, str] = {"/": "the address line"}
        left = ["/"]
        refused: list[str] = []
        while left and len(shown_on) < MOST_PAGES:
            path = left.pop(0)
            page = await reader.client.get(path, follow_redirects=True)
            if page.status_code != 200:
                refused.append(f"{path} ({page.status_code}), shown on {shown_on[path]}")
            for link in map(unescape, FOLLOWED.findall(page.text)):
                if link not in shown_on and not link.startswith(LEFT_OUT):
                    shown_on[link] = path
                    left.append(link)
        assert len(shown_on) > (3 if role is Role.MANAGER else 10)  # who is linked to nobody leads nobody
        assert refused == []


async def test_a_wall_links_to_people_only_for_whoever_may_see_them(
    app: FastAPI, hub: Services, demo: Demo, entrance: Entrance, places: SitePlan, agent: DrawnAgent
) -> None:
    await pass_by_card(hub, entrance, places, agent)
    linked = {}
    for role in (Role.SECURITY, Role.ATTENDANT):
        async with seat(app, hub, demo.tenant, role) as reader:
            page = (await reader.client.get("/wall")).text
            assert "Ada Nowak" in page
            linked[role] = 'href="/people/' in page
    assert linked == {Role.SECURITY: True, Role.ATTENDANT: False}
