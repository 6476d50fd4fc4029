"""Every backup is restored after an erasure: nothing of the person opens once tombstones are applied."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from postern.operations.privacy import tombstones
from postern.prove.model import Outcome, Size
from postern.prove.old_backups import Backups, erased_after, found
from postern.prove.world import World


async def old_backups(world: World, size: Size, chance: random.Random) -> Outcome:
    """Each is put on a clean folder and started twice: as a thief would, and as the hub starts."""
    del world
    with tempfile.TemporaryDirectory(prefix="postern-backups-") as name:
        left = await erased_after(Path(name), chance, bases=size.of(1, 4, 12), victims=size.of(2, 10, 50))
        opened, believed = set[str](), list[int]()
        for base in left.bases:
            without, after = await _restored(left, base)
            believed.append(len(without))
            opened |= after
    before, after_erasure = believed[1:], believed[0]
    return Outcome(
        tries=len(left.values) * len(left.bases),
        leaks=len(opened) + after_erasure,
        mutant_caught=all(count == len(left.values) for count in before),
        notes=(
            f"{len(left.bases)} backups restored, {len(left.victims)} people erased: of {len(left.values)}"
            f" values {len(opened)} open; without the tombstones, from each before the erasure,"
            f" {', '.join(map(str, before))}",
        ),
    )


async def _restored(left: Backups, base: str) -> tuple[frozenset[str], frozenset[str]]:
    """What opens on a hub from that base: before the tombstones are applied, and after."""
    async with left.restored(base) as (services, owners):
        without = await found(services, owners, left.values)
        await tombstones.settle(services)
        return without, await found(services, owners, left.values)
