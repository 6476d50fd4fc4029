"""The agent's spool on disks that fail: nothing acknowledged is lost or numbered twice."""

from __future__ import annotations

import random

from postern.prove.faults.disk import Harm
from postern.prove.faults.spool_trials import Nursery, drawn_faults, every_fault, nursery
from postern.prove.model import Outcome, Size
from postern.prove.world import World


async def faults(world: World, size: Size, chance: random.Random) -> Outcome:
    """The agent's spool on a disk that fails at one call, at each call in the full size."""
    del world
    async with nursery() as writers:
        every = every_fault(*await writers.count_calls())
        chosen = drawn_faults(every, size.of(30, len(every), 4 * len(every)), chance)
        trials = [await writers.try_out(one, chance) for one in chosen]
        caught = await _unsynced_is_caught(writers, chance)
    acknowledged = sum(one.acknowledged for one in trials)
    happened = [one for one in trials if one.happened]
    unsound = [f"the spool, {one}" for one in trials if not one.is_sound]
    return Outcome(
        tries=len(happened),
        leaks=sum(one.doubled + one.broken for one in trials),
        losses=sum(one.lost for one in trials),
        mutant_caught=caught,
        notes=(
            f"the spool: {len(happened)} faults of {len(every)}, {acknowledged} acknowledged",
            *unsound[:3],
        ),
    )


async def _unsynced_is_caught(writers: Nursery, chance: random.Random) -> bool:
    """The mutant spool acknowledges what it has not synced: a power cut must show it."""
    every = [one for one in every_fault(*await writers.count_calls()) if one.harm is Harm.CUT]
    late = every[len(every) // 2 :]
    for one in drawn_faults(late, 12, chance):
        if (await writers.try_out(one, chance, "unsynced")).lost:
            return True
    return False
