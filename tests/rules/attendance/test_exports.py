"""What payroll is handed: every minute once, no formula, no category lost, and the form's every field."""

from __future__ import annotations

import csv
import io
import re
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postern.attendance.exports.certified import CertifiedPayroll, workers
from postern.attendance.exports.csv_file import as_csv
from postern.attendance.exports.datev import DatevSettings, description, lodas, lohn_und_gehalt
from postern.attendance.exports.model import Paid, Payee, Table, days, hours, pay, totals
from postern.attendance.exports.wh347 import as_wh347
from postern.attendance.exports.xlsx_file import as_xlsx
from postern.attendance.model import Stretch, WorkDay
from postern.attendance.pay import LineKind, PayLine
from postern.attendance.timesheet import CategoryTotal, Timesheet, TimesheetDay, Totals
from postern.errors import BadInput
from postern.ids import PersonId, new_id
from tests.needs import needs

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)
ADA = Payee(name="Ada Nowak", employee_number="00123", employer="Nord Bau", occupation="Roofer")
STRAIGHT, ABOVE = ("regular", Decimal(100)), ("overtime", Decimal(150))
SETTINGS = DatevSettings(
    adviser=1234567, client=10001, wage_types={"regular": 201, "overtime": 202, "night": 0}
)


def worked(day: date, regular: int, overtime: int = 0) -> TimesheetDay:
    """A day from nine o'clock, with its pay lines."""
    start = datetime.combine(day, time(9), BERLIN).astimezone(UTC)
    stretch = Stretch(start=start, end=start + timedelta(minutes=regular + overtime))
    lines = [
        PayLine(day=day, category=category, minutes=minutes, percent=percent, article="§ 3 ArbZG")
        for (category, percent), minutes in ((STRAIGHT, regular), (ABOVE, overtime))
        if minutes
    ]
    lines.append(
        PayLine(
            day=day,
            category="night",
            minutes=20,
            percent=Decimal(25),
            article="§ 6 ArbZG",
            kind=LineKind.PREMIUM,
        )
    )
    work = WorkDay(day=day, stretches=(stretch,), counted=(stretch,))
    return TimesheetDay(work=work, planned=480, late=3, lines=tuple(lines))


def sheet(*of: TimesheetDay) -> Timesheet:
    categories: dict[str, CategoryTotal] = {}
    for line in (line for day in of for line in day.lines):
        before = categories.get(line.category)
        categories[line.category] = CategoryTotal(
            category=line.category,
            kind=line.kind,
            percent=line.percent,
            minutes=line.minutes + (before.minutes if before else 0),
            article=line.article,
        )
    total = Totals(
        worked=sum(one.minutes for one in of),
        planned=sum(one.planned for one in of),
        late=sum(one.late for one in of),
        categories=tuple(categories.values()),
    )
    return Timesheet(
        person=PersonId(new_id()), first=date(2026, 3, 1), last=date(2026, 3, 31), days=of, totals=total
    )


PAID = [
    Paid(payee=ADA, sheet=sheet(worked(MONDAY, 480, 50), worked(MONDAY + timedelta(days=1), 475))),
    Paid(payee=Payee(name="=2+3 林大雨", employee_number="7"), sheet=sheet(worked(MONDAY, 100))),
]


def test_nobody_gives_headings_and_no_line() -> None:
    assert as_csv(totals([])).decode("utf-8-sig").count("\r\n") == 1
    assert days([], BERLIN).rows == pay([]).rows == ()
    assert b"[Bewegungsdaten]\r\n" in lodas([], SETTINGS, MONDAY)
    assert lohn_und_gehalt([], SETTINGS) == b""


@pytest.mark.parametrize(
    ("minutes", "written"), [(0, "0.00"), (1, "0.02"), (25, "0.42"), (90, "1.50"), (7460, "124.33")]
)
def test_minutes_are_hours_with_two_decimals(minutes: int, written: str) -> None:
    assert str(hours(minutes)) == written


def test_a_days_times_are_those_on_the_sites_wall() -> None:
    row = dict(zip(days(PAID, BERLIN).headings, days(PAID, BERLIN).rows[0], strict=True))
    assert (row["day"], row["came"], row["left"]) == (MONDAY, time(9), time(17, 50))
    assert (row["worked_minutes"], row["worked_hours"]) == (530, Decimal("8.83"))


def test_pay_lines_carry_every_minute_and_its_article() -> None:
    table = pay(PAID)
    lines = [dict(zip(table.headings, row, strict=True)) for row in table.rows]
    assert sum(int(str(one["minutes"])) for one in lines if one["kind"] == "worked") == 530 + 475 + 100
    assert {one["article"] for one in lines} == {"§ 3 ArbZG", "§ 6 ArbZG"}


def test_csv_is_read_back_as_it_was_and_computes_nothing() -> None:
    read = list(csv.DictReader(io.StringIO(as_csv(pay(PAID)).decode("utf-8-sig"))))
    assert [one["hours"] for one in read[:2]] == ["15.92", "0.83"]
    assert {one["name"] for one in read} == {"Ada Nowak", "'=2+3 林大雨"}
    assert read[0]["employee_number"] == "00123"


def test_the_same_timesheets_give_the_same_workbook() -> None:
    assert as_xlsx([totals(PAID)]) == as_xlsx([totals(PAID)])


