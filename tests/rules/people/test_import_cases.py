"""Files of people, judged against a register: cases to read; and a file that says what is held is idle."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from postern.access.model import Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.errors import BadInput
from postern.ids import (
    AccessLevelId,
    ContractorId,
    CredentialId,
    EmploymentId,
    PersonId,
    SiteId,
    TeamId,
    TenantId,
)
from postern.operations.people.export import written_csv
from postern.operations.people.import_judgement import Held, Judged, judge
from postern.operations.people.import_lines import ImportKind, LineReport, Outcome, read_rows, refused
from postern.operations.people.import_person_line import Ground, read_person
from postern.people.employment import Employments, Terms, employment_of
from postern.people.model import Person, PersonDetails, Sex, checked_details
from postern.people.resident_id import check_resident_id

ZONE = ZoneInfo("Europe/Berlin")
TENANT = TenantId(1)
CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "cases/people/import.yaml").read_text("utf-8")
)
GROUND = Ground(
    zone=ZONE,
    zones={SiteId(1): ZONE},
    levels={name.casefold(): AccessLevelId(uuid4()) for name in CASES["levels"]},
    teams={name.casefold(): TeamId(uuid4()) for name in CASES["teams"]},
    contractors={name.casefold(): ContractorId(uuid4()) for name in CASES["contractors"]},
    sites={"works": SiteId(1), "1": SiteId(1)},
)


def held_of(everyone: Sequence[Person], more: Mapping[PersonId, Mapping[str, Any]]) -> Held:
    """A register of these people, and what they hold."""
    cards = {found["card"]: id for id, found in more.items() if "card" in found}
    employed = {id: tuple(map(_employment, found.get("employed", ()))) for id, found in more.items()}
    return Held(
        tenant=TENANT,
        at=datetime.fromisoformat(CASES["today"]).replace(tzinfo=ZONE),
        numbers={
            one.details.employee_number.upper(): one.id for one in everyone if one.details.employee_number
        },
        residents={
            one.details.resident_id_number: one.id for one in everyone if one.details.resident_id_number
        },
        cards=cards,
        people={one.id: one for one in everyone},
        holdings={id: _holding(id, found) for id, found in more.items()},
        employments={id: Employments(person=id, every=every, version=1) for id, every in employed.items()},
    )


def _employment(written: Mapping[str, Any]) -> Any:
    return employment_of(EmploymentId(uuid4()), Terms(**written), ZONE)


def _holding(id: PersonId, found: Mapping[str, Any]) -> Holding:
    numbers = [(found[name], name != "card") for name in ("card", "revoked card") if name in found]
    return Holding(
        subject=id,
        kind=SubjectKind.PERSON,
        version=1,
        credentials=tuple(
            Credential(id=CredentialId(uuid4()), kind=CredentialKind.CARD, value=number, revoked=revoked)
            for number, revoked in numbers
        ),
        grants=tuple(Grant(level=GROUND.levels[name.casefold()]) for name in found.get("levels", ())),
    )


def register() -> tuple[list[Person], Held]:
    everyone, more = [], {}
    for name, found in CASES["register"].items():
        details = PersonDetails(
            name=name,
            employee_number=found["number"],
            resident_id_number=found.get("resident"),
            sex=Sex(found["sex"]) if "sex" in found else None,
        )
        one = Person(id=PersonId(uuid4()), tenant=TENANT, version=1, details=details)
        everyone.append(one)
        more[one.id] = found
    return everyone, held_of(everyone, more)


def judged(text: str, held: Held) -> dict[int, LineReport | Judged]:
    """What becomes of each line of the file."""
    found: dict[int, LineReport | Judged] = {}
    lines = []
    for number, fields in read_rows(text.encode(), ImportKind.PEOPLE):
        try:
            lines.append(read_person(number, fields, GROUND))
        except BadInput as fault:
            found[number] = refused(number, str(fault))
    found |= {one.report.line: one for one in judge(held, GROUND, lines)}
    return dict(sorted(found.items()))


def reports(text: str, held: Held) -> list[LineReport]:
    return [one.report if isinstance(one, Judged) else one for one in judged(text, held).values()]


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_what_becomes_of_a_file(case: Mapping[str, Any]) -> None:
    everyone, held = register()
    told = reports(case["file"], held)
    assert len(told) == len(case["lines"])
    for one, wanted in zip(told, case["lines"], strict=True):
        if isinstance(wanted, Mapping):
            assert one.outcome is Outcome.CHANGED, one
            assert {change.field: change.value for change in one.changes} == {
                name: str(value) for name, value in wanted.items()
            }
        elif wanted in set(Outcome):
            assert (one.outcome, one.problem, one.changes) == (wanted, "", ())
        else:
            assert (one.outcome, one.problem[: len(wanted)]) == (Outcome.REFUSED, wanted)
    names = {one.id: one.details.name for one in everyone}
    ends = {
        names[PersonId(one.subject)]: one.employments.every[-1].ends_at
        for one in judged(case["file"], held).values()
        if isinstance(one, Judged) and one.employments is not None and one.subject in names
    }
    for name, at in case.get("ends", {}).items():
        assert ends[name] == datetime.fromisoformat(at).replace(tzinfo=ZONE)


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_a_file_taken_in_changes_nothing_the_second_time(case: Mapping[str, Any]) -> None:
    _, held = register()
    lines = [one for one in judged(case["file"], held).values() if isinstance(one, Judged)]
    people = dict(held.people) | {one.person.id: one.person for one in lines if one.person}
    holdings = [one.holding for one in lines if one.holding]
    employments = [one.employments for one in lines if one.employments]
    cards = {
        card.value: one.subject
        for one in (*held.holdings.values(), *holdings)
        for card in one.credentials
        if not card.revoked
    }
    after = replace(
        held_of(list(people.values()), {}),
        cards=cards,
        holdings=dict(held.holdings) | {one.subject: one for one in holdings},
        employments=dict(held.employments) | {one.person: one for one in employments},
    )
    for first, second in zip(reports(case["file"], held), reports(case["file"], after), strict=True):
        wanted = Outcome.REFUSED if first.outcome is Outcome.REFUSED else Outcome.UNCHANGED
        assert (second.outcome, second.changes) == (wanted, ())


def _text(most: int = 20) -> st.SearchStrategy[str]:
    letters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
    return st.text(letters, max_size=most) | st.text("=+-@'\"\t\r\n;, aÄ李", max_size=most)


@st.composite
def _details(draw: st.DrawFn) -> PersonDetails:
    """What an operator may have filled in."""
    wanted = PersonDetails(
        name=draw(_text().filter(lambda text: bool(text.strip()))),
        employee_number=draw(st.none() | _text(8)),
        sex=draw(st.none() | st.sampled_from(Sex)),
        birth_date=draw(st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31))),
        home_site=draw(st.sampled_from((None, SiteId(1)))),
        notes=draw(_text(60)),
        mail=draw(st.sampled_from((None, "ada@example.org", "'a=b'@example.org"))),
        resident_id_number=draw(st.sampled_from((None, "11010519491231002X", "=1+1", "ab 12"))),
    )
    check_resident_id((wanted.resident_id_number or "").upper())
    return checked_details(wanted)


@given(_details())
def test_the_exports_own_row_changes_nothing(details: PersonDetails) -> None:
    one = Person(id=PersonId(uuid4()), tenant=TENANT, version=1, details=details)
    (report,) = reports(written_csv([one]).decode(), held_of([one], {}))
    assert (report.outcome, report.problem) == (Outcome.UNCHANGED, "")


def test_the_exports_columns_are_all_read() -> None:
    heading = written_csv([]).decode()
    (columns,) = csv.reader(io.StringIO(heading))
    assert list(read_rows(heading.encode(), ImportKind.PEOPLE)) == []
    assert len(columns) == 9
