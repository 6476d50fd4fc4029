"""What is drawn for a simulated garage: the same for one seed, and as often as it says."""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random
from zoneinfo import ZoneInfo

import pytest

from postern.simulation.garage_rules import TIME_ZONE
from postern.simulation.garage_script import GarageScript, garage_script
from postern.simulation.readings import Rates, misread, plate, read
from postern.vehicles.grammars import match


def month(seed: int, bays: int = 200) -> GarageScript:
    return garage_script(seed=seed, days=30, bays=bays, first=date(2026, 3, 2), time_zone=ZoneInfo(TIME_ZONE))


def test_one_seed_draws_one_month_and_another_seed_another() -> None:
    assert month(1, bays=40) == month(1, bays=40)
    assert month(1, bays=40) != month(2, bays=40)


def test_a_month_of_200_bays_has_its_share_of_everything_that_goes_wrong() -> None:
    script = month(1)
    looks = [(look.first, one.plate) for one in script.stays for look in (one.entry, one.exit)]
    wrong = sum(bool(reading.text) and reading.text != text for reading, text in looks)
    missed = sum(not reading.text for reading, _ in looks)
    clones = sum(one.is_clone for one in script.stays)
    assert len(script.stays) > 5000
    assert 0.03 <= wrong / len(looks) <= 0.045
    assert 0.008 <= missed / len(looks) <= 0.013
    assert 0.003 <= clones / len(script.stays) <= 0.007
    assert script.hub_outages
    assert script.power_cuts
    assert script.payment_outages
    assert {one.mishap for one in script.stays} > {None}


def test_a_vehicle_is_inside_once_unless_it_is_a_clone_and_the_garage_is_never_overfull() -> None:
    script = month(3, bays=60)
    inside: Counter[str] = Counter()
    happenings = [(one.arrives, 1, one) for one in script.stays] + [
        (one.wants_out, -1, one) for one in script.stays
    ]
    for _, by, one in sorted(happenings, key=lambda it: (it[0], it[1])):
        if not one.is_clone:
            inside[one.plate] += by
            assert inside[one.plate] <= 1
        assert inside.total() <= script.bays + 1


@pytest.mark.parametrize("country", ["DE", "PL", "NL", "FR", "AT", "CZ"])
def test_a_drawn_plate_is_one_that_its_country_issues(country: str) -> None:
    draw = Random(1)
    for _ in range(20):
        text = plate(draw, country)
        assert country in {one.country for one in match(text)}


def test_a_misread_differs_and_a_right_reading_is_the_plate() -> None:
    draw = Random(2)
    misreads = [misread(draw, "BXY1234") for _ in range(500)]
    assert sum(one != "BXY1234" for one in misreads) > 490
    assert all(5 <= len(one) <= 9 for one in misreads)
    never = Rates(misread=0, missed=0, unsure_right=0)
    assert {read(draw, "BXY1234", never).text for _ in range(50)} == {"BXY1234"}
