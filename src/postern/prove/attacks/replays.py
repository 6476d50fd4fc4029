"""What was sent once is sent again: agents' requests and batches, payment providers' notices."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from unittest.mock import patch

from postern.errors import CannotVerify
from postern.ids import SiteId
from postern.operations.archive.receive import receive
from postern.operations.sites import agents
from postern.operations.sites.agents import SignedRequest
from postern.parking import store as parking
from postern.parking.ledger import Account
from postern.postgres.pool import Transaction
from postern.prove.attacks.moved_fields import passages
from postern.prove.driven import Driven, driven
from postern.prove.model import Outcome, Size
from postern.prove.scratch import DrawnSite, drawn_site
from postern.prove.world import World


async def replays(world: World, size: Size, chance: random.Random) -> Outcome:
    """Ten times each and in any order: no second effect."""
    rounds = size.of(40, 1000, 10_000)
    async with drawn_site(world.clusters["data"]) as site:
        taken = await _requests(site, rounds, chance)
        more = await _batches(site, rounds, chance)
        garage = await driven(site.hub, site.admin, site.clock)
        booked, fresh = await _notices(site, garage, rounds, chance)
        with patch.object(parking, "note_once", _always):
            mutant, fresh = await _notices(site, garage, 4, chance, first=fresh)
    return Outcome(
        tries=3 * rounds,
        leaks=taken + more + booked,
        mutant_caught=mutant > 0,
        notes=(
            f"{rounds} requests of agents, batches and payment notices each: {taken} taken twice, "
            f"{more} records more, {booked} booked twice",
        ),
    )


async def _requests(site: DrawnSite, rounds: int, chance: random.Random) -> int:
    """An agent's signed requests, unchanged, later, or with another number or path; how many were taken."""
    known = [site.agent.request(f'{{"n": {n}}}'.encode()) for n in range(8)]
    for request in known:
        await agents.verify_request(site.hub, request)
    taken = 0
    for _ in range(rounds):
        first, second = chance.sample(known, k=2)
        changed = chance.choice(
            (
                first,
                replace(first, nonce=second.nonce),
                replace(first, nonce=f"{chance.getrandbits(64):016x}"),
                replace(first, body=second.body),
                replace(first, path="/agent/v1/renew"),
                replace(first, time=(site.hub.clock.now() + timedelta(seconds=1)).isoformat()),
            )
        )
        taken += await _is_taken(site, changed)
    return taken


async def _is_taken(site: DrawnSite, request: SignedRequest) -> bool:
    try:
        await agents.verify_request(site.hub, request)
    except CannotVerify:
        return False
    return True


async def _batches(site: DrawnSite, rounds: int, chance: random.Random) -> int:
    """Parts of what an agent recorded, in any order; how many records there are more than it made."""
    await passages(site)
    known = await site.agent.known()
    before = await _records(site)
    for _ in range(rounds):
        some = chance.sample(site.agent.entries, k=chance.randint(1, len(site.agent.entries)))
        # A batch that goes out again goes with its pictures; a part of it may have lost them on the way.
        whole = len(some) == len(site.agent.entries)
        await receive(site.hub, known, some, site.agent.pictures if whole else ())
    return abs(await _records(site) - before)


async def _records(site: DrawnSite) -> int:
    async with site.owner.transaction() as tx:
        cursor = await tx.execute(
            "SELECT (SELECT count(*) FROM record) + (SELECT count(*) FROM record_quarantine)"
        )
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _notices(
    site: DrawnSite, garage: Driven, rounds: int, chance: random.Random, *, first: int = 0
) -> tuple[int, int]:
    """A provider's notices of a few payments, again and again; what was booked too much, in payments."""
    del site
    wanted = [f"notice-{first + n}" for n in range(4)]
    at = garage.clock.now() - timedelta(hours=1)
    for n, _ in enumerate(wanted):
        await garage.drives(garage.way_in, f"R{first + n:03d}P{first + n:03d}", at + timedelta(minutes=n))
    await garage.send()
    sessions = [one.id for one in (await garage.settle()).sessions.values()][-len(wanted) :]
    before = await _takings(garage)
    for reference, session in zip(wanted, sessions, strict=True):
        await garage.pays(session, 100, reference)
    for _ in range(rounds):
        n = chance.randrange(len(wanted))
        await garage.pays(sessions[n], 100, wanted[n])
    await garage.settle()
    return (await _takings(garage) - before) // 100 - len(wanted), first + len(wanted)


async def _takings(garage: Driven) -> int:
    """Cents that providers are said to have taken."""
    lines = [one for one in await garage.lines() if one.account is Account.PROVIDER_CLEARING]
    return sum(abs(one.amount.amount) for one in lines)


async def _always(tx: Transaction, site: SiteId, tag: bytes, day: date) -> bool:
    """The mutant's fault: a notice that comes twice is noted twice."""
    return (tx, site, tag, day) is not None
