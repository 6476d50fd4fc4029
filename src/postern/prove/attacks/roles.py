"""Every role at every address that it has no line for, and every address with another organisation's ids."""

from __future__ import annotations

import random
from unittest.mock import patch

from postern.devices.payments.by_hand import Desk
from postern.ids import TenantId, new_id
from postern.operations.parking.checkout import Till
from postern.operations.public.counter_books import CounterBooks
from postern.operators import roles as table
from postern.operators.model import Role
from postern.operators.roles import DUTIES, Duty
from postern.prove.model import Outcome, Size
from postern.prove.scratch import DrawnSite, drawn_site
from postern.prove.seat import (
    ANY,
    GUARDED,
    HOME,
    STREAMS,
    TAKES_AN_ID,
    ids_for,
    neighbours,
    rows_of,
    seat,
)
from postern.prove.world import World
from postern.settings import Settings
from postern.web.app import create_app
from postern.web.ports import ConsolePorts


async def roles(world: World, size: Size, chance: random.Random) -> Outcome:
    """What a role is not granted is refused, and what another organisation has is not there."""
    asked = size.of(25, len(GUARDED), len(GUARDED))
    async with drawn_site(world.clusters["data"]) as site:
        let_in: list[str] = []
        tries = 0
        for role in Role:
            tried, open_to = await _refused(site, role, asked, chance)
            tries += tried
            let_in += open_to
        with patch.dict(table.DUTIES, {Role.AUDITOR: frozenset(Duty)}):
            caught = bool((await _refused(site, Role.AUDITOR, asked, chance, DUTIES_BEFORE))[1])
        across, seen = await _across(site, size.of(60, len(TAKES_AN_ID), len(TAKES_AN_ID)), chance)
    return Outcome(
        tries=tries + across,
        leaks=len(let_in) + len(seen),
        mutant_caught=caught,
        notes=(
            f"{tries} requests of {len(Role)} roles, {across} for another organisation's things",
            *let_in[:3],
            *seen[:3],
        ),
    )


DUTIES_BEFORE = dict(DUTIES)
"""What each role is granted by the table, whatever a mutant grants."""


async def _refused(
    site: DrawnSite,
    role: Role,
    asked: int,
    chance: random.Random,
    granted: dict[Role, frozenset[Duty]] | None = None,
) -> tuple[int, list[str]]:
    """Requests that the role may not make, and those that were answered otherwise than by a refusal."""
    known = granted or DUTIES
    forbidden = [
        one for one in GUARDED if one.path not in STREAMS and table.TABLE.needs[one] not in known[role]
    ]
    picked = chance.sample(forbidden, k=min(asked, len(forbidden)))
    app = create_app(site.hub, Settings(data=site.folder, mode="demo"))
    async with seat(app, site.hub, site.demo.tenant, role, name=_a_name()) as somebody:
        answers = {one: (await somebody.ask(one, ANY)).status_code for one in picked}
    let_in = [f"{role.value}: {one.method} {one.path}: {s}" for one, s in answers.items() if s != 403]
    return len(picked), let_in


def _a_name() -> str:
    """A login name that nobody has."""
    return f"mallory.{new_id().hex[:12]}"


async def _across(site: DrawnSite, asked: int, chance: random.Random) -> tuple[int, list[str]]:
    """An administrator who knows the ids of the organisation next door."""
    hub = site.hub
    others = await neighbours(hub, site.clock, site.folder)
    desk = Desk(site.folder / "slips", site.clock)
    till = Till(provider=desk, books=CounterBooks(services=hub), public_url=HOME, desk=desk)
    app = create_app(hub, Settings(data=site.folder, mode="demo"), ConsolePorts(pay_url=HOME, till=till))
    tenant = TenantId(int(others["tenant"]))
    before = await rows_of(hub, tenant)
    picked = chance.sample(TAKES_AN_ID, k=min(asked, len(TAKES_AN_ID)))
    async with seat(app, hub, site.demo.tenant, Role.ADMINISTRATOR, name=_a_name()) as administrator:
        answers = {one: (await administrator.ask(one, ids_for(one, others))).status_code for one in picked}
    seen = [f"next door: {one.method} {one.path}: {s}" for one, s in answers.items() if s != 404]
    changed = await rows_of(hub, tenant) != before
    return len(picked), [*seen, *(["next door: rows were changed"] if changed else [])]
