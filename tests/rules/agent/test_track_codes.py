"""QR codes before a camera: ours alone, each told once while it is in sight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postern.access.decision import CodePresented
from postern.agent.track_codes import CodeTracker

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CODE, OTHER = "P1.first", "P1.second"


def told(tracker: CodeTracker, seconds: float, *texts: str) -> list[str]:
    found = tracker.step(NOON + timedelta(seconds=seconds), 1, texts)
    return [one.presented.value for one in found if isinstance(one.presented, CodePresented)]


def test_nothing_in_sight_says_nothing() -> None:
    assert told(CodeTracker(), 0) == []


def test_a_code_held_still_is_told_once_and_again_after_it_was_away() -> None:
    tracker = CodeTracker()
    assert [told(tracker, second, CODE) for second in range(5)] == [[CODE], [], [], [], []]
    assert told(tracker, 6.5, CODE) == []
    assert told(tracker, 9.5) == []
    assert told(tracker, 9.6, CODE) == [CODE]


def test_two_codes_are_two_and_a_doubled_one_is_one() -> None:
    assert told(CodeTracker(), 0, CODE, OTHER, CODE) == [CODE, OTHER]


def test_what_is_not_ours_says_nothing() -> None:
    assert told(CodeTracker(), 0, "https://example.org", "", "P1." + "x" * 80, "p1.first") == []
