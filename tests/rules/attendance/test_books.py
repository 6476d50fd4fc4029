"""A month's book is the same in whatever order entries are taken, and however often."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from postern.attendance.books import Approval, Decided, Entry, MonthBook, month_of, months_about
from postern.attendance.model import (
    Correction,
    CorrectionDeed,
    CorrectionState,
    Direction,
    Punch,
    PunchSource,
)
from postern.attendance.sealed import open_month, seal_month
from postern.ids import AccessPointId, PersonId, SiteId, TenantId
from postern.sealing.envelope import Key

ANNA, SITE, MARCH = PersonId(UUID(int=1)), SiteId(3), date(2026, 3, 1)
EMPTY = MonthBook(site=SITE, person=ANNA, month=MARCH)
START = datetime(2026, 3, 2, 7, tzinfo=UTC)

moments = st.integers(0, 28 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
ids = st.integers(1, 12).map(lambda number: UUID(int=number))
punches = st.builds(
    Punch,
    id=ids,
    at=moments,
    direction=st.sampled_from(Direction),
    source=st.sampled_from(PunchSource),
    site=st.just(SITE),
    point=st.none() | ids.map(AccessPointId),
    device_at=st.none() | moments,
    received_at=st.none() | moments,
)
corrections = st.builds(
    Correction,
    id=ids,
    person=st.just(ANNA),
    day=st.just(date(2026, 3, 5)),
    deed=st.sampled_from(CorrectionDeed),
    reason=st.text(max_size=20),
    by=ids,
    asked_at=moments,
    punch=st.none() | ids,
    at=st.none() | moments,
)
decisions = st.builds(
    Decided,
    correction=ids,
    day=st.just(date(2026, 3, 5)),
    state=st.sampled_from([CorrectionState.APPROVED, CorrectionState.REFUSED]),
    by=ids,
    at=moments,
)
approvals = st.builds(Approval, month=st.just(MARCH), hours=ids, by=ids, at=moments)


def of_one_id(entries: list[Entry]) -> list[Entry]:
    """One punch and one correction of each id: a record never says two things."""
    seen: set[tuple[str, UUID]] = set()
    kept: list[Entry] = []
    for one in entries:
        key = (type(one).__name__, one.id) if isinstance(one, Punch | Correction) else None
        if key is None or key not in seen:
            kept.append(one)
        seen |= {key} if key is not None else set()
    return kept


@given(st.lists(punches | corrections | decisions | approvals, max_size=12).map(of_one_id), st.integers())
def test_neither_order_nor_repetition_changes_a_book(entries: list[Entry], seed: int) -> None:
    plain = EMPTY.taking(entries)
    shuffled = random.Random(seed).sample(entries, len(entries))
    again = EMPTY.taking(shuffled[: len(shuffled) // 2]).taking(shuffled).taking(entries)
    assert again == plain


@given(st.lists(punches | corrections | decisions | approvals, max_size=8))
def test_a_sealed_month_opens_equal(entries: list[Entry]) -> None:
    key, id = Key(id=bytes(8), secret=bytes(32)), UUID(int=9)
    book = EMPTY.taking(entries)
    sealed = seal_month(book, tenant=TenantId(1), id=id, movement=key)
    assert open_month(sealed, tenant=TenantId(1), id=id, movement=key) == book


def test_the_first_decision_about_a_correction_holds() -> None:
    asked = Correction(
        id=UUID(int=1),
        person=ANNA,
        day=date(2026, 3, 5),
        deed=CorrectionDeed.EXCUSE,
        reason="ill",
        by=ANNA,
        asked_at=START,
    )
    first, second = [
        Decided(
            correction=asked.id,
            day=asked.day,
            state=state,
            by=UUID(int=number),
            at=START + timedelta(hours=number),
        )
        for number, state in ((2, CorrectionState.REFUSED), (3, CorrectionState.APPROVED))
    ]
    for order in ([asked, first, second], [second, first, asked]):
        (found,) = EMPTY.taking(order).corrections
        assert found.state is CorrectionState.REFUSED
        assert found.decided_by == UUID(int=2)


def test_an_entry_lies_in_the_book_of_its_month() -> None:
    late = Punch(
        id=UUID(int=1),
        at=datetime(2026, 4, 1, 0, 30, tzinfo=UTC),
        direction=Direction.OUT,
        source=PunchSource.CARD,
        site=SITE,
    )
    assert month_of(late) == date(2026, 4, 1)
    assert months_about(date(2026, 3, 1), date(2026, 3, 31)) == (
        date(2026, 2, 1),
        date(2026, 3, 1),
        date(2026, 4, 1),
    )
    assert months_about(date(2026, 12, 28), date(2027, 1, 3)) == (
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
    )
