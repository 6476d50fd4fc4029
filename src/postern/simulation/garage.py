"""`postern simulate garage`: a garage at work for some days, and its books held against the truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from random import Random
from zoneinfo import ZoneInfo

import httpx

from postern.money import Money
from postern.simulation.garage_books import books_of, furnish
from postern.simulation.garage_hub import GarageHub, LocalHub
from postern.simulation.garage_killed import RemoteHub, killed_hub
from postern.simulation.garage_play import GaragePlay
from postern.simulation.garage_rules import TIME_ZONE, Truth
from postern.simulation.garage_script import GarageScript, garage_script
from postern.simulation.garage_summary import BooksView, Found, GarageSummary, compared, summed
from postern.simulation.hub_process import Nursery
from postern.simulation.stage import Setting, premises, stage

Say = Callable[[str], None]
FIRST = date(2026, 3, 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to play. `kills`: how often the hub dies meanwhile."""

    seed: int
    days: int
    bays: int
    kills: int = 0

    def script(self) -> GarageScript:
        """What happens."""
        return garage_script(
            seed=self.seed, days=self.days, bays=self.bays, first=FIRST, time_zone=ZoneInfo(TIME_ZONE)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A run: its summary, every stay beside its books, and how often the hub was killed."""

    summary: GarageSummary
    found: tuple[Found, ...]
    books: BooksView
    killed: int


async def simulate_garage(plan: Plan, say: Say) -> Outcome:
    """Play it. Raises PosternError when the stage cannot be set."""
    began = datetime.now(UTC)
    script = plan.script()
    say(f"{len(script.stays)} vehicles in {plan.days} days, {plan.bays} bays, {len(script.permits)} permits")
    async with premises(start=script.start, time_zone=TIME_ZONE, name="Simulated garage") as setting:
        lanes = await furnish(setting.where, script)
        async with _hub(setting, plan, script) as (hub, way), stage(setting, way.transport) as played:
            play = GaragePlay(played, hub, script, lanes, say)
            await play.run()
        books = await books_of(setting.where, script)
    found = compared(play.fates, Truth(script, play.fates), books)
    seconds = (datetime.now(UTC) - began).total_seconds()
    summary = summed(
        found,
        books,
        counted=play.counted,
        seed=plan.seed,
        days=plan.days,
        bays=plan.bays,
        seconds=seconds,
    )
    for line in told(summary):
        say(line)
    return Outcome(summary=summary, found=tuple(found), books=books, killed=way.killed())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    transport: httpx.AsyncBaseTransport | None
    killed: Callable[[], int]


@asynccontextmanager
async def _hub(setting: Setting, plan: Plan, script: GarageScript) -> AsyncIterator[tuple[GarageHub, _Way]]:
    where = setting.where
    if not plan.kills:
        yield LocalHub(where.services, where.tenant, where.site), _Way(transport=None, killed=lambda: 0)
        return
    told = Nursery(
        data=str(setting.settings.data),
        handover=json.dumps(asdict(setting.handover)),
        clock=str(setting.clock_file),
        socket=str(setting.clock_file.with_name("hub")),
        tenant=where.tenant,
        site=where.site,
    )
    # Every stay brings more than three requests; those of the last hours are left alone.
    span = range(20, 3 * len(script.stays))
    draw = Random(f"kills/{plan.seed}")  # noqa: S311 - a simulation, not a secret
    kills = draw.sample(span, min(plan.kills, len(span)))
    async with killed_hub(told, kills=kills) as way:
        yield RemoteHub(way), _Way(transport=way, killed=lambda: way.killed)


def same_books(one: Outcome, other: Outcome) -> list[str]:
    """In what two runs of one script differ, in words; nothing where their books are the same."""
    differences = [
        f"stay {a.fate.stay.number}: {_of(a)} and {_of(b)}"
        for a, b in zip(one.found, other.found, strict=True)
        if _of(a) != _of(b)
    ]
    for name, a, b in (
        ("ledger", one.books.ledger, other.books.ledger),
        ("cases", _cases(one), _cases(other)),
    ):
        differences += [f"{name}: {line}" for line in sorted(set(a) ^ set(b), key=str)]
        differences += [f"{name}: not as many lines"] if len(a) != len(b) else []
    return differences


def _of(found: Found) -> tuple[object, ...]:
    return found.due, found.taken, found.charged, found.listed, found.fate.entered_at, found.fate.left_at


def _cases(outcome: Outcome) -> list[str]:
    counted = Counter((case.kind.value, case.state.value) for case in outcome.books.cases)
    return [f"{kind} {state} {number}" for (kind, state), number in sorted(counted.items())]


def told(summary: GarageSummary) -> list[str]:
    """The summary in words."""
    balanced = "balanced" if summary.ledger_balanced else "NOT balanced"
    return [
        f"{summary.stays} stays, {summary.settled_without_person:.2%} of them settled without a person",
        f"{summary.cases} times a person was needed, {summary.open_cases} cases are open",
        f"takings {_euros(summary.takings)}, open cases {_euros(summary.open_cases_value)},"
        f" truth {_euros(summary.true_takings)}; the ledger is {balanced}",
        f"{summary.wrong_charges} wrong charges",
    ]


def _euros(amount: int) -> str:
    return Money(amount, "EUR").text()
