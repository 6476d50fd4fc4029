"""The cases that a facility manager can read, decided."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from postern.access.decision import CodePresented, Request, decide
from postern.access.model import CredentialKind
from tests.rules.access.drawn_policy import Words, moment, point, policy_of

FOLDER = Path(__file__).parents[2] / "cases" / "access"
FILES = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
CASES = [pytest.param(words, case, id=case["name"]) for words in FILES for case in words["cases"]]


@pytest.mark.parametrize(("words", "case"), CASES)
def test_a_case_is_decided_as_written(words: Words, case: Words) -> None:
    policy = policy_of(words)
    card = case.get("card") or words["holders"][case["who"]]["card"]
    request = Request(
        access_point=point(case.get("door", "front")),
        presented=CodePresented(kind=CredentialKind.CARD, value=card),
    )
    decision = decide(request, policy, moment(case["at"], words["site"]["time_zone"]))
    assert decision.reason == case["answer"]
