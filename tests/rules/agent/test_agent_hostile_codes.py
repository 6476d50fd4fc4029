"""The text of a QR code in view is data: only what has the form of our own codes is presented to a door."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from postern.access.decision import CodePresented
from postern.agent.track_codes import CodeTracker

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
GOOD = "P1.abcdefghijklmnopqrstuv"


@given(st.lists(st.text(max_size=200).map(lambda text: f"P1.{text}") | st.text(max_size=80), max_size=6))
@example(["P1.'; DROP TABLE person; --", "P1.<script>alert(1)</script>", "P1.{0.__class__}", "P1.a\nb"])
@example(["P1." + "a" * 62, "P1.", "P1.%s", "P1.a\u202eb", "P1.ａ", f"{GOOD}\n"])
def test_no_other_text_is_presented(texts: list[str]) -> None:
    for seen in CodeTracker().step(NOON, 1, texts):
        assert isinstance(seen.presented, CodePresented)
        assert re.fullmatch(r"P1\.[A-Za-z0-9_-]{1,61}", seen.presented.value, re.ASCII)


def test_our_own_is() -> None:
    (seen,) = CodeTracker().step(NOON, 1, ["P1.<b>", GOOD])
    assert isinstance(seen.presented, CodePresented)
    assert seen.presented.value == GOOD
