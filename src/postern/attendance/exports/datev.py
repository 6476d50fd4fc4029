"""Hours for DATEV's two payroll programs, as their ASCII imports of movement data take them.

LODAS: a file that describes itself, `[Allgemein]`, `[Satzbeschreibung]`, `[Bewegungsdaten]`, with the table
`u_lod_bwd_buchung_standard` (DATEV, "LODAS ASCII-Import"). Lohn und Gehalt: eleven fields a line, for which
the tax adviser keeps an import description; `description()` is one. Both: Windows-1252, CRLF, a comma before
decimals. The numbers of wage types are the organisation's own and are never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from postern.attendance.exports.model import Paid, hours
from postern.errors import BadInput

_HOURS = 1
"""LODAS' processing key for hours."""
_TABLE = (
    "1;u_lod_bwd_buchung_standard;abrechnung_zeitraum#bwd;bs_wert_butab#bwd;bs_nr#bwd;la_eigene#bwd;pnr#bwd;"
)
_FIELDS = (
    "Personalnummer",
    "Kalendertag",
    "Ausfallschlüssel",
    "Lohnartennummer",
    "Stundenanzahl",
    "Tagesanzahl",
    "Wert",
    "Abweichender Faktor",
    "Abweichende Lohnveränderung",
    "Kostenstellennummer",
    "Kostenträger",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatevSettings:
    """Adviser's and client's number, and the wage type of each category; 0 leaves a category out."""

    adviser: int
    client: int
    wage_types: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Movement:
    number: int
    wage_type: int
    hours: Decimal


def lodas(everyone: Sequence[Paid], settings: DatevSettings, month: date) -> bytes:
    """The month for LODAS. Raises BadInput when somebody or a category has no number."""
    lines = [
        "[Allgemein]",
        "Ziel=LODAS",
        "Version_SST=1.0",
        f"BeraterNr={settings.adviser}",
        f"MandantenNr={settings.client}",
        "Feldtrennzeichen=;",
        "Zahlenkomma=,",
        "Datumsformat=TT/MM/JJJJ",
        "",
        "[Satzbeschreibung]",
        _TABLE,
        "",
        "[Bewegungsdaten]",
    ]
    lines += [
        f"1;{month.replace(day=1):%d/%m/%Y};{_comma(one.hours)};{_HOURS};{one.wage_type};{one.number};"
        for one in _movements(everyone, settings)
    ]
    return _file(lines)


def lohn_und_gehalt(everyone: Sequence[Paid], settings: DatevSettings) -> bytes:
    """The month for Lohn und Gehalt: values of the month, without a calendar day. BadInput as in `lodas`."""
    return _file(
        [
            f"{one.number};;;{one.wage_type};{_comma(one.hours)};;;;;;"
            for one in _movements(everyone, settings)
        ]
    )


def description() -> bytes:
    """What the import assistant of Lohn und Gehalt is told of the lines, once."""
    head = [
        "[Allgemein]",
        f"Feldanzahl = {len(_FIELDS)}",
        "Feldtrennzeichen = Strichpunkt",
        "Satztrennzeichen = Enter/Return",
        "Anderes Trennzeichen =",
        "Zahlenkomma = ,",
        "Datumstrennzeichen = /",
        "[Feldinhalt]",
    ]
    return _file([*head, *(f"Feld{place} = {name}" for place, name in enumerate(_FIELDS, start=1))])


def _movements(everyone: Sequence[Paid], settings: DatevSettings) -> Iterator[_Movement]:
    _check(everyone, settings)
    for one in everyone:
        for total in one.sheet.totals.categories:
            wage_type = settings.wage_types[total.category]
            if wage_type and total.minutes:
                yield _Movement(
                    number=int(one.payee.employee_number), wage_type=wage_type, hours=hours(total.minutes)
                )


def _check(everyone: Sequence[Paid], settings: DatevSettings) -> None:
    """Hours are refused rather than left out: what is missing in a pay slip is noticed by whoever is poor."""
    if not 1 <= settings.adviser <= 9_999_999 or not 1 <= settings.client <= 99_999:
        raise BadInput("DATEV's adviser has a number of up to seven digits, a client one of up to five")
    numbers = [one.payee.employee_number for one in everyone]
    wrong = sum(not (one.isascii() and one.isdigit() and 1 <= int(one) <= 99_999) for one in numbers)
    if wrong:
        raise BadInput(f"{wrong} people have no employee number from 1 to 99999, and DATEV takes no other")
    if len({int(one) for one in numbers}) != len(numbers):
        raise BadInput("two people have the same employee number for DATEV, which drops zeros in front")
    used = {total.category for one in everyone for total in one.sheet.totals.categories}
    unknown = sorted(used - settings.wage_types.keys())
    if unknown:
        raise BadInput(f"say which wage type {unknown[0]!r} is in DATEV, or 0 to leave it out")


def _comma(value: Decimal) -> str:
    return str(value).replace(".", ",")


def _file(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("cp1252")
