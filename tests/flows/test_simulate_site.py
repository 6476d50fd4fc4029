"""`postern simulate site`: drawn alike from one seed; every record once, hours and who is inside right."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date

import pytest

from postern.attendance.model import Anomaly, AnomalyKind, Stretch, WorkDay
from postern.simulation.site_hours import compare
from postern.simulation.site_script import Turn, moment, site_script

DAY = date(2026, 3, 3)
WORKED = Stretch(start=moment(DAY, 8), end=moment(DAY, 12))
ABSENT = Anomaly(kind=AnomalyKind.ABSENT, day=DAY, at=moment(DAY, 8))


def test_the_same_seed_draws_the_same_days_and_another_draws_others() -> None:
    assert site_script(seed=1, days=5) == site_script(seed=1, days=5)
    assert site_script(seed=1, days=5) != site_script(seed=2, days=5)


def test_a_month_has_night_shifts_split_shifts_leavers_absences_phones_and_forgotten_punches() -> None:
    script = site_script(seed=1, days=30)
    assert {one.turn for one in script.people} == set(Turn)
    assert any(one.leaves_at for one in script.people)
    assert not all(one.welcome for one in script.people)
    assert script.absent
    forgotten = [one for one in script.walks if one.unseen]
    assert {one.out for one in forgotten} == {True, False}
    assert any(one.door is None for one in script.walks)


def test_each_stretch_of_work_has_one_beginning_and_one_later_end() -> None:
    script = site_script(seed=3, days=20)
    came = {one.stretch: one.at for one in script.walks if one.stretch is not None and not one.out}
    went = {one.stretch: one.at for one in script.walks if one.stretch is not None and one.out}
    assert len(came) == len(went) == len(script.work)
    assert all(came[number] < went[number] for number in came)


@pytest.mark.parametrize(
    ("minutes", "counted", "wrong"),
    [
        (240, WorkDay(day=DAY, counted=(WORKED,)), (0, 0)),
        (241, WorkDay(day=DAY, counted=(WORKED,)), (1, 0)),
        (240, WorkDay(day=DAY, counted=(WORKED,), anomalies=(ABSENT,)), (0, 1)),
        (240, WorkDay(day=DAY), (1, 0)),
        (240, None, (1, 0)),
    ],
)
def test_a_minute_too_many_or_an_absence_that_is_none_is_wrong(
    minutes: int, counted: WorkDay | None, wrong: tuple[int, int]
) -> None:
    place = (0, DAY)
    found = compare({place: minutes}, frozenset(), {place: counted} if counted is not None else {})
    assert (found.wrong, found.wrong_anomalies) == wrong


def test_an_absence_that_is_not_found_is_wrong() -> None:
    place = (0, DAY)
    assert compare({}, frozenset({place}), {place: WorkDay(day=DAY)}).wrong_anomalies == 1
    absent = WorkDay(day=DAY, anomalies=(ABSENT,))
    assert compare({}, frozenset({place}), {place: absent}).wrong_anomalies == 0


def test_people_pass_as_they_may_their_hours_are_right_and_nothing_is_lost_or_doubled() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postern", "simulate", "site", "--seed", "5", "--days", "3", "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    summary = json.loads(done.stdout.splitlines()[-1])
    script = site_script(seed=5, days=3)
    seen = [one for one in script.walks if one.door is not None and not one.unseen]
    assert summary["granted"] == sum(one.expected for one in seen)
    assert summary["passages"] == summary["granted"] - summary["not_taken"]
    assert (summary["wrong"], summary["lost"], summary["doubled"]) == (0, 0, 0)
    assert (summary["wrong_hours"], summary["wrong_anomalies"], summary["muster_wrong"]) == (0, 0, 0)
    assert summary["punches"] == len(script.work) * 2 - summary["forgotten"]
    assert summary["anomalies"] == summary["forgotten"] + len(script.absent)
    assert min(summary[name] for name in ("denied", "power_cuts", "forgotten", "phone_punches")) > 0
    assert summary["wrong_visits"] == 0
    assert summary["visits"] == len(script.invitations) > 0
    assert summary["musters"] > 0
    assert summary["most_inside"] > 0
