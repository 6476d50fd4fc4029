"""An operator of an honest role opens whomever they can, by any mix of routes."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from postern.operations.insiders import budget
from postern.operations.insiders.budget import Opening
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.prove.insider import Insider, Target, a_target, an_insider, verdict
from postern.prove.model import Outcome, Size
from postern.prove.scratch import drawn_site
from postern.prove.world import World

ROLES = (Role.SECURITY, Role.ADMINISTRATOR)
STEPS = 60


async def insider(world: World, size: Size, chance: random.Random) -> Outcome:
    """Stopped at the 21st subject of an hour, and every look and refusal is in the journal."""
    async with drawn_site(world.clusters["data"]) as site:
        target = await a_target(site.hub, site.demo, site.admin, site.agent, site.entrance, site.places)
        failures: list[str] = []
        tries = opened = refused = 0
        for number in range(size.of(4, 40, 1000)):
            somebody = await _greedy(target, ROLES[number % len(ROLES)], chance)
            tries += STEPS
            opened += len(somebody.seen)
            refused += somebody.refused
            failures += await verdict(somebody)
        caught = await _counts_searches(target, chance)
    return Outcome(
        tries=tries,
        leaks=len(failures),
        mutant_caught=caught and refused > 0,
        notes=(f"{tries} looks by every route: {opened} things opened, {refused} refused", *failures[:3]),
    )


async def _greedy(target: Target, role: Role, chance: random.Random) -> Insider:
    somebody = await an_insider(target, role)
    for _ in range(STEPS):
        await somebody.go(chance.randrange(10), chance.randrange(50))
    return somebody


async def _counts_searches(target: Target, chance: random.Random) -> bool:
    """The mutant whose budget counts searches instead of whom they showed."""
    real: Any = budget._count

    async def one_a_search(services: Services, tx: Any, actor: Actor, opening: Opening) -> Any:
        return await real(services, tx, actor, replace(opening, subjects=opening.subjects[:1], others=()))

    with patch.object(budget, "_count", one_a_search):
        found = await verdict(await _greedy(target, Role.SECURITY, chance))
    return any("subjects opened within an hour" in failure for failure in found)