@needs("soffice")
def test_libreoffice_opens_the_workbook_and_reads_what_was_written(tmp_path: Path) -> None:
    tables = [totals(PAID), pay(PAID), days(PAID, BERLIN)]
    (tmp_path / "hours.xlsx").write_bytes(as_xlsx(tables, lambda key: key.replace("_", " ")))
    sheets = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,true,false,false,-1"
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", sheets, "--outdir", ".", "hours.xlsx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    for table in tables:
        text = (tmp_path / f"hours-{table.name}.csv").read_text("utf-8")
        read = list(csv.reader(io.StringIO(text)))
        assert read[0] == [one.replace("_", " ") for one in table.headings]
        assert read[1:] == [[shown(cell) for cell in row] for row in table.rows]


def shown(cell: object) -> str:
    """A cell as LibreOffice shows it by its format; a formula would show a number."""
    if cell is None:
        return ""
    if isinstance(cell, time):
        return cell.strftime("%H:%M")
    return f"{cell:.2f}" if isinstance(cell, Decimal) else str(cell)


def test_lodas_describes_itself_and_has_a_line_a_category() -> None:
    text = lodas(PAID, SETTINGS, date(2026, 3, 31)).decode("cp1252")
    assert text.startswith("[Allgemein]\r\nZiel=LODAS\r\n")
    assert "\r\nBeraterNr=1234567\r\nMandantenNr=10001\r\n" in text
    fields = re.search(r"^1;u_lod_bwd_buchung_standard;(.*);\r$", text, re.MULTILINE)
    assert fields is not None
    lines = text.partition("[Bewegungsdaten]\r\n")[2].splitlines()
    assert lines == [
        "1;01/03/2026;15,92;1;201;123;",
        "1;01/03/2026;0,83;1;202;123;",
        "1;01/03/2026;1,67;1;201;7;",
    ]
    assert {len(one.split(";")) for one in lines} == {len(fields[1].split(";")) + 2}


def test_lohn_und_gehalt_has_the_eleven_fields_that_its_description_names() -> None:
    assert lohn_und_gehalt(PAID, SETTINGS).decode("cp1252").splitlines()[0] == "123;;;201;15,92;;;;;;"
    told = description().decode("cp1252")
    assert "Feldanzahl = 11\r\n" in told
    assert told.count("\r\nFeld") == 13
    assert all(one.count(b";") == 10 for one in lohn_und_gehalt(PAID, SETTINGS).splitlines())


def test_datev_is_refused_hours_that_it_would_lose() -> None:
    with pytest.raises(BadInput, match="'overtime'"):
        lodas(PAID, replace(SETTINGS, wage_types={"regular": 1, "night": 0}), MONDAY)
    for number in ("", "12a", "0", "100000", "١٢"):
        wrong = [replace(PAID[0], payee=replace(ADA, employee_number=number))]
        with pytest.raises(BadInput, match="1 people have no employee number"):
            lodas(wrong, SETTINGS, MONDAY)
    with pytest.raises(BadInput, match="same employee number"):
        lohn_und_gehalt([PAID[0], replace(PAID[1], payee=replace(ADA, employee_number="123"))], SETTINGS)
    with pytest.raises(BadInput, match="adviser"):
        lodas(PAID, replace(SETTINGS, adviser=0), MONDAY)


SUNDAY = date(2026, 3, 8)
FORM = CertifiedPayroll(
    contractor="Nord Bau",
    address="12 Dock Street",
    is_subcontractor=True,
    number=7,
    week_ending=SUNDAY,
    project="Federal Building, Oakland",
    contract="GS-09P-1234",
    workers=workers(PAID, SUNDAY),
)


def test_a_certified_week_shares_each_day_into_straight_time_and_overtime() -> None:
    ada = next(one for one in FORM.workers if one.name == ADA.name)
    assert ada.straight == (480, 475, 0, 0, 0, 0, 0)
    assert ada.overtime == (50, 0, 0, 0, 0, 0, 0)
    assert sum(one.minutes for one in FORM.workers) == sum(one.sheet.totals.worked for one in PAID)
    assert workers(PAID, MONDAY - timedelta(days=1)) == ()
    assert (FORM.days[0], FORM.days[-1]) == (MONDAY, SUNDAY)


def test_the_form_has_every_field_of_the_wh_347() -> None:
    pdf = as_wh347(FORM)
    for text in ("Nord Bau", "12 Dock Street", "GS-09P-1234", "Federal Building, Oakland", "03/08/2026"):
        assert f"({text})".encode() in pdf
    for text in ("8.00", "0.83", "15.92", "Roofer", "00123", "NAME OF SUBCONTRACTOR"):
        assert f"({text})".encode() in pdf
    fields = {found.decode() for found in re.findall(rb"/T \(([\w.]+)\)", pdf)}
    wages = {"exemptions", "rate", "gross", "fica", "withholding", "other", "deductions", "net"}
    assert {f"1.{line}.{wage}" for line in (1, 2) for wage in wages} <= fields
    signed = {"date", "name", "title", "deductions", "plans", "cash", "exceptions", "remarks", "signatory"}
    assert {f"statement.{one}" for one in signed} <= fields
    assert as_wh347(FORM) == pdf


def test_more_workers_than_a_page_holds_go_on_the_next() -> None:
    many = replace(FORM, workers=FORM.workers * 5)
    assert b"(Page 2 of 2)" in as_wh347(many)
    assert b"(Page 1 of 1)" in as_wh347(replace(FORM, workers=()))


def test_a_table_is_named_for_its_sheet() -> None:
    assert as_xlsx([Table(name="x" * 40, headings=("a",), rows=())])[:2] == b"PK"
