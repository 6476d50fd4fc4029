"""Run the attacks on a throw-away hub of real processes, one after the other."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import psycopg

from postern import __version__
from postern.errors import PosternError
from postern.prove.model import Attack, Outcome, Size
from postern.prove.report import Line, Report, heading, row
from postern.prove.world import World, world

Say = Callable[[str], None]


def drawn_seed() -> int:
    """A fresh one; it is printed, so that the run can be replayed."""
    return random.SystemRandom().randrange(1 << 48)


async def run(attacks: Sequence[Attack], size: Size, seed: int, say: Say) -> Report:
    """Make every attack, and say what came of each as soon as it is known."""
    begun = datetime.now(UTC)
    say(f"postern prove, size {size.value}, seed {seed}: {len(attacks)} attacks on a throw-away hub")
    say(heading())
    lines = []
    async with world("postern-prove-") as made:
        for attack in attacks:
            line = await _one(made, attack, size, seed)
            lines.append(line)
            say(row(line))
            for note in line.notes if line.is_held else (*line.notes, *([line.fault] if line.fault else [])):
                say(f"    {note}")
    return Report(version=__version__, size=size, seed=seed, begun_at=begun, lines=tuple(lines))


async def _one(made: World, attack: Attack, size: Size, seed: int) -> Line:
    """Each attack draws from the seed and its own name: it is the same alone as among others."""
    started = time.monotonic()
    fault = None
    try:
        outcome = await attack.run(made, size, random.Random(f"{seed} {attack.name}"))
    except (PosternError, AssertionError, OSError, TimeoutError, psycopg.Error) as broken:
        fault = _told(broken)
        outcome = Outcome(tries=0, mutant_caught=False)
    return Line(
        attack=attack.name,
        promises=attack.promises,
        mutant=attack.mutant,
        tries=outcome.tries,
        leaks=outcome.leaks,
        losses=outcome.losses,
        mutant_caught=outcome.mutant_caught,
        seconds=round(time.monotonic() - started, 1),
        notes=outcome.notes,
        fault=fault,
    )


def _told(broken: Exception) -> str:
    """What broke an attack off, and where in the attack's own code."""
    within = [one for one in traceback.extract_tb(broken.__traceback__) if "/prove/" in one.filename]
    place = f" at {within[-1].name}, line {within[-1].lineno}: {within[-1].line}" if within else ""
    return f"{type(broken).__name__}{place}: {broken}"[:500]
