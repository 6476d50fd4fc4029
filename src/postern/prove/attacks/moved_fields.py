"""Stored ciphertexts: bits flipped, and each put into other rows, columns and tenants."""

from __future__ import annotations

import random

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind
from postern.operations import look
from postern.operations.admit import admit
from postern.operations.archive.receive import receive
from postern.prove.model import Outcome, Size
from postern.prove.scratch import DrawnSite, drawn_site
from postern.prove.sealed_fields import flipped_that_open, moved_that_open, of_no_place, unauthenticated
from postern.prove.stored import Field, fields
from postern.prove.world import World
from postern.sealing.envelope import open_sealed

CARDS = tuple(f"0410A1B2C{n}" for n in range(3, 9))


async def moved_fields(world: World, size: Size, chance: random.Random) -> Outcome:
    """Some fields of every sealed column that the demo site and its passages filled."""
    async with drawn_site(world.clusters["data"]) as site:
        await passages(site)
        every = await fields(site.owner, site.hub.keyring, site.demo.tenant)
    columns: dict[tuple[str, str], list[Field]] = {}
    for one in every:
        if one.opened() is not None:
            columns.setdefault((one.table, one.column), []).append(one)
    per_column, most = size.of(2, 4, 12), size.of(400, 4000, 100_000)
    found = [one for kept in columns.values() for one in chance.sample(kept, k=min(per_column, len(kept)))]

    def bits(every_bit: range) -> list[int]:
        return chance.sample(every_bit, k=min(most, len(every_bit)))

    flipped = flipped_that_open(found, open_sealed, bits)
    moved = moved_that_open(found, open_sealed, site.demo.tenant)
    anywhere = of_no_place([one.context for one in found[:8]])
    tried, opened = flipped_that_open(found[:1], unauthenticated)
    caught = tried == opened and moved_that_open(found[:8], anywhere, site.demo.tenant)[1] > 0
    return Outcome(
        tries=flipped[0] + moved[0],
        leaks=flipped[1] + moved[1],
        mutant_caught=caught,
        notes=(f"{len(found)} fields of {len(columns)} columns: {flipped[0]} bits, {moved[0]} moves",),
    )


async def passages(site: DrawnSite) -> None:
    """A few passages with pictures, and somebody who looks at them."""
    policy = await site.agent.policy()
    way_in = next(one.id for one in site.places.access_points if one.name == "Front door, in")
    for number in CARDS:
        presented = CodePresented(kind=CredentialKind.CARD, value=number)
        await admit(
            site.entrance, policy, Request(access_point=way_in, presented=presented), evidence=b"jpeg"
        )
    await receive(site.hub, await site.agent.known(), site.agent.entries, site.agent.pictures)
    await look.wall(site.hub, site.admin, site.demo.site)
    await look.find_people(site.hub, site.admin, text="Bruno")
