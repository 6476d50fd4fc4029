"""When somebody works here: days that may not overlap, and the minute at which doors stop opening to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.errors import BadInput, Conflict, NotFound
from postern.ids import EmploymentId, PersonId, new_id
from postern.people.employment import (
    Employment,
    Employments,
    Terms,
    access_spans,
    employment_of,
    has_left,
    with_employment,
    within,
    without_employment,
)
from postern.spans import ALWAYS, Span

BERLIN = ZoneInfo("Europe/Berlin")
MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


def employment(first: date, last: date | None = None, until: time | None = None) -> Employment:
    return employment_of(EmploymentId(new_id()), Terms(first=first, last=last, until=until), BERLIN)


def nobody() -> Employments:
    return Employments(person=PersonId(new_id()))


def test_without_an_employment_there_is_no_end_by_one() -> None:
    assert access_spans(()) == ()
    assert within(ALWAYS, ()) == ()
    assert not has_left((), datetime(2026, 5, 1, tzinfo=UTC))
    assert nobody().on(MAY) is None


def test_access_ends_at_the_midnight_after_the_last_day_by_the_sites_clock() -> None:
    assert employment(MAY, date(2026, 5, 31)).ends_at == datetime(2026, 5, 31, 22, tzinfo=UTC)


def test_or_at_the_minute_of_it() -> None:
    left = employment(MAY, date(2026, 5, 31), time(16, 30))
    assert left.ends_at == datetime(2026, 5, 31, 14, 30, tzinfo=UTC)
    (span,) = access_spans([left])
    assert span.contains(datetime(2026, 5, 31, 14, 29, 59, tzinfo=UTC))
    assert not span.contains(datetime(2026, 5, 31, 14, 30, tzinfo=UTC))
    assert has_left([span], datetime(2026, 5, 31, 14, 30, tzinfo=UTC))


def test_the_night_on_which_clocks_go_back_ends_at_its_own_midnight() -> None:
    assert employment(MAY, date(2026, 10, 24)).ends_at == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert employment(MAY, date(2026, 10, 25)).ends_at == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_between_two_employments_access_rests() -> None:
    first, second = employment(MAY, date(2026, 5, 31)), employment(JULY)
    spans = access_spans([second, first])
    assert [span.end for span in spans] == [first.ends_at, None]
    assert not any(span.contains(datetime(2026, 6, 15, tzinfo=UTC)) for span in spans)
    assert not has_left(spans, datetime(2026, 6, 15, tzinfo=UTC))


def test_one_that_follows_at_once_leaves_no_gap() -> None:
    assert access_spans([employment(MAY, date(2026, 5, 31)), employment(JUNE)]) == (ALWAYS,)


def test_days_that_overlap_are_a_conflict() -> None:
    known = with_employment(nobody(), employment(MAY, JUNE))
    with pytest.raises(Conflict, match="overlap"):
        with_employment(known, employment(JUNE))
    assert len(with_employment(known, employment(date(2026, 6, 2))).every) == 2


def test_one_that_is_changed_does_not_overlap_itself() -> None:
    before = employment(MAY)
    known = with_employment(nobody(), before)
    after = employment_of(before.id, Terms(first=MAY, last=JUNE), BERLIN)
    assert with_employment(known, after).every == (after,)
    assert without_employment(known, before.id).every == ()
    with pytest.raises(NotFound):
        without_employment(known, EmploymentId(new_id()))


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        (Terms(first=JUNE, last=MAY), "before the first"),
        (Terms(first=date(1826, 5, 1)), "slip"),
        (Terms(first=MAY, until=time(16)), "last day beside it"),
        (Terms(first=MAY, occupation="x" * 201), "too long"),
        (Terms(first=MAY, pay_profile="US; DROP"), "pay profile"),
    ],
)
def test_impossible_terms_are_refused_in_words(terms: Terms, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        employment_of(EmploymentId(new_id()), terms, BERLIN)


INSTANTS = st.floats(0, 365).map(lambda day: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day))


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=5),
    st.none() | INSTANTS,
    st.none() | INSTANTS,
    INSTANTS,
)
def test_nothing_is_ever_wider_than_what_was_granted_or_employed(
    drawn: list[tuple[int, int]], start: datetime | None, end: datetime | None, at: datetime
) -> None:
    if start is not None and end is not None and end < start:
        start, end = end, start
    granted, known = Span(start=start, end=end), nobody()
    for offset, length in drawn:
        first = date(2026, 1, 1) + timedelta(days=offset)
        try:
            known = with_employment(known, employment(first, first + timedelta(days=length)))
        except Conflict:
            continue
    spans = access_spans(known.every)
    inside = any(one.contains(at) for one in within(granted, spans))
    assert inside == (granted.contains(at) and any(one.contains(at) for one in spans))
