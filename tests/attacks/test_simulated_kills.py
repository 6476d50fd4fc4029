"""The simulated garage's hub is killed at random requests: its books come out as if it never had been."""

from __future__ import annotations

import os
from datetime import date

import pytest

from postern.ids import SiteId
from postern.parking import store
from postern.postgres.pool import Transaction
from postern.simulation.garage import Outcome, Plan, same_books, simulate_garage

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("POSTERN_SIMULATED_KILLS", "12"))
PLAN = {"seed": 5, "days": 1, "bays": 30}


def silent(text: str) -> None:
    """Nobody reads the progress of a test."""


async def always(tx: Transaction, site: SiteId, tag: bytes, day: date) -> bool:
    """The mutant's fault: a payment that is told twice is noted twice."""
    return (tx, site, tag, day) is not None


@pytest.fixture(scope="module")
async def uninterrupted() -> Outcome:
    return await simulate_garage(Plan(**PLAN), silent)


async def test_a_hub_that_is_killed_again_and_again_keeps_the_same_books(uninterrupted: Outcome) -> None:
    killed = await simulate_garage(Plan(**PLAN, kills=KILLS), silent)
    assert killed.killed == KILLS
    assert same_books(uninterrupted, killed) == []
    assert killed.summary.wrong_charges == 0
    assert killed.summary.accounted


async def test_a_hub_that_notes_payments_as_often_as_it_is_told_is_found_out(
    uninterrupted: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "note_once", always)
    mutant = await simulate_garage(Plan(**PLAN), silent)
    assert uninterrupted.summary.counted["repeated notices"] > 0
    assert same_books(uninterrupted, mutant) != []
    assert not mutant.summary.accounted
