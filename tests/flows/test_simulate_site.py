"""`postern simulate site`: drawn alike from one seed, and every record in the archive once."""

from __future__ import annotations

import json
import subprocess
import sys

from postern.simulation.people import site_script


def test_the_same_seed_draws_the_same_days_and_another_draws_others() -> None:
    assert site_script(seed=1, days=5) == site_script(seed=1, days=5)
    assert site_script(seed=1, days=5) != site_script(seed=2, days=5)


def test_people_pass_as_they_may_and_nothing_is_lost_or_doubled() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postern", "simulate", "site", "--seed", "5", "--days", "2", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    summary = json.loads(done.stdout.splitlines()[-1])
    expected = [one for one in site_script(seed=5, days=2).walks if one.expected]
    assert summary["granted"] == len(expected)
    assert summary["passages"] == summary["granted"] - summary["not_taken"]
    assert (summary["wrong"], summary["lost"], summary["doubled"]) == (0, 0, 0)
    assert summary["denied"] > 0
    assert summary["power_cuts"] > 0
