"""Who was where, from a full dump: by chance across sites, by habit within one (docs/linkage.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.attacks.conftest import Measured
from tests.attacks.linkage import (
    Dump,
    Outcome,
    World,
    across_sites,
    dump,
    site_day_tags,
    stable_pseudonyms,
    within_a_site,
)

pytestmark = pytest.mark.slow

WORLD = World()
PROMISE = 0.01
PUBLISHED = (Path(__file__).parents[2] / "docs" / "linkage.md").read_text("utf-8")


@pytest.fixture(scope="module")
def archive() -> Dump:
    """20 sites, 30 days, 8,000 vehicles, under the archive's own tags."""
    return dump(WORLD, site_day_tags(WORLD))


def figure(row: str) -> float:
    """The percentage that the documentation gives in the row of its table that begins so."""
    found = re.search(rf"^\| {re.escape(row)} \|.*?([0-9.]+) % \|$", PUBLISHED, re.MULTILINE)
    assert found, f"docs/linkage.md has no row {row!r}"
    return float(found[1])


def said(outcome: Outcome) -> str:
    return f"{outcome.right:.1%} of {outcome.targets} (chance {outcome.chance:.1%})"


def test_across_sites_a_dump_tells_no_more_than_chance_and_a_point(archive: Dump, measured: Measured) -> None:
    outcome = across_sites(WORLD, archive)
    measured(f"linkage across sites: {said(outcome)}")
    assert outcome.targets == 500
    assert outcome.right <= outcome.chance + PROMISE


def test_the_attack_catches_stable_pseudonyms(measured: Measured) -> None:
    outcome = across_sites(WORLD, dump(WORLD, stable_pseudonyms(WORLD)))
    measured(f"linkage across sites, mutant with one pseudonym a vehicle: {said(outcome)}")
    assert outcome.right > 0.9


@pytest.mark.parametrize("known_days", [1, 5, 30])
def test_within_a_site_habit_speaks_and_its_figure_is_published(
    archive: Dump, known_days: int, measured: Measured
) -> None:
    outcome = within_a_site(WORLD, archive, known_days=known_days)
    measured(f"linkage within a site, {known_days} days known: {said(outcome)}")
    assert figure(f"within a site, {known_days} known days") == pytest.approx(100 * outcome.right, abs=3)


def test_whoever_keeps_their_hours_at_every_site_is_linked_by_them_and_that_is_published(
    measured: Measured,
) -> None:
    world = World(habit_travels=True)
    outcome = across_sites(world, dump(world, site_day_tags(world)))
    measured(f"linkage across sites, the same hours kept everywhere: {said(outcome)}")
    assert figure("across sites, the same hours kept everywhere") == pytest.approx(100 * outcome.right, abs=3)
