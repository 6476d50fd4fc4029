"""Rows forged, changed and put back by a writer in the hub's database let nobody in."""

from __future__ import annotations

import random
from collections.abc import Mapping
from unittest.mock import patch
from uuid import UUID

from postern.ids import TenantId
from postern.keystore.row_marks import PostgresRowMarks
from postern.prove.forged_registry import OF_THE_REGISTRY
from postern.prove.forged_rows import OF_OPERATORS_AND_AGENTS
from postern.prove.model import Outcome, Size
from postern.prove.scratch import DrawnSite, drawn_site
from postern.prove.world import World

FORGERIES = OF_OPERATORS_AND_AGENTS + OF_THE_REGISTRY


async def forged_rows(world: World, size: Size, chance: random.Random) -> Outcome:
    """Every forgery, in a drawn order, as often as the size says; then all of them on a believing hub."""
    tries, leaked = 0, list[str]()
    async with drawn_site(world.clusters["data"]) as site:
        for _ in range(size.of(2, 20, 200)):
            leaked += await let_in(site, chance)
            tries += len(FORGERIES)
    async with drawn_site(world.clusters["data"]) as believing:
        with patch.object(PostgresRowMarks, "standing", believes):
            believed = await let_in(believing, chance)
    return Outcome(
        tries=tries,
        leaks=len(leaked),
        mutant_caught=len(believed) == len(FORGERIES),
        notes=(
            f"{len(FORGERIES)} forgeries, {tries} tries: {len(leaked)} let somebody in; without the memory of"
            f" rows {len(believed)} of {len(FORGERIES)}",
            *leaked[:3],
        ),
    )


async def let_in(site: DrawnSite, chance: random.Random) -> list[str]:
    """The forgeries that let somebody in, each tried once."""
    order = chance.sample(FORGERIES, len(FORGERIES))
    return [one.__name__ for one in order if await one(site)]


async def believes(
    self: PostgresRowMarks, tenant: TenantId, kind: str, forms: Mapping[UUID, bytes]
) -> frozenset[UUID]:
    """The mutant: whatever lies in the database is in force."""
    del self, tenant, kind
    return frozenset(forms)
