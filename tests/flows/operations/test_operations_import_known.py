"""Files of people who are known already: what changes, who leaves, and what a dry run keeps to itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pyrage import decrypt, x25519

from postern.access.model import CredentialKind
from postern.errors import BadInput, Conflict, Refused
from postern.ids import PersonId
from postern.journal.model import Act
from postern.operations import look
from postern.operations.people import employments, export, import_csv, register
from postern.operations.people.import_csv import ImportKind, ImportReport, Outcome
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.people.employment import Terms
from postern.people.model import Person, PersonDetails, Sex

KNOWN = PersonDetails(
    name="Gita Rao",
    employee_number="2001",
    resident_id_number="11010519491231002X",
    sex=Sex.FEMALE,
    mail="gita@example.org",
    notes="-2 stairs\r\nonly",
)
FIRST = date(2025, 1, 1)
STAFF = (
    "employee_number,name,card,access_levels,first_day,last_day,occupation\n"
    "2001,Gita Okoro,CA77,Staff,,,Foreman\n"
    "2002,Henk Vos,,,2026-03-01,,\n"
)


async def check(hub: Services, actor: Actor, text: str) -> ImportReport:
    return await import_csv.check_import(hub, actor, kind=ImportKind.PEOPLE, data=text.encode())


async def apply(hub: Services, actor: Actor, text: str, as_checked: str | None = None) -> ImportReport:
    return await import_csv.apply_import(
        hub, actor, kind=ImportKind.PEOPLE, data=text.encode(), as_checked=as_checked
    )


async def details(hub: Services, admin: Actor, person: PersonId) -> Person:
    return (await look.person_file(hub, admin, person)).person


@pytest.fixture
async def gita(hub: Services, admin: Actor) -> PersonId:
    """Somebody who is employed here."""
    person = (await register.add_person(hub, admin, KNOWN)).id
    await employments.add_employment(
        hub, admin, person=person, version=0, terms=Terms(first=FIRST, occupation="Roofer")
    )
    return person


async def test_a_file_changes_who_is_known_and_adds_who_is_not_and_then_nothing(
    hub: Services, admin: Actor, gita: PersonId
) -> None:
    dry = await check(hub, admin, STAFF)
    assert [one.outcome for one in dry.lines] == [Outcome.CHANGED, Outcome.NEW]
    assert [(one.field, one.value) for one in dry.lines[0].changes] == [
        ("name", "Gita Okoro"),
        ("card", "CA77"),
        ("access_levels", "Staff"),
        ("occupation", "Foreman"),
    ]
    assert (await details(hub, admin, gita)).details == KNOWN

    done = await apply(hub, admin, STAFF, dry.mark)

    assert (done.lines, done.applied) == (dry.lines, 2)
    file = await look.person_file(hub, admin, gita)
    assert file.person.details == replace(KNOWN, name="Gita Okoro")
    assert [one.value for one in file.holding.credentials if one.kind is CredentialKind.CARD] == ["CA77"]
    assert len(file.holding.grants) == 1
    (one,) = (await employments.employment_file(hub, admin, gita)).employments.every
    assert one.terms == Terms(first=FIRST, occupation="Foreman")
    assert (await look.find_people(hub, admin, text="Henk Vos")).total == 1

    again = await check(hub, admin, STAFF)
    assert {one.outcome for one in again.lines} == {Outcome.UNCHANGED}
    assert (await apply(hub, admin, STAFF, again.mark)).applied == 0
    assert (await details(hub, admin, gita)).version == file.person.version


async def test_a_number_and_a_last_day_make_a_leaver_whose_access_ends_with_that_day(
    hub: Services, admin: Actor, gita: PersonId
) -> None:
    leaver = "employee_number,last_day\n2001,2026-03-04\n"
    assert (await apply(hub, admin, leaver)).applied == 1
    (one,) = (await employments.employment_file(hub, admin, gita)).employments.every
    assert one.ends_at == datetime(2026, 3, 4, 23, tzinfo=UTC)  # midnight in Berlin
    assert (await check(hub, admin, leaver)).lines[0].outcome is Outcome.UNCHANGED
    assert (await details(hub, admin, gita)).details == KNOWN


async def test_a_dry_run_is_journalled_with_whom_it_looked_at_and_tells_nothing_that_is_held(
    hub: Services, admin: Actor, gita: PersonId
) -> None:
    text = "employee_number,name,sex,resident_id_number,mail,first_day\n2001,Gita R,male,,,2026-01-01\n"
    report = await check(hub, admin, text)
    assert not any(held in repr(report) for held in ("Gita Rao", "female", "gita@", "1101", "Roofer", "2025"))
    entry = (await look.journal_page(hub, admin))[0].entry
    assert (entry.act, entry.purpose, entry.detail) == (Act.LOOKED, "import of people", "dry run")
    assert entry.subjects == (gita,)


async def test_when_the_registry_changed_since_the_dry_run_nothing_is_applied(
    hub: Services, admin: Actor, gita: PersonId
) -> None:
    dry = await check(hub, admin, STAFF)
    other = replace(KNOWN, name="Gita Meanwhile")
    await register.change_person(hub, admin, id=gita, version=1, details=other)
    with pytest.raises(Conflict, match="check it again"):
        await apply(hub, admin, STAFF, dry.mark)
    assert (await details(hub, admin, gita)).details == other
    assert (await look.find_people(hub, admin, text="Henk Vos")).total == 0
    with pytest.raises(Conflict, match="check it again"):  # nor another file than the one that was checked
        await apply(hub, admin, STAFF.replace("Foreman", "Roofer"), (await check(hub, admin, STAFF)).mark)
    # The mutant, an import that heeds no mark, overwrites what nobody saw.
    await apply(hub, admin, STAFF)
    assert (await details(hub, admin, gita)).details.name == "Gita Okoro"


async def test_who_changes_a_person_between_judgement_and_storing_wins_and_nobody_of_the_file_is_stored(
    hub: Services, admin: Actor, gita: PersonId, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = hub.keyring.new_keys_of_all

    async def meanwhile(*given: object) -> None:
        await register.change_person(hub, admin, id=gita, version=1, details=replace(KNOWN, notes=""))
        await keys(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(type(hub.keyring), "new_keys_of_all", lambda _, *given: meanwhile(*given))
    with pytest.raises(Conflict, match="meanwhile"):
        await apply(hub, admin, STAFF)
    assert (await look.find_people(hub, admin, text="Henk Vos")).total == 0
    assert (await details(hub, admin, gita)).details == replace(KNOWN, notes="")


async def test_the_exports_own_file_changes_nothing(hub: Services, admin: Actor, gita: PersonId) -> None:
    plain = await register.add_person(hub, admin, PersonDetails(name="=No Number", notes="'quoted'"))
    holder = x25519.Identity.generate()
    wanted = export.Export(
        recipient="Payroll", recipient_key=str(holder.to_public()), people=(gita, plain.id)
    )
    made = await export.export_people(hub, admin, wanted, purpose="pay", case="C-1")
    text = decrypt(made.sealed, [holder]).decode()
    report = await check(hub, admin, text)
    assert [(one.outcome, one.changes) for one in report.lines] == [(Outcome.UNCHANGED, ())] * 2


async def test_an_import_does_nothing_that_its_operator_may_not_do_line_by_line(
    hub: Services, admin: Actor, gita: PersonId
) -> None:
    hr, guard = (replace(admin, name=role.value, role=role) for role in (Role.HR, Role.SECURITY))
    leaver, access = (
        "employee_number,last_day\n2001,2026-03-04\n",
        "employee_number,access_levels\n2001,Staff\n",
    )
    assert not (await check(hub, hr, leaver)).bad
    assert not (await check(hub, guard, access)).bad
    with pytest.raises(Refused, match="change-access"):
        await check(hub, hr, access)
    with pytest.raises(Refused, match="change-employments"):
        await check(hub, guard, leaver)
    for role in set(Role) - {Role.ADMINISTRATOR, Role.SECURITY, Role.HR}:
        with pytest.raises(Refused, match="change-people"):
            await check(hub, replace(admin, role=role), "employee_number\n2001\n")


async def test_people_of_another_organisation_are_nobody(
    hub: Services, admin: Actor, gita: PersonId, stranger: Actor
) -> None:
    text = f"employee_number,id,last_day\n2001,,2026-03-04\n,{gita},2026-03-04\n"
    problems = [one.problem for one in (await check(hub, stranger, text)).lines]
    assert [one.split(";")[0] for one in problems] == [
        "nobody has this employee number",
        "nobody has this id",
    ]
    with pytest.raises(BadInput, match="2 of 2"):
        await apply(hub, stranger, text)
    assert not (await check(hub, admin, text.replace(f",{gita},2026-03-04\n", ""))).bad
