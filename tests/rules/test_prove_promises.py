"""Every section of promises is attacked by `postern prove`, or it says why not; its report can be trusted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postern.errors import BadInput, CannotVerify
from postern.prove.model import Size
from postern.prove.registry import ATTACKS, UNATTACKED
from postern.prove.report import Line, Report, heading, row, signed, verified
from postern.sealing import signing

DOCS = Path(__file__).parents[2] / "docs"
PRIVATE = signing.generate()
LINE = Line(
    attack="kills",
    promises=("Passages",),
    mutant="an agent that lies",
    tries=4,
    leaks=0,
    losses=0,
    mutant_caught=True,
    seconds=1.5,
)
REPORT = Report(
    version="0.1.0", size=Size.QUICK, seed=7, begun_at=datetime(2026, 3, 4, tzinfo=UTC), lines=(LINE,)
)


def sections() -> set[str]:
    text = (DOCS / "threat-model.md").read_text("utf-8")
    return set(re.findall(r"^### (.+)$", text.partition("## The promises")[2], re.MULTILINE))


def test_every_section_of_promises_is_attacked_or_says_why_not() -> None:
    attacked = {section for attack in ATTACKS for section in attack.promises}
    assert attacked | set(UNATTACKED) == sections()
    assert attacked.isdisjoint(UNATTACKED)
    assert all(len(why) > 40 for why in UNATTACKED.values())


def test_every_attack_stands_in_its_document() -> None:
    rows = (DOCS / "prove.md").read_text("utf-8").partition("## The attacks")[2].partition("##")[0]
    stated = re.findall(r"^\| `([\w-]+)` \|.*\| (.+?) \|$", rows, re.MULTILINE)
    assert stated == [(attack.name, attack.mutant) for attack in ATTACKS]


@pytest.mark.parametrize(
    "change",
    [
        {"leaks": 1},
        {"losses": 1},
        {"tries": 0},
        {"mutant_caught": False},
        {"fault": "TimeoutError"},
    ],
)
def test_a_run_holds_only_when_each_attack_was_made_and_would_have_seen(change: dict[str, object]) -> None:
    assert REPORT.is_held
    assert not replace(REPORT, lines=(LINE, replace(LINE, **change))).is_held  # type: ignore[arg-type]
    assert not replace(REPORT, lines=()).is_held


def test_the_table_tells_a_missed_mutant_and_an_attack_that_was_broken_off() -> None:
    assert heading().index("which mutant") == row(LINE).index("an agent that lies")
    assert "MISSED" in row(replace(LINE, mutant_caught=False))
    assert "broken off" in row(replace(LINE, fault="TimeoutError"))


def test_a_report_is_read_back_and_a_changed_or_foreign_one_refused() -> None:
    document = signed(REPORT, PRIVATE)
    public = signing.public_of(PRIVATE)
    assert verified(document, public) == (REPORT, public)
    assert verified(document, None) == (REPORT, public)
    fields = json.loads(document)
    fields["report"]["lines"][0]["leaks"] = 3
    with pytest.raises(CannotVerify):
        verified(json.dumps(fields).encode(), public)
    with pytest.raises(CannotVerify):
        verified(document, signing.public_of(signing.generate()))
    for broken in (b"", b"{}", b"[1]", document[:-20]):
        with pytest.raises(BadInput):
            verified(broken, None)
