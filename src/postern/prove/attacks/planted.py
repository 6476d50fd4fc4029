"""Values that occur nowhere by chance are given to Postern by many ways, and searched for in every file."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from postern.operations.people import register
from postern.people.model import PersonDetails
from postern.prove.model import Outcome, Size
from postern.prove.planting import Planted
from postern.prove.scratch import drawn_site
from postern.prove.sweep import Finding, Sweep
from postern.prove.ways import by_looking, by_oneself, by_passages, by_the_console, logging_to, settle
from postern.prove.world import World, build
from postern.sealing import xaes

ENCODINGS = 8


async def planted(world: World, size: Size, chance: random.Random) -> Outcome:
    """Databases with their write-ahead logs and dumps, logs, spool, keystore, pictures, temporary files."""
    given = Planted.drawn(
        chance.randrange(1 << 32),
        people=size.of(200, 2000, 6000),
        vehicles=size.of(100, 1000, 3000),
        enrolled=size.of(10, 50, 50),
    )
    plan = await build(world)
    with _watched(world):
        world.start_hub()
        await world.hub_answers()
        await by_the_console(world, plan, given)
        await by_oneself(world, plan, given)
        await by_passages(world, plan, given, size.of(50, 300, 2000))
        await by_looking(world, plan, given)
        await settle(world)
    found, bytes_read = swept(world, given)
    values = sum(1 for _ in given.values())
    told = [f"{one.encoding} in {one.path.relative_to(world.folder)}" for one in found[:3]]
    return Outcome(
        tries=values,
        leaks=len({one.value for one in found}),
        mutant_caught=await _seals_nothing(world),
        notes=(f"{values} values in {ENCODINGS} encodings, {bytes_read / 1e6:.0f} MB swept", *told),
    )


def swept(world: World, given: Planted) -> tuple[list[Finding], int]:
    """Everything below the data folder but what the attack itself wrote down."""
    roots = [path for path in world.folder.iterdir() if not path.name.startswith("agent-")]
    return Sweep(given.values()).files(*roots, *(agent.folder for agent in world.agents))


@contextmanager
def _watched(world: World) -> Iterator[None]:
    """Temporary files and this process's log lie where they are swept."""
    temporary = world.folder / "tmp"
    temporary.mkdir(mode=0o700, exist_ok=True)
    told = {"TMPDIR": str(temporary), "POSTERN_LOG_LEVEL": "debug"}
    with (
        patch.dict(os.environ, told),
        patch.object(tempfile, "tempdir", str(temporary)),
        logging_to(world.folder / "log" / "prove.log"),
    ):
        yield


async def _seals_nothing(world: World) -> bool:
    """A program that writes in clear, on databases of its own: the sweep must find the one person there."""
    given = Planted.drawn(1, people=1, vehicles=0)
    given.templates.clear()
    (person,) = given.people
    details = PersonDetails(name=person.name, employee_number=person.employee_number)
    with (
        patch.object(xaes.Xaes, "encrypt", lambda key, nonce, plain, associated: plain + bytes(16)),  # noqa: ARG005
        patch.object(xaes.Xaes, "decrypt", lambda key, nonce, sealed, associated: sealed[:-16]),  # noqa: ARG005
    ):
        async with drawn_site(world.clusters["data"]) as site:
            await register.add_person(site.hub, site.admin, details)
            found, _ = swept(world, given)
    return person.name in {one.value for one in found}
