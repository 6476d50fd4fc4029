"""Rows of policies forged, changed and rolled back in the database: an agent opens no door by any of them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from unittest.mock import patch

from postern.agent import bundle as bundle_module
from postern.agent.bundle import BundleStore, SealedBundle
from postern.agent.files import site_key
from postern.prove.model import Outcome, Size
from postern.prove.policy_rows import Loot, fetched, loot
from postern.prove.scratch import DrawnSite, drawn_site
from postern.prove.world import World


async def policy_rows(world: World, size: Size, chance: random.Random) -> Outcome:
    """Each is written where the newest policy lies, fetched from the hub as an agent does, and tried."""
    tries = size.of(500, 10_000, 100_000)
    async with drawn_site(world.clusters["data"]) as site:
        got = await loot(site)
        with bundles_of(got) as bundles:
            opened = await _offered(site, got, bundles, tries, chance)
        with bundles_of(got) as trusting, patch.object(bundle_module, "verify", lambda *_, **__: None):
            believes = await _offered(site, got, trusting, len(got.rows), chance)
        with bundles_of(got, newest=False) as forgetful:
            forgets = await _offered(site, got, forgetful, len(got.rows), chance)
    return Outcome(
        tries=tries,
        leaks=opened,
        mutant_caught=believes > 0 and forgets > 0,
        notes=(
            f"{tries} rows offered: {opened} opened a door; without a signature's check {believes}"
            f" of {len(got.rows)}, without the version's memory {forgets}",
        ),
    )


@contextmanager
def bundles_of(got: Loot, *, newest: bool = True) -> Iterator[BundleStore]:
    """What an agent keeps: the policy in force, or, as a mutant, nothing."""
    with tempfile.TemporaryDirectory(prefix="postern-bundles-") as name:
        bundles = BundleStore(Path(name) / "policy.sealed", site_key(Path(name) / "site.key"))
        if newest:
            bundles.accept(got.identity, got.in_force)
        yield bundles


async def _offered(
    site: DrawnSite, got: Loot, bundles: BundleStore, tries: int, chance: random.Random
) -> int:
    """How often the door opened."""
    opened, known = 0, await site.agent.known()
    for row in islice(got.drawn(chance), tries):
        await _write(site, row)
        opened += got.opens(bundles, await fetched(site, known))
    await _write(site, got.in_force)
    return opened


async def _write(site: DrawnSite, row: SealedBundle) -> None:
    """As the tables' owner, whom no operation and no row-level security stops."""
    async with site.owner.transaction() as tx:
        await tx.execute(
            "UPDATE bundle SET epoch = %s, version = %s, sealed = %s, signature = %s"
            " WHERE site_id = %s AND agent_id = %s",
            (row.epoch, row.version, row.sealed, row.signature, site.demo.site, site.agent.enrolled.agent),
        )
