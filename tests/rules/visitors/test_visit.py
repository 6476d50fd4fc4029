"""What may become of a visit, and when its code opens a door."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.access.model import CredentialKind, SubjectKind
from postern.errors import BadInput, Conflict
from postern.spans import Span
from postern.visitors import visit as rules
from postern.visitors.model import Sighting, VisitRules, VisitState, checked_visit
from tests.rules.visitors.drawn_visits import DETAILS, HOUR, LEVEL, NINE, TERMS, visit

ASKED = visit(state=VisitState.ASKED)


def came(hours: float) -> Sighting:
    return Sighting(at=NINE + hours * HOUR, out=False)


def went(hours: float) -> Sighting:
    return Sighting(at=NINE + hours * HOUR, out=True)


def test_a_visit_that_is_ready_opens_its_level_in_its_time_and_nothing_else() -> None:
    held = rules.holding_of(visit())
    (code,) = held.credentials
    (grant,) = held.grants
    assert (held.kind, code.kind, code.value) == (SubjectKind.VISIT, CredentialKind.QR, "P1.drawn")
    assert (grant.level, grant.valid, code.valid) == (LEVEL, DETAILS.valid, DETAILS.valid)


@pytest.mark.parametrize("state", [one for one in VisitState if one.is_end or one is VisitState.ASKED])
def test_a_visit_that_is_over_or_not_approved_holds_nothing(state: VisitState) -> None:
    held = rules.holding_of(visit(state=state))
    assert (held.credentials, held.grants) == ((), ())


def test_what_must_be_signed_and_is_not_opens_nothing() -> None:
    unsigned = visit(terms_needed=2)
    assert rules.holding_of(unsigned).credentials == ()
    done = rules.signed(unsigned, TERMS, language="zh", name=" Mei  Tanaka ", at=NINE)
    assert done.signed is not None
    assert (done.signed.number, done.signed.name) == (2, "Mei Tanaka")
    assert done.signed.digest == hashlib.sha256("请保持安静。".encode()).digest()
    assert rules.holding_of(done).credentials != ()


def test_other_terms_than_those_of_the_visit_are_not_signed() -> None:
    with pytest.raises(Conflict, match="have changed"):
        rules.signed(visit(terms_needed=1), TERMS, language="en", name="Mei", at=NINE)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_signature_is_a_name(name: str) -> None:
    with pytest.raises(BadInput):
        rules.signed(visit(terms_needed=2), TERMS, language="en", name=name, at=NINE)


def test_nothing_is_signed_twice_or_without_need() -> None:
    with pytest.raises(Conflict):
        rules.signed(visit(), TERMS, language="en", name="Mei", at=NINE)


def test_the_host_decides_once() -> None:
    approved = rules.approved(ASKED, by="host", at=NINE)
    assert (approved.state, approved.decided_by) == (VisitState.EXPECTED, "host")
    refused = rules.refused(ASKED, by="host", at=NINE)
    assert refused.state is VisitState.REFUSED
    for decided in (approved, refused):
        for again in (rules.approved, rules.refused):
            with pytest.raises(Conflict):
                again(decided, by="host", at=NINE)


def test_an_answer_that_comes_after_the_time_lets_nobody_in() -> None:
    with pytest.raises(Conflict, match="over"):
        rules.approved(ASKED, by="host", at=NINE + 9 * HOUR)


def test_whoever_is_inside_cannot_be_cancelled() -> None:
    assert rules.cancelled(visit(), by="admin", at=NINE).state is VisitState.CANCELLED
    with pytest.raises(Conflict):
        rules.cancelled(visit(state=VisitState.INSIDE), by="admin", at=NINE)


def test_seeing_nothing_changes_nothing() -> None:
    assert rules.seen(visit(), []) == visit()


def test_the_first_way_in_is_the_arrival_and_the_next_way_out_ends_the_visit() -> None:
    inside = rules.seen(visit(), [came(1), came(2)])
    assert (inside.state, inside.arrived_at, inside.left_at) == (VisitState.INSIDE, NINE + HOUR, None)
    gone = rules.seen(inside, [came(1), came(2), went(3), went(4)])
    assert (gone.state, gone.left_at, gone.ended_at) == (VisitState.LEFT, NINE + 3 * HOUR, NINE + 3 * HOUR)


def test_whoever_slipped_in_unseen_has_left_when_seen_leaving() -> None:
    gone = rules.seen(visit(), [went(3)])
    assert (gone.state, gone.arrived_at, gone.left_at) == (VisitState.LEFT, None, NINE + 3 * HOUR)


def test_a_visit_missed_by_the_clock_is_put_right_by_a_late_record() -> None:
    missed = rules.over(visit(), NINE + 9 * HOUR)
    assert (missed.state, missed.ended_at) == (VisitState.MISSED, NINE + 8 * HOUR)
    assert rules.seen(missed, [came(1)]).state is VisitState.INSIDE


def test_time_ends_no_visit_of_somebody_inside() -> None:
    inside = rules.seen(visit(), [came(1)])
    assert rules.over(inside, NINE + 30 * HOUR) == inside
    assert rules.is_overdue(inside, NINE + 8 * HOUR)
    assert not rules.is_overdue(inside, NINE + 7 * HOUR)


def test_the_leaving_can_be_stated_where_nobody_saw_it() -> None:
    inside = rules.seen(visit(), [came(1)])
    told = rules.stated(inside, Sighting(at=NINE + 5 * HOUR, out=True, by="guard"))
    assert rules.seen(told, [came(1)]).state is VisitState.LEFT
    with pytest.raises(Conflict):
        rules.stated(rules.seen(told, [came(1)]), Sighting(at=NINE, out=True, by="guard"))


@pytest.mark.parametrize("state", [VisitState.ASKED, VisitState.REFUSED, VisitState.CANCELLED])
def test_nobody_arrives_for_a_visit_that_is_not_to_be(state: VisitState) -> None:
    with pytest.raises(Conflict):
        rules.stated(visit(state=state), came(1))
    assert rules.seen(visit(state=state), [came(1)]).state is state


SIGHTINGS = st.lists(
    st.builds(
        Sighting,
        at=st.integers(-60, 600).map(lambda minutes: NINE + timedelta(minutes=minutes)),
        out=st.booleans(),
    ),
    max_size=12,
)


@given(SIGHTINGS, st.randoms())
def test_the_order_in_which_records_arrive_says_nothing(every: list[Sighting], chance: random.Random) -> None:
    shuffled = list(every)
    chance.shuffle(shuffled)
    assert rules.seen(visit(), shuffled) == rules.seen(visit(), every)


@given(SIGHTINGS, st.integers(0, 12))
def test_seeing_a_part_first_and_all_of_it_later_ends_the_same(every: list[Sighting], cut: int) -> None:
    assert rules.seen(rules.seen(visit(), every[:cut]), every) == rules.seen(visit(), every)


@given(SIGHTINGS)
def test_seeing_it_again_changes_nothing(every: list[Sighting]) -> None:
    once = rules.seen(visit(), every)
    assert rules.seen(once, every) == once


@given(SIGHTINGS)
def test_nobody_leaves_before_they_came_and_whoever_left_opens_nothing(every: list[Sighting]) -> None:
    found = rules.seen(visit(), every)
    if found.arrived_at is not None and found.left_at is not None:
        assert found.arrived_at <= found.left_at
    if found.state is VisitState.LEFT:
        assert rules.holding_of(found).grants == ()


def test_a_visit_is_kept_for_its_days_after_its_end_and_no_longer() -> None:
    here = VisitRules(site=DETAILS.site, kept_days=30)
    gone = rules.seen(visit(), [came(1), went(2)])
    end = NINE + 2 * HOUR
    assert rules.is_kept(gone, here, end + timedelta(days=30) - timedelta(seconds=1))
    assert not rules.is_kept(gone, here, end + timedelta(days=30))


def test_whoever_was_never_seen_leaving_is_not_kept_for_ever() -> None:
    inside = rules.seen(visit(), [came(1)])
    assert not rules.is_kept(inside, VisitRules(site=DETAILS.site, kept_days=1), NINE + 33 * HOUR)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 201}, "too long"),
        ({"valid": Span(start=NINE)}, "beginning"),
        ({"valid": Span(start=NINE, end=NINE)}, "beginning"),
        ({"valid": Span(start=NINE, end=NINE + timedelta(days=32))}, "31 days"),
        ({"mail": "mei"}, "no mail address"),
        ({"mail": "a@b.example\nBcc: all@example.org"}, "no mail address"),
        ({"mail": "a@b.example, c@d.example"}, "no mail address"),
    ],
)
def test_what_cannot_be_a_visit_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        checked_visit(replace(DETAILS, **changed))  # type: ignore[arg-type]


def test_a_visit_is_trimmed() -> None:
    wanted = replace(DETAILS, name="  Mei   Tanaka ", mail=" mei@example.org ", language="fr")
    trimmed = checked_visit(wanted)
    assert (trimmed.name, trimmed.mail, trimmed.language) == ("Mei Tanaka", "mei@example.org", "en")


@pytest.mark.parametrize("days", [0, 366])
def test_visits_are_kept_for_a_day_to_a_year(days: int) -> None:
    with pytest.raises(BadInput):
        VisitRules(site=DETAILS.site, kept_days=days)


def test_terms_in_one_language_are_shown_in_the_other_too() -> None:
    assert replace(TERMS, chinese="").text("zh") == "Keep quiet."
    assert TERMS.text("zh") == "请保持安静。"
