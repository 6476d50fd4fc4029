"""The page of second approvals: asked for where the search is made, decided by somebody else, used once."""

from __future__ import annotations

import re
from datetime import timedelta

from fastapi import FastAPI

from postern.clock import SetClock, utc_day
from postern.operations.demo import Demo
from postern.operations.services import Services
from postern.operators.model import Role
from tests.attacks.test_roles_by_endpoint import Seat, seat
from tests.flows.web.test_web_privacy import sent


def far_search(hub: Services) -> dict[str, str]:
    today = utc_day(hub.clock.now())
    return {
        "what": "person",
        "who": "Ada Nowak",
        "site": "1",
        "first": str(today - timedelta(days=40)),
        "last": str(today),
        "purpose": "stolen bicycle",
        "case": "2026-17",
    }


async def asked(guard: Seat, hub: Services) -> None:
    refused = await sent(guard, "/search", **far_search(hub))
    assert "Looking back more than 7 days needs a second person." in refused
    assert "Ask a second person" in refused
    told = await sent(guard, "/search", **far_search(hub), ask="yes")
    assert told == "/approvals?said=approval-asked"


def decision(page: str) -> str:
    found = re.search(r'action="(/approvals/[0-9a-f-]{36})"', page)
    assert found is not None
    return found.group(1)


async def test_a_far_search_is_asked_for_approved_and_then_made_once(
    app: FastAPI, hub: Services, demo: Demo
) -> None:
    async with (
        seat(app, hub, demo.tenant, Role.SECURITY) as guard,
        seat(app, hub, demo.tenant, Role.PRIVACY_OFFICER) as officer,
    ):
        assert '<span class="count">' not in (await officer.client.get("/privacy")).text
        await asked(guard, hub)
        assert "Waiting" in (await guard.client.get("/approvals")).text
        assert '<span class="count">1</span>' in (await officer.client.get("/privacy")).text
        page = (await officer.client.get("/approvals")).text
        assert "For stolen bicycle, case 2026-17" in page
        assert "Ada Nowak" not in page
        path = decision(page)
        named = await officer.client.get("/approvals", params={"whom": path.rsplit("/", 1)[1]})
        assert "About: Ada Nowak" in named.text
        assert "say why" in await sent(officer, path, approved="yes", reason="")
        assert await sent(officer, path, approved="yes", reason="police letter") == (
            "/approvals?said=approval-decided"
        )
        after = (await officer.client.get("/approvals")).text
        assert '<span class="count">' not in after
        assert "police letter" in after
        assert "was decided already" in await sent(officer, path, approved="no", reason="after all")
        assert "No passages" in await sent(guard, "/search", **far_search(hub))
        again = await sent(guard, "/search", **far_search(hub))
        assert "Looking back more than 7 days needs a second person." in again, "it was used up"


async def test_nobody_sees_their_own_request_among_what_they_may_decide(
    app: FastAPI, hub: Services, demo: Demo
) -> None:
    async with seat(app, hub, demo.tenant, Role.ADMINISTRATOR) as boss:
        await asked(boss, hub)
        page = (await boss.client.get("/approvals")).text
        assert "Nothing waits" in page
        assert '<span class="count">' not in page
        (own,) = (await boss.client.get("/api/v1/approvals/own")).json()
        answer = await sent(boss, f"/approvals/{own['id']}", approved="yes", reason="I may")
        assert "nobody decides on their own request" in answer


async def test_a_request_that_nobody_decided_is_over_and_not_counted(
    app: FastAPI, hub: Services, demo: Demo, clock: SetClock
) -> None:
    async with seat(app, hub, demo.tenant, Role.SECURITY) as guard:
        await asked(guard, hub)
    clock.advance(timedelta(hours=25))
    async with seat(app, hub, demo.tenant, Role.ADMINISTRATOR) as boss:
        page = (await boss.client.get("/approvals")).text
        assert "Nothing waits" in page
        assert ">Over<" in re.sub(r"<svg.*?</svg>", "", page, flags=re.S)
        decided = (await boss.client.get("/api/v1/approvals/decided")).json()
        assert [one["state"] for one in decided] == ["waiting"]
