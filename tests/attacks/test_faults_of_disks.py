"""The spool on a disk that fails at a call drawn from a seed: nothing acknowledged is lost or doubled.

POSTERN_FAULT_SEED repeats a run; `make thorough` tries every fault at every call.
"""

from __future__ import annotations

import os
import random
import struct

import pytest

from postern.prove.faults.calls import filter_program
from postern.prove.faults.disk import DiskFault, Harm
from postern.prove.faults.spool_trials import Trial, drawn_faults, every_fault, nursery
from tests.attacks.conftest import Measured

SEED = int(os.environ.get("POSTERN_FAULT_SEED", str(random.SystemRandom().randrange(1_000_000))))


async def tried(faults: int | None, mutant: str = "", harm: Harm | None = None) -> list[Trial]:
    """Trials with faults drawn from the seed; all that there are for None."""
    chance = random.Random(SEED)
    async with nursery() as writers:
        every = every_fault(*await writers.count_calls())
        chosen = [one for one in every if harm in (None, one.harm)]
        drawn = drawn_faults(chosen, len(chosen) if faults is None else faults, chance)
        return [await writers.try_out(one, chance, mutant) for one in drawn]


async def test_nothing_acknowledged_is_lost_or_doubled_on_a_failing_disk(measured: Measured) -> None:
    trials = await tried(15)
    said = sum(one.acknowledged for one in trials)
    measured(f"seed {SEED}: {len(trials)} faults of the spool's disk, {said} acknowledged: 0 lost, 0 doubled")
    assert [str(one) for one in trials if not one.is_sound] == []
    assert all(one.happened for one in trials)


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_or_doubled_whichever_call_fails(measured: Measured) -> None:
    trials = await tried(None)
    said = sum(one.acknowledged for one in trials)
    measured(f"each of {len(trials)} faults of the spool's disk, {said} acknowledged: 0 lost, 0 doubled")
    assert [str(one) for one in trials if not one.is_sound] == []


@pytest.mark.parametrize(("mutant", "harm"), [("unsynced", Harm.CUT), ("early", Harm.KILLED)])
async def test_the_mutants_that_acknowledge_too_early_are_caught(mutant: str, harm: Harm) -> None:
    assert sum(one.lost for one in await tried(16, mutant, harm)) > 0


def test_the_same_seed_draws_the_same_faults_and_another_draws_others() -> None:
    every = every_fault(writes=50, syncs=7)
    drawn = [drawn_faults(every, 20, random.Random(seed)) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {one.harm for one in drawn[0]} == set(Harm)


def test_every_fault_is_each_harm_at_each_call_that_it_can_happen_to() -> None:
    every = every_fault(writes=2, syncs=1)
    assert every[:2] == [DiskFault(harm=Harm.FULL, at=1), DiskFault(harm=Harm.FULL, at=2)]
    assert [sum(one.harm is harm for one in every) for harm in Harm] == [2, 2, 1, 3, 3]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_asks_about_listed_calls_and_allows_the_rest(machine: str) -> None:
    code = list(struct.iter_unpack("=HBBI", filter_program(machine)))
    jumps = [(place, one) for place, one in enumerate(code) if one[0] == 0x15][1:]
    assert len(jumps) == 6
    assert {place + 1 + taken for place, (_, taken, _, _) in jumps} == {len(code) - 1}
    assert [value for kind, _, _, value in code if kind == 0x06] == [0x7FFF0000, 0x7FFF0000, 0x7FC00000]
