"""Tables as a workbook (ISO/IEC 29500): a sheet each, headings that stay in view, and no formula ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from postern.attendance.exports.model import Cell, Table

_WIDEST = 48
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)
"""No file tells when it was made: the same timesheets give the same bytes."""


def as_xlsx(tables: Sequence[Table], words: Callable[[str], str] = str) -> bytes:
    """The workbook; `words` puts names and headings into words."""
    out = BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"created": _EPOCH})
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    formats = {
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        time: book.add_format({"num_format": "hh:mm"}),
        Decimal: book.add_format({"num_format": "0.00"}),
    }
    for table in tables:
        sheet = book.add_worksheet(words(table.name)[:31])
        sheet.freeze_panes(1, 2)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)
        for column, heading in enumerate(table.headings):
            sheet.write_string(0, column, words(heading), bold)
            sheet.set_column(column, column, _width(table, column, words(heading)))
        for line, row in enumerate(table.rows, start=1):
            for column, cell in enumerate(row):
                _write(sheet, line, column, cell, formats)
        if table.rows:
            sheet.autofilter(0, 0, len(table.rows), len(table.headings) - 1)
    book.close()
    return out.getvalue()


def _width(table: Table, column: int, heading: str) -> int:
    longest = max((len(str(row[column] or "")) for row in table.rows), default=0)
    return min(max(longest, len(heading) // 2) + 3, _WIDEST)


def _write(sheet: Worksheet, line: int, column: int, cell: Cell, formats: dict[type, Format]) -> None:
    """Numbers as numbers, days as days: payroll sums them without a word of ours."""
    if cell is None or cell == "":
        return
    if isinstance(cell, str):
        sheet.write_string(line, column, cell)
    elif isinstance(cell, int):
        sheet.write_number(line, column, cell)
    elif isinstance(cell, Decimal):
        sheet.write_number(line, column, float(cell), formats[Decimal])
    else:
        sheet.write_datetime(line, column, cell, formats[time if isinstance(cell, time) else date])
