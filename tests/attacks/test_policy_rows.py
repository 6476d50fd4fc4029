"""Rows of policies changed, forged or rolled back in the database: an agent opens no door by any of them.

`postern prove` writes the same rows into the database, and has the agent fetch them from there.
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice

import pytest

from postern.agent import bundle as bundle_module
from postern.agent.bundle import BundleStore
from postern.errors import PosternError
from postern.ids import AgentId
from postern.postgres.embedded import Cluster
from postern.prove.attacks.policy_rows import bundles_of
from postern.prove.policy_rows import Loot, loot
from postern.prove.scratch import drawn_site

TRIES, SEED = 10_000, 17


@pytest.fixture(scope="module")
async def got(cluster: Cluster) -> Loot:
    async with drawn_site(cluster) as site:
        return await loot(site)


def opened(got: Loot, bundles: BundleStore, tries: int) -> int:
    """How often the thief's card opens the door after a row was offered to the agent."""
    return sum(got.opens(bundles, row) for row in islice(got.drawn(random.Random(SEED)), tries))


async def test_rows_that_were_changed_forged_or_rolled_back_open_no_door(got: Loot) -> None:
    with bundles_of(got) as bundles:
        assert opened(got, bundles, TRIES) == 0
        in_force = bundles.policy
    assert in_force is not None
    assert in_force.version == got.in_force.version


async def test_the_attack_catches_an_agent_that_does_not_check_the_signature(
    got: Loot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bundles_of(got) as bundles:
        monkeypatch.setattr(bundle_module, "verify", lambda *_, **__: None)
        assert opened(got, bundles, len(got.rows)) > 0


async def test_the_attack_catches_an_agent_that_forgets_which_version_it_had(got: Loot) -> None:
    with bundles_of(got, newest=False) as forgetful:
        assert opened(got, forgetful, len(got.rows)) > 0


async def test_an_agent_of_another_number_takes_no_row_of_this_one(got: Loot) -> None:
    other = replace(got.identity, agent=AgentId(got.identity.agent + 1))
    with bundles_of(got, newest=False) as bundles, pytest.raises(PosternError):
        bundles.accept(other, got.in_force)
