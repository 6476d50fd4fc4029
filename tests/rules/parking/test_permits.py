"""Permits: who is covered, and from when one pays whose permit ended meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from postern.errors import BadInput
from postern.parking.permits import Covered, Permit, Uncovered, charged_from, covered
from tests.rules.access.drawn_policy import named_id

WORDS = yaml.safe_load((Path(__file__).parents[2] / "cases" / "parking" / "permits.yaml").read_text("utf-8"))
AT = datetime(2026, 3, 10, tzinfo=UTC)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


PERMITS = [
    Permit(
        id=named_id(name),
        holder=name,
        plates=frozenset(words["plates"]),
        bays=words["bays"],
        valid_from=day(words["from"]),
        valid_until=day(words["until"]) if "until" in words else None,
    )
    for name, words in WORDS["permits"].items()
]


def test_without_permits_nobody_is_covered() -> None:
    assert covered([], ["BAB123"], AT, {}) is Uncovered.NO_PERMIT


def test_a_car_without_a_read_plate_is_not_covered() -> None:
    assert covered(PERMITS, [], AT, {}) is Uncovered.NO_PERMIT
    assert covered(PERMITS, [""], AT, {}) is Uncovered.NO_PERMIT


@pytest.mark.parametrize("case", WORDS["cases"], ids=lambda case: case["name"])
def test_a_car_is_covered_as_written(case) -> None:
    reads = [case["plate"], *([case["also"]] if "also" in case else [])]
    taken = {named_id(name): cars for name, cars in case.get("inside", {}).items()}
    answer = covered(PERMITS, reads, day(case["at"]), taken)
    names = {one.id: one.holder for one in PERMITS}
    assert (names[answer.permit] if isinstance(answer, Covered) else str(answer)) == case["answer"]


def test_who_has_two_permits_uses_the_one_with_a_free_bay() -> None:
    own = Permit(
        id=UUID(int=1), holder="Own", plates=frozenset({"BBR100"}), bays=1, valid_from=AT - timedelta(days=1)
    )
    answer = covered([*PERMITS, own], ["BBR100"], AT, {named_id("Bright Ltd"): 2})
    assert answer == Covered(permit=own.id)


def test_a_permit_that_ends_meanwhile_covers_until_then() -> None:
    ada, entered = PERMITS[0], day("2026-03-31")
    assert charged_from(ada, entered, day("2026-04-01")) is None
    assert charged_from(ada, entered, day("2026-04-02")) == day("2026-04-01")
    assert charged_from(ada, day("2026-04-05"), day("2026-04-06")) == day("2026-04-05")
    assert charged_from(PERMITS[1], entered, day("2030-01-01")) is None


@pytest.mark.parametrize("more", [{"bays": 0}, {"plates": frozenset()}, {"valid_until": AT}])
def test_a_permit_that_can_cover_nothing_is_refused(more) -> None:
    good = {"id": UUID(int=1), "holder": "A", "plates": frozenset({"A1"}), "bays": 1, "valid_from": AT}
    with pytest.raises(BadInput):
        Permit(**(good | more))
