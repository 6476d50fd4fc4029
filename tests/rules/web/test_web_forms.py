"""What was typed is never lost, and every error stands beside its field."""

from __future__ import annotations

from uuid import uuid4

import pytest
from starlette.datastructures import FormData, Headers

from postern.access.model import DaySpan
from postern.errors import BadInput
from postern.web.console.person_page import masked
from postern.web.console.weeks import spans_from, text_from, weekly_from
from postern.web.forms import FormReader
from postern.web.login import form_key_of
from postern.web.pages import initials
from postern.web.security import comes_from_this_console


def reader(**values: str) -> FormReader:
    return FormReader(FormData(list(values.items())))


def test_an_empty_form_gives_nothing_and_no_error() -> None:
    fields = reader()
    assert (fields.text("name"), fields.maybe("name"), fields.day("day"), fields.ids("points")) == (
        "",
        None,
        None,
        (),
    )
    assert not fields.result().wrong


def test_every_error_is_told_at_once_and_what_was_typed_stays() -> None:
    fields = reader(name="", born="31.3.1990", number="x")
    fields.needed("name")
    fields.day("born")
    fields.number("number")
    form = fields.result()
    assert dict(form.errors) == {
        "name": "form.needed",
        "born": "form.not-a-day",
        "number": "form.not-a-number",
    }
    assert form.get("born") == "31.3.1990"


def test_a_secret_is_read_untrimmed_and_never_shown_again() -> None:
    fields = reader(password=" two words ")
    assert fields.secret("password") == " two words "
    assert fields.result().get("password") == ""


def test_ids_that_are_none_are_an_error() -> None:
    one = uuid4()
    assert reader(points=str(one)).ids("points") == (one,)
    fields = reader(points="nonsense")
    assert fields.ids("points") == ()
    assert fields.errors == {"points": "form.not-in-list"}


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("", ""),
        ("08:00-12:00, 13:00-17:30", "08:00-12:00, 13:00-17:30"),
        ("13:00-17:30；8:00–12:00".replace("8:00–", "08:00–"), "08:00-12:00, 13:00-17:30"),
        ("22:00-06:00", "22:00-06:00"),
        ("00:00-24:00", "00:00-24:00"),
    ],
)
def test_a_day_s_hours_come_back_as_they_were_meant(typed: str, shown: str) -> None:
    assert text_from(spans_from(typed)) == shown


@pytest.mark.parametrize("typed", ["8 to 12", "08:00", "25:00-26:00", "08:00-12:00-13:00"])
def test_hours_that_are_none_are_refused(typed: str) -> None:
    with pytest.raises((ValueError, BadInput)):
        spans_from(typed)


def test_the_same_hours_on_several_days_are_one_span() -> None:
    office: tuple[DaySpan, ...] = spans_from("08:00-18:00")
    weekly = weekly_from((office, office, office, office, office, (), ()))
    assert [sorted(one.weekdays) for one in weekly] == [[0, 1, 2, 3, 4]]


def test_an_id_number_is_masked() -> None:
    assert masked(None) is None
    assert masked("12345") == "•••••"
    assert masked("11010519491231002X") == "110•••••••••••••2X"


def test_initials_stand_for_any_name() -> None:
    names = ("", "Ada", "Ada Nowak", "林小雨", "Ines Duarte (invented)", "何志强（虚构）")
    assert [initials(name) for name in names] == ["?", "A", "AN", "雨", "ID", "强"]


def test_each_login_has_a_form_key_of_its_own() -> None:
    assert form_key_of("one") != form_key_of("two")
    assert "one" not in form_key_of("one")


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({}, False),
        ({"host": "postern.test"}, False),
        ({"host": "postern.test", "origin": "null"}, False),
        ({"host": "postern.test", "origin": "https://evil.test"}, False),
        ({"host": "postern.test", "origin": "http://postern.test"}, False),
        ({"host": "postern.test", "origin": "https://postern.test"}, True),
        ({"host": "postern.test", "origin": "null", "sec-fetch-site": "same-origin"}, True),
        ({"host": "postern.test", "origin": "https://postern.test", "sec-fetch-site": "cross-site"}, False),
        ({"host": "postern.test", "sec-fetch-site": "same-site"}, False),
        ({"host": "postern.test", "sec-fetch-site": "none"}, False),
    ],
)
def test_a_change_must_come_from_a_page_of_ours(headers: dict[str, str], ours: bool) -> None:
    assert comes_from_this_console(Headers(headers), "https") is ours
