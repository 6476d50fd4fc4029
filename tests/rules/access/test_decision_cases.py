"""The cases that a facility manager can read, decided."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from postern.access.decision import CodePresented, PlatePresented, Request, decide
from postern.access.lanes import Clearance, Standing
from postern.access.model import CredentialKind
from tests.rules.access.drawn_policy import Words, moment, point, policy_of

FOLDER = Path(__file__).parents[2] / "cases" / "access"
FILES = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
CASES = [pytest.param(words, case, id=case["name"]) for words in FILES for case in words["cases"]]


def at_door(words: Words, case: Words) -> Request:
    card = case.get("card") or words["holders"][case["who"]]["card"]
    return Request(
        access_point=point(case.get("door", "front")),
        presented=CodePresented(kind=CredentialKind.CARD, value=card),
    )


def at_lane(case: Words) -> Request:
    hub = case.get("hub")
    return Request(
        access_point=point(case["lane"]),
        presented=PlatePresented(text=case["plate"], score=case["score"]),
        standing=Standing(clearance=Clearance(hub) if hub else None, waited=case.get("waited", 0)),
    )


@pytest.mark.parametrize(("words", "case"), CASES)
def test_a_case_is_decided_as_written(words: Words, case: Words) -> None:
    policy = policy_of(words)
    request = at_lane(case) if "lane" in case else at_door(words, case)
    decision = decide(request, policy, moment(case["at"], words["site"]["time_zone"]))
    assert decision.reason == case["answer"]
